"""Can the amqp room wait on the loop's thread?

    check_amqp_waits.py BUILD_DIR

librabbitmq has calls that only touch memory, and calls that wait for the broker. What runs on the loop may use the
former alone; handshake.c and dial.c run on the thread pool and may wait. Told from the symbols that each object of the
room lacks, so that no path through the code is overlooked.
"""
import pathlib
import subprocess
import sys

ON_THE_POOL = {"handshake.c", "dial.c"}
MEMORY_ONLY = {"amqp_encode_method", "amqp_encode_properties", "amqp_decode_method", "amqp_decode_properties",
               "amqp_cstring_bytes", "init_amqp_pool", "recycle_amqp_pool", "empty_amqp_pool"}
WAITS = {"poll", "ppoll", "select", "pselect", "epoll_wait", "connect", "getaddrinfo", "sleep", "usleep", "nanosleep",
         "clock_nanosleep", "pthread_join", "pthread_cond_wait", "uv_cond_wait", "uv_sem_wait", "uv_thread_join", "uv_run",
         "uv_sleep", "fsync", "system", "waitpid"}


def symbols(path, *flags):
    lines = subprocess.run(["nm", *flags, path], capture_output=True, text=True, check=True).stdout.splitlines()
    return {line.split()[-1].split("@")[0] for line in lines if line.split()}


def main():
    objects = sorted(pathlib.Path(sys.argv[1], "common/CMakeFiles/amqp.dir/amqp").glob("*.c.o"))
    own = set().union(*(symbols(path, "-g", "--defined-only") for path in objects))
    wrong, checked = [], 0
    for path in objects:
        source = path.name.removesuffix(".o")
        if source in ON_THE_POOL:
            continue
        checked += 1
        for symbol in sorted(symbols(path, "-u") - own):
            foreign = symbol.startswith("amqp_") or symbol.endswith("_amqp_pool")
            if symbol in WAITS or foreign and symbol not in MEMORY_ONLY:
                wrong.append(f"{source} calls {symbol}, which may wait")
    missing = ON_THE_POOL - {path.name.removesuffix(".o") for path in objects}
    print("\n".join(wrong) or f"{checked} sources call nothing that waits")
    sys.exit(1 if wrong or missing or checked < 8 else 0)


main()
