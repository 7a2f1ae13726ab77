/* Names and texts of error codes; see err.h. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *err_name(int code)
{
    switch (code) {
    case OK:
        return "OK";
#define ERR_CASE(name, value, text)                                                                \
    case ERR_##name:                                                                               \
        return #name;
        ERR_MAP(ERR_CASE)
#undef ERR_CASE
    }
    const char *name = code < 0 ? strerrorname_np(-code) : NULL;
    return name ? name : "UNKNOWN";
}

const char *err_text(int code)
{
    switch (code) {
    case OK:
        return "no error";
#define ERR_CASE(name, value, text)                                                                \
    case ERR_##name:                                                                               \
        return text;
        ERR_MAP(ERR_CASE)
#undef ERR_CASE
    }
    return code < 0 ? strerror(-code) : "unknown error";
}

int err_set(struct err *err, int code, const char *format, ...)
{
    if (!err)
        return code;
    err->code = code;
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return code;
}

int err_at(struct err *err, const char *where)
{
    const struct err inner = *err;
    return err_set(err, inner.code, "%s: %s", where, inner.text);
}
