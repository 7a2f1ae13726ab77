"""POST /fruit: what is published, and what is rejected without being published."""

import json
import socket
import uuid

import pytest

from place import FRUITS
from program import parallel
from tracing import FORM, is_continued

KEY = "0190163d-8694-739b-aea5-966c26f8ad91"
MISSING, FRUIT, QUANTITY = "No fruit or quantity provided", "Invalid fruit", "Invalid quantity"


@pytest.fixture
def frontend(shared):
    place, frontend = shared
    place.take()
    return frontend


@pytest.fixture
def place(shared):
    return shared[0]


def post(frontend, body, content_type="application/json", **headers):
    fields = {"Content-Type": content_type} if content_type is not None else {}
    return frontend.request("POST", "/fruit", data=body, headers=fields | headers)


def published_besides(frontend, place):
    """What lies in the queue before an order that is made now."""
    marker = str(uuid.uuid4())
    assert frontend.order(Idempotency_Key=marker).status_code == 200
    *before, (_, last) = place.take()
    assert last.message_id == marker
    return before


def test_an_order_is_published(frontend, place):
    answer = frontend.order("pears", 3)
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/json"
    identity = answer.json()["id"]
    assert answer.json() == {"message": "You sent 3 pears!", "id": identity}
    [(body, properties)] = place.take(1)
    assert json.loads(body) == {"fruit": "pears", "quantity": 3}
    assert properties.message_id == identity and uuid.UUID(identity).version == 7
    assert properties.delivery_mode == 2 and properties.content_type == "application/json" and properties.timestamp
    assert place.take() == []


@pytest.mark.parametrize("name", FRUITS)
def test_each_fruit_in_any_case(frontend, place, name):
    for written in (name, name.upper(), name.title()):
        assert frontend.order(written, 1).json()["message"] == f"You sent 1 {name}!"
    assert [json.loads(body)["fruit"] for body, _ in place.take(3)] == [name] * 3


@pytest.mark.parametrize("quantity", [1, 2147483647])
def test_the_ends_of_a_quantity(frontend, place, quantity):
    assert frontend.order("grapes", quantity).status_code == 200
    assert json.loads(place.take(1)[0][0]) == {"fruit": "grapes", "quantity": quantity}


@pytest.mark.parametrize("body", [
    b'{"fruit":"pears","quantity":3,"more":{"deep":[1,null]}}',
    b' {"quantity" : 3,\n"fruit":"p\\u0065ars"} ',
    b'{"fruit":"kiwi","fruit":"pears","quantity":3}',
])
def test_bodies_that_mean_three_pears(frontend, place, body):
    assert post(frontend, body).status_code == 200
    assert json.loads(place.take(1)[0][0]) == {"fruit": "pears", "quantity": 3}


@pytest.mark.parametrize("body, error", [
    (b"", MISSING), (b"nonsense", MISSING), (b"{}", MISSING), (b"[]", MISSING), (b"null", MISSING), (b'"hello"', MISSING),
    (b'{"fruit":"pears"}', MISSING), (b'{"quantity":3}', MISSING), (b'{"fruit":"pears","quantity":3', MISSING),
    (b'{"fruit":"pears","quantity":3}}', MISSING), (b'{"fruit":null,"quantity":3}', MISSING),
    (b'{"fruit":"pears","quantity":null}', MISSING), (b'{"Fruit":"pears","quantity":3}', MISSING),
    (b'{"fruit":"\xff","quantity":3}', MISSING), (b"[" * 5000, MISSING), (b"fruit=pears&quantity=3", MISSING),
    (b'{"fruit":"kiwi","quantity":3}', FRUIT), (b'{"fruit":"all","quantity":3}', FRUIT),
    (b'{"fruit":"","quantity":3}', FRUIT), (b'{"fruit":7,"quantity":3}', FRUIT),
    (b'{"fruit":["pears"],"quantity":3}', FRUIT), (b'{"fruit":"kiwi","quantity":0}', FRUIT),
    (b'{"fruit":"pears\\u0000","quantity":3}', FRUIT), (b'{"fruit":" pears","quantity":3}', FRUIT),
    (b'{"fruit":"pears","quantity":0}', QUANTITY), (b'{"fruit":"pears","quantity":-1}', QUANTITY),
    (b'{"fruit":"pears","quantity":"3"}', QUANTITY), (b'{"fruit":"pears","quantity":3.0}', QUANTITY),
    (b'{"fruit":"pears","quantity":1e2}', QUANTITY), (b'{"fruit":"pears","quantity":true}', QUANTITY),
    (b'{"fruit":"pears","quantity":2147483648}', QUANTITY), (b'{"fruit":"pears","quantity":99999999999999999999}', QUANTITY),
    (b'{"fruit":"pears","quantity":1e999}', QUANTITY), (b'{"fruit":"pears","quantity":{}}', QUANTITY),
])
def test_a_wrong_body_is_refused_and_not_published(frontend, place, body, error):
    counted = frontend.value("fruit_requests_total")
    answer = post(frontend, body)
    assert (answer.status_code, answer.json()) == (400, {"error": error})
    assert answer.headers["Content-Type"] == "application/json"
    assert frontend.value("fruit_requests_total") == counted
    assert published_besides(frontend, place) == []


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "application/x-www-form-urlencoded",
                                          "application/jsonx", "application/json-patch+json", "json",
                                          "multipart/form-data; boundary=x"])
def test_another_content_type_is_415(frontend, place, content_type):
    answer = post(frontend, b'{"fruit":"pears","quantity":3}', content_type)
    assert answer.status_code == 415 and "application/json" in answer.json()["error"]
    assert published_besides(frontend, place) == []


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON",
                                          "application/json;charset=UTF-8"])
def test_forms_of_the_content_type(frontend, content_type):
    assert post(frontend, b'{"fruit":"pears","quantity":3}', content_type).status_code == 200


@pytest.mark.parametrize("key", [KEY, KEY.upper(), "00000000-0000-0000-0000-000000000001",
                                 "F47AC10B-58cc-4372-a567-0e02b2c3d479"])
def test_an_idempotency_key_becomes_the_id(frontend, place, key):
    answer = frontend.order(Idempotency_Key=key)
    assert answer.json()["id"] == key.lower()
    assert place.take(1)[0][1].message_id == key.lower()


@pytest.mark.parametrize("key", ["", "1", KEY[:-1], KEY + "0", KEY.replace("-", ""), "{" + KEY + "}",
                                 KEY.replace("0", "g", 1), KEY[:8] + "_" + KEY[9:], "x" * 3000])
def test_a_key_that_is_no_uuid_is_refused(frontend, place, key):
    answer = frontend.order(Idempotency_Key=key)
    assert answer.status_code == 400 and "Idempotency-Key" in answer.json()["error"]
    assert published_besides(frontend, place) == []


def test_traceparent_is_passed_on(frontend, place):
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
    frontend.order(traceparent=traceparent)
    frontend.order(traceparent="nonsense")
    first, second = (properties.headers["traceparent"] for _, properties in place.take(2))
    assert is_continued(traceparent, first) and FORM.fullmatch(second)


def test_a_chunked_body(frontend, place):
    def pieces():
        yield b'{"fruit":"pears",'
        yield b'"quantity":3}'
    assert post(frontend, pieces()).status_code == 200
    assert json.loads(place.take(1)[0][0]) == {"fruit": "pears", "quantity": 3}


def test_a_body_without_end_is_413(frontend, place):
    answer = post(frontend, b'{"fruit":"pears","quantity":3,"x":"' + b"x" * 70000 + b'"}')
    assert answer.status_code == 413
    assert published_besides(frontend, place) == []


def test_pipelined_orders_are_answered_in_their_order(frontend, place):
    with socket.create_connection(("127.0.0.1", frontend.port), 5) as peer:
        for quantity in range(1, 31):
            body = b'{"fruit":"pears","quantity":%d}' % quantity
            peer.sendall(b"POST /fruit HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                         b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        said = b""
        while said.count(b"You sent") < 30:
            said += peer.recv(65536)
    assert [int(part.split()[0]) for part in said.decode().split("You sent ")[1:]] == list(range(1, 31))
    assert [json.loads(body)["quantity"] for body, _ in place.take(30)] == list(range(1, 31))


def test_every_answer_has_a_message_of_its_own(frontend, place):
    ids = parallel(16, lambda n: [frontend.order("apples", n + 1).json()["id"] for _ in range(20)])
    answered = {identity: n + 1 for n, some in enumerate(ids) for identity in some}
    published = {properties.message_id: json.loads(body)["quantity"] for body, properties in place.take(320)}
    assert len(answered) == 320 and published == answered


def test_fruit_requests_total_counts_what_passed(frontend):
    before = frontend.value("fruit_requests_total")
    frontend.order()
    frontend.get("/fruit?name=pears")
    frontend.order("kiwi")
    frontend.get("/fruit?name=kiwi")
    assert frontend.value("fruit_requests_total") == before + 2
