"""HTTP that nobody sends by mistake: what it is answered, that nothing of it is published, and that the frontend lives on.

Every attack bears an order of four pears, and a second one hidden where a proxy and a server could disagree on where a
request ends. After each of them the order of a good client must be the only message in the queue.
"""

import contextlib
import json
import re
import socket
import time
import uuid

import pytest

from program import parallel, sanitized
from until import until

ORDER = b'{"fruit":"pears","quantity":4}'
JSON = b"Content-Type: application/json\r\n"
HEAD = b"POST /fruit HTTP/1.1\r\nHost: x\r\n" + JSON
LENGTH = b"Content-Length: %d\r\n" % len(ORDER)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNK = b"%x\r\n%s\r\n" % (len(ORDER), ORDER)
LAST = b"0\r\n\r\n"
HIDDEN = HEAD + LENGTH + b"\r\n" + ORDER
GET = b"GET /health HTTP/1.1\r\nHost: x\r\n"
KIB = 1024
LIMIT_S = 10  # for a head, and for a body besides its minimum rate


@pytest.fixture
def frontend(shared):
    """At the end of each test it serves as ever, and published nothing but what `taken` took."""
    place, frontend = shared
    place.take()
    yield frontend
    marker = str(uuid.uuid4())
    assert frontend.order(Idempotency_Key=marker).status_code == 200
    assert [properties.message_id for _, properties in place.take()] == [marker]
    until(lambda: frontend.value("http_open_connections") <= 2)  # no connection is held for a peer that is gone


@pytest.fixture
def place(shared):
    return shared[0]


def connect(frontend, seconds=5):
    return socket.create_connection(("127.0.0.1", frontend.port), seconds)


def said_until_close(peer):
    """All that comes until the server closes; a time-out is a failure."""
    said = b""
    with contextlib.suppress(ConnectionResetError):
        while more := peer.recv(65536):
            said += more
    return said


def raw(frontend, *writes):
    with connect(frontend) as peer:
        for data in writes:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                peer.sendall(data)
        return said_until_close(peer)


def statuses(said):
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", said)]


def refused(frontend, request, status, reason):
    """One answer, which is an error in JSON that names its reason, is counted under it, and ends the connection."""
    before = frontend.value("http_rejected_total", reason=reason)
    said = raw(frontend, request)
    head, _, body = said.partition(b"\r\n\r\n")
    assert statuses(said) == [status], said
    assert b"\r\nConnection: close" in head and json.loads(body)["error"]
    assert frontend.value("http_rejected_total", reason=reason) == before + 1


# Smuggling: a proxy before us may read these otherwise than we do, so there must be one answer and no second request.

@pytest.mark.parametrize("framing, status, reason", [
    (LENGTH + CHUNKED, 400, "framing"),
    (CHUNKED + LENGTH, 400, "framing"),
    (b"Content-Length: 0\r\n" + CHUNKED, 400, "framing"),
    (LENGTH + b"content-LENGTH: 0\r\n", 400, "framing"),
    (LENGTH + LENGTH, 400, "framing"),
    (b"Content-Length: 5, 5\r\n", 400, "framing"),
    (b"Content-Length: +30\r\n", 400, "framing"),
    (b"Content-Length: -1\r\n", 400, "framing"),
    (b"Content-Length: 0x1e\r\n", 400, "framing"),
    (b"Content-Length: 3 0\r\n", 400, "framing"),
    (b"Content-Length: 30;\r\n", 400, "framing"),
    (b"Content-Length: 1e1\r\n", 400, "framing"),
    (b"Content-Length: \xd9\xa3\xd9\xa0\r\n", 400, "framing"),  # 30 in Arabic digits
    (b"Content-Length: 18446744073709551646\r\n", 400, "framing"),  # 30 past 64 bits
    (b"Content-Length: 4294967326\r\n", 413, "body_too_large"),  # 30 past 32 bits
    (CHUNKED + CHUNKED, 400, "framing"),
    (CHUNKED + b"Transfer-Encoding: identity\r\n", 400, "framing"),
    (b"Transfer-Encoding: identity\r\n" + CHUNKED, 501, "transfer_coding"),
    (b"Transfer-Encoding: gzip, chunked\r\n", 501, "transfer_coding"),
    (b"Transfer-Encoding: chunked, chunked\r\n", 400, "framing"),
    (b"Transfer-Encoding: chunked, identity\r\n", 400, "framing"),
    (b"Transfer-Encoding: xchunked\r\n", 501, "transfer_coding"),
    (b"Transfer-Encoding: chunkedx\r\n", 501, "transfer_coding"),
    (b'Transfer-Encoding: "chunked"\r\n', 501, "transfer_coding"),
    (b"Transfer-Encoding: chunked;x=y\r\n", 501, "transfer_coding"),
    (b"Transfer-Encoding: ,chunked\r\n", 501, "transfer_coding"),
    (b"Transfer-Encoding: \x0bchunked\r\n", 400, "syntax"),
    (b"Transfer-Encoding:\r\n", 501, "transfer_coding"),
    (b"Transfer-Encoding: \r\n chunked\r\n", 400, "line_end"),
    (b"Transfer-Encoding : chunked\r\n", 400, "syntax"),
    (b"Transfer-Encoding\t: chunked\r\n", 400, "syntax"),
    (b" Transfer-Encoding: chunked\r\n", 400, "line_end"),
    (b"\x00Transfer-Encoding: chunked\r\n", 400, "syntax"),
    (b"Transfer\x00-Encoding: chunked\r\n", 400, "syntax"),
    (b"Transfer-Encoding: chunked\x00\r\n", 400, "syntax"),
    (b"X: a\rTransfer-Encoding: chunked\r\n", 400, "line_end"),
    (b"X: a\nTransfer-Encoding: chunked\r\n", 400, "line_end"),
    (b"X: \rxTransfer-Encoding: chunked\r\n", 400, "line_end"),
    (b"Transfer-Encoding: chunked\n", 400, "line_end"),
    (b"Transfer-Encoding: chunked\r\r\n", 400, "line_end"),
    (b"X: a\r\n\r" + CHUNKED, 400, "line_end"),
    (b": x\r\n", 400, "syntax"),
    (b"no colon\r\n", 400, "syntax"),
    (b"Host: y\r\n", 400, "host"),
])
def test_no_request_is_smuggled(frontend, framing, status, reason):
    body = CHUNK + LAST if b"hunked" in framing else ORDER
    refused(frontend, HEAD + framing + b"\r\n" + body + HIDDEN, status, reason)


@pytest.mark.parametrize("request_line, status, reason", [
    (b"POST /fruit\r\n", 400, "syntax"),  # HTTP/0.9
    (b"POST /fruit \r\n", 400, "syntax"),
    (b"POST /fruit HTTP/0.9\r\n", 505, "version"),
    (b"POST /fruit HTTP/2.0\r\n", 505, "version"),
    (b"POST /fruit HTTP/1.2\r\n", 505, "version"),
    (b"POST /fruit HTTP/1.\r\n", 505, "version"),
    (b"POST /fruit HTTP/11\r\n", 505, "version"),
    (b"POST /fruit HTTP/1.1 x\r\n", 505, "version"),
    (b"POST /fruit x HTTP/1.1\r\n", 400, "syntax"),
    (b"POST\t/fruit\tHTTP/1.1\r\n", 400, "syntax"),
    (b" POST /fruit HTTP/1.1\r\n", 400, "syntax"),
    (b"POST /fr\x00uit HTTP/1.1\r\n", 400, "syntax"),
    (b"POST /fr\x7fuit HTTP/1.1\r\n", 400, "syntax"),
    (b"POST fruit HTTP/1.1\r\n", 400, "syntax"),
    (b"POST /fruit#x HTTP/1.1\r\n", 400, "syntax"),
    (b"POST * HTTP/1.1\r\n", 400, "syntax"),
    (b"POST /fruit HTTP/1.1\n", 400, "line_end"),
    (b"POST /fruit HTTP/1.1\r", 400, "line_end"),
    (b"post /fruit HTTP/1.1\r\n", 501, "method"),
    (b"POSTS /fruit HTTP/1.1\r\n", 501, "method"),
    (b"P\x00ST /fruit HTTP/1.1\r\n", 400, "syntax"),
])
def test_request_lines(frontend, request_line, status, reason):
    refused(frontend, request_line + b"Host: x\r\n" + JSON + LENGTH + b"\r\n" + ORDER + HIDDEN, status, reason)


def test_chunked_with_1_0(frontend):
    """An old proxy does not know the coding, and forwards the body as further requests."""
    refused(frontend, b"POST /fruit HTTP/1.0\r\n" + JSON + CHUNKED + b"\r\n" + CHUNK + LAST + HIDDEN, 400, "framing")


@pytest.mark.parametrize("body", [
    b"1e \r\n" + ORDER + b"\r\n" + LAST, b" 1e\r\n" + ORDER + b"\r\n" + LAST, b"0x1e\r\n" + ORDER + b"\r\n" + LAST,
    b"+1e\r\n" + ORDER + b"\r\n" + LAST, b"-1\r\n" + ORDER, b"\r\n" + ORDER, b";x\r\n" + ORDER, b"1g\r\n" + ORDER,
    b"1000000000000001e\r\n" + ORDER + b"\r\n" + LAST,  # past 64 bits
    b"1e\n" + ORDER + b"\r\n" + LAST, b"1e\r" + ORDER + b"\r\n" + LAST,
    b"1e\r\n" + ORDER + b"\n" + LAST, b"1e\r\n" + ORDER + LAST, b"1e\r\n" + ORDER + b"xx" + LAST,
    b"1d\r\n" + ORDER + b"\r\n" + LAST, CHUNK + b"0\n\n", CHUNK + b"0\r\n\n", CHUNK + b"0\r\nX: a\n\r\n",
    CHUNK + b"0\r\nX: a\r\n b\r\n\r\n", CHUNK + b"0\r\nX : a\r\n\r\n", CHUNK + b"0\r\n\x00\r\n\r\n",
    b"1e;x\n" + ORDER + b"\r\n" + LAST, b"1e;x=\"\r\n" + ORDER + b"\r\n" + LAST, b"1e;\x00\r\n" + ORDER + b"\r\n" + LAST,
], ids=lambda body: repr(body.replace(ORDER, b"...")[:24]))
def test_broken_chunks(frontend, body):
    said = raw(frontend, HEAD + CHUNKED + b"\r\n" + body + HIDDEN)
    assert statuses(said) == [400] and b"\r\nConnection: close" in said


def taken(place, count):
    """Takes what the test itself had published."""
    assert [json.loads(body) for body, _ in place.take(count)] == [json.loads(ORDER)] * count


@pytest.mark.parametrize("request_bytes, reached", [
    (HEAD + CHUNKED + b"\r\n" + b"".join(b"1\r\n%c\r\n" % byte for byte in ORDER) + LAST, True),
    (HEAD + CHUNKED + b"\r\n" + CHUNK.replace(b"1e", b"0000001E") + b"000\r\n\r\n", True),
    (HEAD + CHUNKED + b"\r\n" + CHUNK.replace(b"1e", b'1e;a;b="c"') + b"0;x\r\n\r\n", True),
    (HEAD + CHUNKED + b"\r\n" + CHUNK + b"0\r\nContent-Length: 0\r\nHost: y\r\n\r\n", True),  # trailers mean nothing
    (HEAD + CHUNKED.upper() + b"\r\n" + CHUNK + LAST, True),
    (b"\r\n\r\n" + HEAD + LENGTH + b"\r\n" + ORDER, True),
    (b"POST http://other.example/fruit HTTP/1.1\r\nHost: x\r\n" + JSON + LENGTH + b"\r\n" + ORDER, True),
    (b"POST http://x/?/fruit HTTP/1.1\r\nHost: x\r\n" + JSON + LENGTH + b"\r\n" + ORDER, False),
    (b"POST  /fruit  HTTP/1.1\r\nHost: x\r\n" + JSON + LENGTH + b"\r\n" + ORDER, True),
    (b"POST //fruit HTTP/1.1\r\nHost: x\r\n" + JSON + LENGTH + b"\r\n" + ORDER, False),
    (b"POST /./fruit HTTP/1.1\r\nHost: x\r\n" + JSON + LENGTH + b"\r\n" + ORDER, False),
    (b"POST /x/../fruit HTTP/1.1\r\nHost: x\r\n" + JSON + LENGTH + b"\r\n" + ORDER, False),
    (b"POST /%66ruit HTTP/1.1\r\nHost: x\r\n" + JSON + LENGTH + b"\r\n" + ORDER, False),
], ids=range(13))
def test_odd_but_clear(frontend, place, request_bytes, reached):
    """These say where they end: each is one request, and the connection goes on behind it."""
    said = raw(frontend, request_bytes + GET + b"Connection: close\r\n\r\n")
    assert statuses(said) == [200 if reached else 404, 200], said
    if reached:
        taken(place, 1)


def test_one_byte_a_write(frontend, place):
    with connect(frontend) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in HEAD + CHUNKED + b"Connection: close\r\n\r\n" + CHUNK + LAST:
            peer.send(bytes([byte]))
        assert statuses(said_until_close(peer)) == [200]
    taken(place, 1)


# Other protocols

def test_http_2_with_prior_knowledge(frontend):
    refused(frontend, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9), 505, "version")


def test_a_tls_client_is_told_in_clear(frontend):
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500)
    refused(frontend, hello, 400, "syntax")


@pytest.mark.parametrize("upgrade", [b"h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA", b"websocket", b"TLS/1.0"])
def test_an_upgrade_is_not_made(frontend, place, upgrade):
    """The request is answered as HTTP/1.1, and what follows is a request, not a tunnel."""
    said = raw(frontend, HEAD + LENGTH + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: " + upgrade + b"\r\n\r\n" + ORDER
               + GET + b"Connection: close\r\n\r\n")
    assert statuses(said) == [200, 200] and b"101" not in said.split(b"\r\n")[0]
    taken(place, 1)


def test_connect_opens_no_tunnel(frontend):
    said = raw(frontend, b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n" + HIDDEN)
    assert statuses(said) in ([404], [405]) and b"\r\nConnection: close" in said


# Too much

@pytest.mark.parametrize("request_bytes, status, reason", [
    (b"POST /fruit?" + b"x" * (8 * KIB) + HEAD[11:] + LENGTH + b"\r\n" + ORDER, 414, "target_too_long"),
    (b"POST /" + b"x" * (1024 * KIB), 414, "target_too_long"),
    (HEAD + LENGTH + b"X: " + b"x" * (16 * KIB) + b"\r\n\r\n" + ORDER, 431, "headers_too_large"),
    (HEAD + LENGTH + b"X: " + b"x" * (1024 * KIB), 431, "headers_too_large"),
    (HEAD + LENGTH + b"x" * (1024 * KIB), 431, "headers_too_large"),
    (HEAD + LENGTH + b"X: " + b" " * (16 * KIB) + b"\r\n\r\n" + ORDER, 431, "headers_too_large"),
    (HEAD + LENGTH + b"".join(b"X%d: 1\r\n" % n for n in range(98)) + b"\r\n" + ORDER, 431, "headers_too_large"),
    (HEAD + b"Content-Length: %d\r\n\r\n" % (64 * KIB + 1), 413, "body_too_large"),
    (HEAD + b"Content-Length: 9223372036854775807\r\n\r\n" + ORDER, 413, "body_too_large"),
    (HEAD + CHUNKED + b"\r\n" + b"1000\r\n" + b"x" * 4096 + b"\r\n" + b"f001\r\n" + b"x" * 0xf001, 413, "body_too_large"),
    (HEAD + CHUNKED + b"\r\n" + b"1\r\nx\r\n" * (64 * KIB + 1), 413, "body_too_large"),
    (HEAD + CHUNKED + b"\r\n1e;" + b"x" * (16 * KIB) + b"\r\n" + ORDER + b"\r\n" + LAST, 431, "headers_too_large"),
    (HEAD + CHUNKED + b"\r\n" + b"1;xxxxxxxxxxxxxxxxxxxx\r\n{\r\n" * 1000, 431, "headers_too_large"),
    (HEAD + CHUNKED + b"\r\n" + CHUNK + b"0\r\nX: " + b"x" * (16 * KIB) + b"\r\n\r\n", 431, "headers_too_large"),
    (HEAD + CHUNKED + b"\r\n" + CHUNK + b"0\r\n" + b"X: 1\r\n" * 10000, 431, "headers_too_large"),
], ids=["target", "target without end", "field", "field without end", "name without end", "spaces", "fields", "length",
        "length of 2^63", "chunk", "chunks of a byte", "extension", "extensions", "trailer", "trailers"])
def test_too_much(frontend, request_bytes, status, reason):
    refused(frontend, request_bytes, status, reason)


@pytest.mark.parametrize("request_bytes", [
    b"POST /fruit?" + b"x" * (8 * KIB - 7) + HEAD[11:] + LENGTH + b"\r\n" + ORDER,
    HEAD + LENGTH + b"X: " + b"x" * (16 * KIB - 200) + b"\r\n\r\n" + ORDER,
    HEAD + LENGTH + b"".join(b"X%d: 1\r\n" % n for n in range(96)) + b"\r\n" + ORDER,
    HEAD + b"Content-Length: %d\r\n\r\n" % (64 * KIB) + ORDER.rjust(64 * KIB),
    HEAD + CHUNKED + b"\r\n" + b"1\r\n \r\n" * 10000 + CHUNK + LAST,
], ids=["target", "field", "fields", "body", "chunks"])
def test_much_but_allowed(frontend, place, request_bytes):
    assert statuses(raw(frontend, request_bytes + GET + b"Connection: close\r\n\r\n")) == [200, 200]
    taken(place, 1)


def test_a_body_that_is_refused_is_not_read_on_and_on(frontend):
    """The peer gets its answer although it goes on sending, and is cut off when it does not stop."""
    with connect(frontend) as peer:
        peer.sendall(HEAD + b"Content-Length: 1000000000\r\n\r\n")
        assert peer.recv(65536).startswith(b"HTTP/1.1 413 ")
        begin = time.monotonic()
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while time.monotonic() < begin + 8:
                peer.send(b"x" * KIB)
                time.sleep(0.01)
        assert time.monotonic() - begin < 5  # HTTP_DRAIN_LIMIT_S, and a turn of the wheel


# Many at once

def test_a_thousand_requests_in_one_write(frontend):
    request = b"GET /fruit?name=pears HTTP/1.1\r\nHost: x\r\n\r\n"
    said = raw(frontend, request * 999 + request[:-2] + b"Connection: close\r\n\r\n")
    assert statuses(said) == [200] * 1000


def test_a_thousand_orders_in_one_write(frontend, place):
    orders = b"".join(HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(body), body) for body in
                      (b'{"fruit":"pears","quantity":%d}' % (n + 1) for n in range(1000)))
    said = raw(frontend, orders + GET + b"Connection: close\r\n\r\n")
    assert statuses(said) == [200] * 1001
    assert [int(part.split()[0]) for part in said.decode().split("You sent ")[1:]] == list(range(1, 1001))
    assert sorted(json.loads(body)["quantity"] for body, _ in place.take(1000)) == list(range(1, 1001))


def test_a_bad_one_among_pipelined_ones(frontend, place):
    """Those before it are answered in their order, those behind it are never looked at."""
    good = HEAD + LENGTH + b"\r\n" + ORDER
    said = raw(frontend, good * 100 + HEAD + LENGTH + CHUNKED + b"\r\n" + ORDER + good * 100)
    assert statuses(said) == [200] * 100 + [400]
    taken(place, 100)


def test_pipelined_requests_whose_answers_nobody_reads(frontend):
    """Reading stops where the answers pile up; who asks for 100 MB without taking any holds no such memory."""
    before = frontend.value("process_resident_memory_bytes")
    with connect(frontend, 1) as peer:
        with pytest.raises(TimeoutError):
            while True:
                peer.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
        assert frontend.get("/health").elapsed.total_seconds() < 0.5
        assert sanitized() or frontend.value("process_resident_memory_bytes") < before + 16e6


# Too slow

TRICKLES = [
    HEAD + b"X: " + b"x" * 100,
    HEAD + LENGTH + b"\r\n" + b" " * (len(ORDER) - 1),
    HEAD + CHUNKED + b"\r\n" + b"1\r\n \r\n" * 100,
    HEAD + CHUNKED + b"\r\n1e;" + b"x" * 100,
    HEAD + CHUNKED + b"\r\n" + CHUNK + b"0\r\n" + b"X:" + b"x" * 100,
]


def test_a_trickle_gets_408(frontend):
    """Of a head, a body, chunks, an extension and a trailer all but 24 bytes come at once, and then one every half
    second: never silent, and never done."""
    before = frontend.value("http_rejected_total", reason="timeout")
    for said, seconds in parallel(len(TRICKLES), lambda n: trickle(frontend, TRICKLES[n])):
        assert statuses(said) == [408] and b"\r\nConnection: close" in said
        assert LIMIT_S - 1 < seconds < LIMIT_S + 6
    assert frontend.value("http_rejected_total", reason="timeout") == before + len(TRICKLES)


def trickle(frontend, request):
    """(what came, after how many seconds)"""
    with connect(frontend, LIMIT_S + 5) as peer:
        peer.sendall(request[:-24])
        begin = time.monotonic()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for byte in request[-24:]:
                peer.send(bytes([byte]))
                time.sleep(0.5)
        return said_until_close(peer), time.monotonic() - begin


def test_half_a_request_and_gone(frontend):
    """A close or a reset at any byte of a request leaves nothing behind."""
    whole = HEAD + CHUNKED + b"\r\n" + CHUNK + LAST
    for end in range(1, len(whole)):
        with connect(frontend) as peer:
            if end % 2:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            peer.sendall(whole[:end])
    assert frontend.get("/health").status_code == 200


# JSON and names, as far as test_frontend_order.py and test_frontend_sums.py have not asked yet

@pytest.mark.parametrize("body, error", [
    (b"[" * 60000, "No fruit or quantity provided"),
    (b'{"fruit":' * 6000, "No fruit or quantity provided"),
    (b'{"x":' + b"[" * 2100 + b"]" * 2100 + b',"fruit":"pears","quantity":4}', "No fruit or quantity provided"),
    (b'{"fruit":"pears","quantity":3.5}', "Invalid quantity"),
    (b'{"fruit":"pears","quantity":1e309}', "Invalid quantity"),
    (b'{"fruit":"pears","quantity":-1e309}', "Invalid quantity"),
    (b'{"fruit":"pears","quantity":9223372036854775807}', "Invalid quantity"),
    (b'{"fruit":"pears","quantity":9223372036854775808}', "Invalid quantity"),
    (b'{"fruit":"pears","quantity":-9223372036854775809}', "Invalid quantity"),
    (b'{"fruit":"pears","quantity":[4]}', "Invalid quantity"),
    (b'{"fruit":"pears","quantity":04}', "No fruit or quantity provided"),
    (b'{"fruit":"pears","quantity":0x4}', "No fruit or quantity provided"),
    (b'{"fruit":"pears","quantity":NaN}', "No fruit or quantity provided"),
    (b'{"fruit":"pears","quantity":Infinity}', "No fruit or quantity provided"),
    (b'{"fruit":"pears","quantity":4,}', "No fruit or quantity provided"),
    (b'\xef\xbb\xbf{"fruit":"pears","quantity":4}', "No fruit or quantity provided"),
    ('{"fruit":"pears","quantity":4}'.encode("utf-16"), "No fruit or quantity provided"),
    (b'{"fruit":"pears","quantity":4}\x00', "No fruit or quantity provided"),
    (b'{"fruit":"' + b"p" * 10240 + b'","quantity":4}', "Invalid fruit"),
    (b'{"fruit":"pears\xc3\x28","quantity":4}', "No fruit or quantity provided"),
    (b'{"fruit":"\xed\xa0\x80","quantity":4}', "No fruit or quantity provided"),  # half a surrogate pair
    (b'{"fruit":"\\ud800","quantity":4}', "No fruit or quantity provided"),
    ('{"fruit":"ｐears","quantity":4}'.encode(), "Invalid fruit"),  # full-width p
    (b'{"fruit":true,"quantity":4}', "Invalid fruit"), (b'{"fruit":{},"quantity":4}', "Invalid fruit"),
], ids=lambda value: repr(value[:36]))
def test_json(frontend, body, error):
    answer = frontend.request("POST", "/fruit", data=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()) == (400, {"error": error})


@pytest.mark.parametrize("name", [b"%FF", b"%C3%28", b"pears%C2%A0", b"%EF%BD%90ears", b"p" * 7000, b"pears%0a", b"%", b"%2"])
def test_names_in_a_query(frontend, name):
    said = raw(frontend, b"GET /fruit?name=" + name + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert statuses(said) == [400] and said.endswith(b'{"error":"Invalid fruit"}')
