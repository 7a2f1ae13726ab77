"""PostgreSQL spoken to from Python without a package: the C library that the workshop's own programs use."""

import ctypes
import functools

from ..ui import Failure

CONNECTION_OK = 0
GOOD = (1, 2)  # PGRES_COMMAND_OK, PGRES_TUPLES_OK


@functools.cache
def _library():
    try:
        lib = ctypes.CDLL("libpq.so.5")
    except OSError as error:
        raise Failure(f"the library libpq cannot be loaded: {error}", "./workshop up installs it") from None
    lib.PQconnectdb.restype = lib.PQexec.restype = ctypes.c_void_p
    lib.PQerrorMessage.restype = ctypes.c_char_p
    for function, arguments in ((lib.PQconnectdb, [ctypes.c_char_p]), (lib.PQstatus, [ctypes.c_void_p]),
                                (lib.PQerrorMessage, [ctypes.c_void_p]), (lib.PQfinish, [ctypes.c_void_p]),
                                (lib.PQexec, [ctypes.c_void_p, ctypes.c_char_p]), (lib.PQresultStatus, [ctypes.c_void_p]),
                                (lib.PQclear, [ctypes.c_void_p])):
        function.argtypes = arguments
    return lib


class Connection:
    def __init__(self, url, name):
        """`name` is what pg_stat_activity shows."""
        self._lib = _library()
        self._handle = self._lib.PQconnectdb(f"{url}?application_name={name}&connect_timeout=5".encode())
        if self._lib.PQstatus(self._handle) != CONNECTION_OK:
            error = self._error()
            self.close()
            raise OSError(error)

    def execute(self, sql):
        """OSError, in PostgreSQL's words, where it refuses."""
        result = self._lib.PQexec(self._handle, sql.encode())
        status = self._lib.PQresultStatus(result)
        self._lib.PQclear(result)
        if status not in GOOD:
            raise OSError(self._error())

    def close(self):
        if self._handle:
            self._lib.PQfinish(self._handle)
        self._handle = None

    def _error(self):
        return (self._lib.PQerrorMessage(self._handle) or b"").decode(errors="replace").strip()
