"""Can anything wait on the loop's thread?

    check_blocking.py BUILD_DIR

Every function that the objects of the rooms and programs lack, and that no other of them has, must be known here:
either as one that never waits, or for the very file that needs it, with the reason why nothing waits there. So the
first sleep(), PQexec() or amqp_basic_publish() that somebody adds fails this check, whatever path leads to it. What a
call is told (a time-out of 0, a socket that does not block) no symbol shows: the tests that stop each server do.
"""
import pathlib
import re
import subprocess
import sys

# Memory, text, numbers, clocks, and what the kernel answers at once.
LIBC = """
    __assert_fail __ctype_b_loc __ctype_tolower_loc __errno_location __fixunsdfti __floatuntidf __udivti3 __umodti3
    __stack_chk_fail __tls_get_addr _GLOBAL_OFFSET_TABLE_ _exit abort asprintf atoi bcmp calloc ceil clock_gettime close
    exit exp2 fcntl floor free frexp gai_strerror getenv getpid getrandom getrlimit getrusage getsockopt gmtime_r ioctl
    ilogb isatty ldexp localtime_r log log2 madvise malloc memccpy memchr memcmp memcpy memmem memmove mempcpy memrchr memset mmap ntohs pow
    pthread_atfork pthread_key_create pthread_setspecific
    program_invocation_short_name pthread_mutex_destroy pthread_mutex_init pthread_mutex_trylock pthread_equal pthread_self
    pthread_mutex_unlock qsort random rawmemchr realloc round setrlimit setsockopt shutdown signal snprintf socket sprintf sqrt
    sscanf stderr stdout stpcpy strcasecmp strcat strchr strchrnul strcmp strcpy strcspn strdup strerror strerrorname_np
    strftime strlen strncasecmp strncmp strncpy strndup strnlen strpbrk strrchr strspn strstr strtod strtok_r strtol
    strtoll strtoul sysconf time timerfd_create timerfd_settime tolower vsnprintf
    __cxa_finalize __gmon_start__ getauxval memalign posix_memalign
"""
# What works on memory, or asks the loop to call back.
LIBRARIES = """
    uv_accept uv_async_init uv_async_send uv_buf_init uv_cancel uv_close uv_fileno uv_freeaddrinfo uv_getaddrinfo
    uv_idle_init uv_idle_start uv_idle_stop uv_ip4_addr uv_ip4_name uv_ip6_addr uv_ip6_name uv_is_active uv_is_closing
    uv_listen uv_loop_close uv_loop_configure uv_loop_init uv_metrics_idle_time uv_mutex_destroy uv_mutex_init
    uv_mutex_unlock uv_now uv_poll_init uv_poll_start uv_poll_stop uv_prepare_init uv_prepare_start uv_queue_work
    uv_read_start uv_read_stop uv_shutdown uv_signal_init uv_signal_start uv_stop uv_stream_get_write_queue_size
    uv_strerror uv_tcp_connect uv_tcp_getsockname uv_tcp_init uv_tcp_nodelay uv_tcp_open uv_timer_init uv_timer_start
    uv_timer_stop uv_try_write uv_write uv_walk uv_handle_get_type uv_handle_type_name
    amqp_cstring_bytes amqp_decode_method amqp_decode_properties amqp_encode_method amqp_encode_properties
    init_amqp_pool recycle_amqp_pool empty_amqp_pool
    PQclear PQcmdTuples PQconninfoFree PQconninfoParse PQerrorMessage PQfreemem PQgetvalue PQisBusy PQpipelineStatus
    PQresultErrorField PQresultErrorMessage PQresultStatus PQsetNoticeReceiver PQsetnonblocking PQsocket PQstatus
    redisAsyncCommand redisAsyncCommandArgv redisAsyncFree redisAsyncHandleRead redisAsyncHandleWrite
    json_delete json_integer_value json_loadb json_number_value json_object_get json_object_iter json_object_iter_key
    json_array_get json_array_size json_dumps json_object_iter_next json_object_iter_value json_object_key_to_iter
    json_object_size json_set_alloc_funcs json_string_length
    json_string_value
"""
KNOWN = {*LIBC.split(), *LIBRARIES.split()}
PURE = re.compile(r"llhttp_|nghttp2_|protobuf_c_|__(asan|ubsan|tsan|lsan|sanitizer|interceptor)_|__sanitizer|__start_|__stop_|"
                  r"[a-z]\w*__(pack|unpack|free_unpacked|get_packed_size|descriptor)$")  # the last: what protoc-c makes

POOL = "runs on the thread pool"
START = "before the loop runs"
SHORT = "a lock that is held for a few lines, by nobody who waits"
SOCKET = "on a socket that does not block"
PIPELINE = "on a connection that PQsetnonblocking made not wait"
TERMINAL = "says so to who sits before it; traffic serves nobody"

# File → (why nothing waits there, what it calls)
BECAUSE = [
    ("base/log.c", "asks with a time-out of 0, and writes what is taken at once", "poll write"),
    ("base/settings_help.c", START, "fflush fwrite fprintf printf putchar puts fputc fputs"),
    ("metrics/lint.c", START, "fprintf"),
    ("metrics/registry.c", "the last words of a program that a wrong metric ends", "fprintf fwrite"),
    ("metrics/process.c", "files of /proc, which no disk holds",
     "fopen fread fclose open pread opendir readdir rewinddir closedir"),
    ("metrics/children.c", SHORT, "pthread_mutex_lock"),
    ("metrics/collector.c", SHORT, "pthread_mutex_lock"),
    ("metrics/native_read.c", SHORT, "pthread_mutex_lock"),
    ("metrics/registry.c", SHORT, "pthread_mutex_lock"),
    ("metrics/state.c", SHORT, "pthread_mutex_lock"),
    ("metrics/window.c", SHORT, "pthread_mutex_lock"),
    ("metrics/cells.c", SHORT, "pthread_mutex_lock pthread_once"),
    ("metrics/lint.c", SHORT, "pthread_mutex_lock"),
    ("metrics/exposition.c", SHORT, "pthread_mutex_lock"),
    ("metrics/shortest.c", "a table of some microseconds, once", "pthread_once"),
    ("loop/loop.c", "is the loop", "uv_run"),
    ("http/listen.c", START, "getaddrinfo freeaddrinfo bind listen"),
    ("http/server.c", SOCKET, "accept4"),
    ("http/connection.c", "with MSG_DONTWAIT", "recv"),
    ("http/gzip.c", POOL, "deflate deflateEnd deflateInit2_"),
    ("http/healthcheck.c", "a process of its own, without a loop",
     "getaddrinfo freeaddrinfo connect send recv fprintf fwrite"),
    ("redis/client.c", "given a numeric address, so that there is no name to look up", "redisAsyncConnect"),
    ("postgres/target.c", "given numeric addresses, so that there is no name to look up", "PQconnectStartParams"),
    ("postgres/connection.c", PIPELINE, "PQconnectPoll PQconsumeInput PQflush PQfinish PQsendQuery"),
    ("postgres/pipeline.c", PIPELINE, "PQpipelineSync PQsendQueryPrepared PQflush"),
    ("postgres/setup.c", PIPELINE, "PQenterPipelineMode PQpipelineSync PQsendPrepare PQsendQuery"),
    ("postgres/pipeline.c", "after PQisBusy has said no", "PQgetResult"),
    ("postgres/setup.c", "after PQisBusy has said no", "PQgetResult"),
    ("amqp/wire.c", SOCKET, "send recv"),
    ("amqp/dial.c", POOL, "poll connect getaddrinfo freeaddrinfo"),
    ("amqp/handshake.c", POOL, """amqp_basic_qos amqp_channel_open amqp_confirm_select amqp_data_in_buffer
        amqp_destroy_connection amqp_error_string2 amqp_frames_enqueued amqp_get_frame_max amqp_get_heartbeat
        amqp_get_rpc_reply amqp_login_with_properties amqp_new_connection amqp_release_buffers_ok
        amqp_set_handshake_timeout amqp_set_rpc_timeout amqp_simple_rpc amqp_simple_wait_frame_noblock
        amqp_tcp_socket_new amqp_tcp_socket_set_sockfd"""),
    ("amqp/handshake.c", SHORT, "uv_mutex_lock"),
    ("traffic/app.c", TERMINAL, "fopen fwrite fflush fclose fprintf"),
    ("traffic/live.c", TERMINAL, "fprintf fwrite fflush fputc fputs"),
    ("traffic/main.c", START, "fprintf fwrite fputc fputs"),
    ("traffic/options.c", START, "fprintf fwrite fputc fputs"),
    ("echo/client_options.c", START, "fwrite fprintf"),
    ("echo/client_main.c", START, "fprintf"),
    ("echo/client_report.c", "after the loop", "printf fprintf fflush"),
    ("traffic/plan.c", START, "fopen fread ferror fclose"),
    ("person/usage.c", "files of /proc, which no disk holds", "open pread"),
    ("traffic/ledger.c", "where --log-ids asks for it: one write a turn, to a file", "open write"),
]
ALLOWED = {}
for name, _, calls in BECAUSE:
    ALLOWED.setdefault(name, set()).update(calls.split())


def plain(symbol):
    """strtol for __isoc99_strtol, printf for __printf_chk: what the compiler and glibc's headers make of it."""
    symbol = re.sub(r"@.*|^__isoc\d+_", "", symbol)
    return re.sub(r"^__(\w+)_chk$", r"\1", symbol)


def symbols(path, *flags):
    lines = subprocess.run(["nm", *flags, path], capture_output=True, text=True, check=True).stdout.splitlines()
    return {line.split()[-1] for line in lines if line.split()}


def objects(build):
    """{file: object} of the rooms, the three programs and the labs."""
    found = [*build.glob("common/CMakeFiles/*.dir/*/*.c.o")]
    for program in ("frontend", "backend", "traffic"):
        found += build.glob(f"CMakeFiles/{program}*.dir/{program}/*.c.o")
    found += build.glob("labs/CMakeFiles/*.dir/*/*.c.o")
    return {f"{path.parent.name}/{path.name.removesuffix('.o')}": path for path in found}


def main(build):
    files = objects(pathlib.Path(build))
    own = set().union(*(symbols(path, "-g", "--defined-only") for path in files.values()))
    wrong = [f"{name} is not there, but has a line here" for name in ALLOWED.keys() - files.keys()]
    for name, path in sorted(files.items()):
        for symbol in sorted(map(plain, symbols(path, "-u") - own)):
            if symbol not in KNOWN | ALLOWED.get(name, set()) and not PURE.match(symbol):
                wrong.append(f"{name} calls {symbol}: may it wait? (see check_blocking.py)")
    if len(files) < 90:
        wrong.append(f"only {len(files)} objects were found")
    print("\n".join(wrong) or f"{len(files)} sources call nothing that waits on the loop's thread")
    sys.exit(1 if wrong else 0)


main(*sys.argv[1:])
