/* Writing an answer's head and body as bytes. */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include "http/server.h"

/* What the request and the connection demand of the answer. */
struct http_response_form {
    bool head;           /* no body */
    bool close;          /* the connection's last answer */
    bool keep_alive;     /* say so, for HTTP/1.0 */
    const char *headers; /* the program's further lines, or NULL */
};

/* "Not Found" for 404; static. */
const char *http_status_text(int status);

/* Appends the answer but for a body that is to be taken; whether there was memory is buf_ok. */
void http_response_write(struct buf *out, const struct http_response *response,
                         struct http_response_form form);

#endif
