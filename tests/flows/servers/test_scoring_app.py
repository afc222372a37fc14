"""A served model over HTTP, without a model: what is refused, in which words, and that it goes on."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import httpx
import pytest

from flows.servers.access import Access
from flows.servers.callers import Callers
from flows.servers.requests_of_pictures import Limits
from flows.servers.scoring_app import ScoringApp
from served_model.picture_error import PictureError

PORT = 5001
URL = f"http://127.0.0.1:{PORT}"
LIMITS = Limits(request_bytes=1000, pictures=5, held_bytes=3000, waiting=4)


def echo(pictures: list[Any]) -> list[Any]:
    if "bad" in pictures:
        raise PictureError("picture 0 is bad")
    return pictures


def asked(*requests: dict[str, Any], app: Callable[..., Any] | None = None) -> list[httpx.Response]:
    """Ask all at once; each has what `httpx.AsyncClient.request` takes."""

    async def all_answers() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app or ScoringApp(echo, Callers(Access(), PORT), LIMITS))
        async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
            sent = [client.request(**{"method": "POST", "url": "/invocations", **request}) for request in requests]
            return await asyncio.gather(*sent)

    return asyncio.run(all_answers())


@pytest.mark.parametrize(
    ("request_", "pictures"),
    [
        ({"instances": ["a", [[1]]]}, ["a", [[1]]]),
        ({"instances": [{"image": "a"}]}, ["a"]),
        ({"inputs": ["a"]}, ["a"]),
        ({"inputs": {"image": ["a", "b"]}}, ["a", "b"]),
        ({"dataframe_records": [{"image": "a"}, {"image": "b"}]}, ["a", "b"]),
        ({"dataframe_split": {"columns": ["image"], "data": [["a"], ["b"]]}}, ["a", "b"]),
        ({"instances": []}, []),
    ],
)
def test_each_form_of_mlflow_is_understood(request_: Any, pictures: list[Any]) -> None:
    (answer,) = asked({"json": request_})
    assert (answer.status_code, answer.json()) == (200, {"predictions": pictures})
    assert answer.headers["content-type"] == "application/json"


def test_the_health_and_the_version_are_told_as_mlflow_tells_them() -> None:
    ping, health, number = asked(*({"method": "GET", "url": path} for path in ("/ping", "/health", "/version")))
    assert (ping.status_code, ping.text, health.text) == (200, "\n", "\n")
    assert number.text == version("mlflow")
    (head,) = asked({"method": "HEAD", "url": "/ping"})
    assert (head.status_code, head.content) == (200, b"")


JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("request_", "status", "said"),
    [
        ({"json": {"instances": ["bad"]}}, 400, "picture 0 is bad"),
        ({"content": b"{", "headers": JSON}, 400, "the request is no JSON"),
        ({"content": b"\xff\xfe", "headers": JSON}, 400, "the request is no JSON"),
        ({"content": b"", "headers": JSON}, 400, "the request is no JSON"),
        ({"content": b'{"instances": [' + b"9" * 900 + b"]}", "headers": JSON}, 200, "9999"),
        ({"content": b"[" * 999, "headers": JSON}, 400, "the request is"),
        ({"json": ["a"]}, 400, "received no object with one entry"),
        ({"json": {"messages": []}}, 400, "received the entries 'messages'; send {\"instances\""),
        ({"json": {"instances": [], "inputs": []}}, 400, "received the entries 'instances', 'inputs'"),
        ({"json": {"instances": "a"}}, 400, "instances: received no list of pictures"),
        ({"json": {"inputs": {}}}, 400, "a row that has not one column"),
        ({"json": {"dataframe_split": []}}, 400, "dataframe_split: received no list"),
        ({"json": {"dataframe_split": {"data": [["a", "b"]]}}}, 400, "a row that has not one column"),
        ({"json": {"dataframe_split": {"columns": ["name", "image"], "data": [["a"]]}}}, 400, "columns ['name', 'im"),
        ({"json": {"dataframe_split": {"columns": "image", "data": [["a"]]}}}, 400, "received the columns image"),
        (
            {"json": {"dataframe_records": [{"a": 1, "b": 2}]}},
            400,
            "received the columns 'a', 'b'; allowed: one column",
        ),
        ({"json": {"dataframe_records": [{}]}}, 400, "a row that has not one column"),
        ({"json": {"instances": [{"image": "a"}, {"other": "b"}]}}, 400, "received the columns 'image', 'other'"),
        ({"json": {"instances": ["a"] * 6}}, 413, "received 6 pictures; allowed: 5 in one request"),
        ({"json": {"instances": ["a" * 1000]}}, 413, "the request is larger than 1,000 bytes"),
        ({"content": b"a", "headers": {"content-type": "text/csv"}}, 415, "send JSON"),
        ({"content": b"a"}, 415, "send JSON"),
        ({"content": b"a", "headers": {**JSON, "content-encoding": "gzip"}}, 415, "the header Content-Encoding"),
        ({"content": b'{"inputs": []}', "headers": {**JSON, "content-encoding": "identity"}}, 200, "[]"),
        ({"method": "GET"}, 405, "/invocations takes POST"),
        ({"method": "GET", "url": "/docs"}, 404, "nothing is at '/docs'; ask /ping"),
        ({"headers": {"host": f"evil.example:{PORT}"}}, 403, "its own names only: 127.0.0.1:5001, localhost:5001"),
        ({"headers": {"host": f"10.evil.example:{PORT}"}}, 403, "its own names only"),
        ({"headers": {"host": "127.0.0.1:80"}}, 403, "its own names only"),
        ({"headers": {"origin": "http://evil.example"}}, 403, "pages of other sites"),
        ({"headers": {"origin": "null"}}, 403, "pages of other sites"),
        ({"headers": [("origin", URL), ("origin", "http://evil.example")]}, 403, "pages of other sites"),
        ({"headers": {"origin": "http://localhost:1"}, "url": "/ping", "method": "GET"}, 403, "pages of other sites"),
    ],
)
def test_what_is_not_answered_is_told_in_words(request_: dict[str, Any], status: int, said: str) -> None:
    (answer,) = asked(request_)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    assert said in (answer.json()["message"] if status >= 400 else answer.text)


def test_its_own_pages_and_names_are_answered() -> None:
    for host in ("localhost:5001", "LOCALHOST:5001"):
        (answer,) = asked({"json": {"inputs": ["a"]}, "headers": {"host": host, "origin": URL}})
        assert answer.status_code == 200


def test_a_request_without_a_length_is_bounded_too() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * 400

    (answer,) = asked({"content": chunks(), "headers": JSON})
    assert (answer.status_code, answer.json()["error_code"]) == (413, "REQUEST_ENTITY_TOO_LARGE")
    assert answer.headers["connection"] == "close"


def test_who_waits_to_be_asked_for_a_large_request_is_told_without_sending_it() -> None:
    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("it is read")
        yield b""

    headers = {**JSON, "expect": "100-continue", "content-length": "5000"}
    (answer,) = asked({"content": never(), "headers": headers})
    assert answer.status_code == 413


def test_a_request_that_does_not_come_is_given_up() -> None:
    async def slowly() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(0.5)
        yield b"}"

    app = ScoringApp(echo, Callers(Access(), PORT), replace(LIMITS, seconds=0.2))
    (answer,) = asked({"content": slowly(), "headers": JSON}, app=app)
    assert (answer.status_code, answer.json()["message"]) == (408, "the request did not come within 0.2 s")


def test_a_password_is_asked_for_but_not_to_see_whether_it_lives() -> None:
    access = Access(mlflow_user="team", mlflow_password="a pass:word")  # noqa: S106 - of this test
    app = ScoringApp(echo, Callers(access, PORT), LIMITS)
    right, wrong = httpx.BasicAuth("team", "a pass:word"), httpx.BasicAuth("team", "another")
    request = {"json": {"instances": ["a"]}}
    garbled = [{"headers": {"authorization": text}} for text in ("Basic ?", "Basic", "Bearer x", "Basic w6k6")]
    answers = asked(request, {**request, "auth": wrong}, *({**request, **each} for each in garbled), app=app)
    assert {answer.status_code for answer in answers} == {401}
    assert "MLFLOW_TRACKING_PASSWORD" in answers[0].json()["message"]
    assert answers[0].headers["www-authenticate"].startswith("Basic")
    let_in, health, other = asked(
        {**request, "auth": right}, {"method": "GET", "url": "/ping"}, {"method": "GET", "url": "/version"}, app=app
    )
    assert (let_in.status_code, health.status_code, other.status_code) == (200, 200, 401)


def telling(app: ScoringApp, refused: int, told: threading.Event) -> Callable[..., Any]:
    """The application, which sets ``told`` when so many requests were refused because too much waits."""
    left = [None] * refused

    async def watched(scope: Any, receive: Any, send: Callable[..., Any]) -> None:
        async def sent(message: dict[str, Any]) -> None:
            if message.get("status") == 503:
                left.pop()
                if not left:
                    told.set()
            await send(message)

        await app(scope, receive, sent)

    return watched


def test_many_at_once_are_answered_one_after_the_other_or_told_to_come_again() -> None:
    at_once, most, lock, going_on = 0, 0, threading.Lock(), threading.Event()

    def slow(pictures: list[Any]) -> list[Any]:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        going_on.wait(60)  # until those that are too many have been told
        with lock:
            at_once -= 1
        return pictures

    app = ScoringApp(slow, Callers(Access(), PORT), LIMITS)
    answers = asked(*[{"json": {"instances": [str(number)]}} for number in range(7)], app=telling(app, 3, going_on))
    told = [answer for answer in answers if answer.status_code == 503]
    right = [(number, answer) for number, answer in enumerate(answers) if answer.status_code == 200]
    assert (len(told), len(right), most) == (3, 4, 1)
    assert all(answer.json() == {"predictions": [str(number)]} for number, answer in right)
    assert all("too many requests wait" in answer.json()["message"] for answer in told)
    assert all(answer.headers["retry-after"] == "1" for answer in told)
    assert asked({"json": {"instances": ["again"]}}, app=app)[0].status_code == 200


def test_what_waits_is_bounded_in_bytes_too_and_its_bytes_are_given_back() -> None:
    free = threading.Event()

    def held(_: list[Any]) -> list[Any]:
        free.wait(60)
        return []

    app = ScoringApp(held, Callers(Access(), PORT), Limits(request_bytes=1000, held_bytes=1500, waiting=10))
    large = {"json": {"instances": ["a" * 700]}}
    assert sorted(answer.status_code for answer in asked(large, large, large, app=telling(app, 1, free))) == [
        200,
        200,
        503,
    ]
    assert [answer.status_code for answer in asked(large, large, app=app)] == [200, 200]


def test_a_fault_of_ours_is_told_without_its_details_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: list[Any]) -> list[Any]:
        raise RuntimeError("canary")

    app = ScoringApp(broken, Callers(Access(), PORT), LIMITS)
    (answer,) = asked({"json": {"instances": ["a"]}}, app=app)
    assert (answer.status_code, answer.json()["error_code"]) == (500, "INTERNAL_ERROR")
    assert "canary" not in answer.text
    assert "canary" in caplog.text


def test_who_waits_when_the_server_ends_is_told_so() -> None:
    asked_for, free = threading.Event(), threading.Event()

    def held(pictures: list[Any]) -> list[Any]:
        asked_for.set()
        free.wait(60)
        return pictures

    async def ended() -> httpx.Response:
        transport = httpx.ASGITransport(ScoringApp(held, Callers(Access(), PORT), LIMITS))
        async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
            request = asyncio.create_task(client.post("/invocations", json={"instances": ["a"]}))
            await asyncio.to_thread(asked_for.wait, 60)
            request.cancel()  # as uvicorn does it
            try:
                return await request
            finally:
                free.set()

    answer = asyncio.run(ended())
    assert (answer.status_code, answer.headers["connection"]) == (503, "close")
    assert answer.json() == {
        "error_code": "TEMPORARILY_UNAVAILABLE",
        "message": "the server ends; ask again when it is back",
    }


def test_one_who_hangs_up_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    sent: list[Any] = []
    scope = {"type": "http", "method": "POST", "path": "/invocations"}
    headers = [(b"host", b"127.0.0.1:5001"), (b"content-type", b"application/json")]

    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    app: Callable[..., Any] = ScoringApp(echo, Callers(Access(), PORT), LIMITS)
    asyncio.run(app({**scope, "headers": headers}, gone, send))
    assert (sent, caplog.text) == ([], "")
    assert json.loads(asked({"json": {"instances": ["a"]}})[0].text) == {"predictions": ["a"]}
