"""A served model as an ASGI application: the paths and the forms of MLflow's scoring server, with limits.

It is not that server's own application: this one bounds what a request may take before it is parsed, answers each fault
in words and without a stack trace, and has no pages. A test holds that both answer the same.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from flows.servers.callers import Callers, header_of
from flows.servers.request_body import ClientGoneError, RequestBody
from flows.servers.requests_of_pictures import Limits, RefusedRequestError, bad_request, pictures_of
from served_model.picture_error import PictureError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

HEALTH = ("/ping", "/health")  # which anybody may ask
PATHS = {**dict.fromkeys((*HEALTH, "/version"), ("GET", "HEAD")), "/invocations": ("POST",)}
JSON = b"application/json"
Answering = Callable[[list[Any]], list[Any]]  # from pictures to what is said of them; raises PictureError
log = logging.getLogger(__name__)


class ScoringApp:
    """Answers one request after the other, so that many at once take no more memory, and no more threads, than one.

    Args:
        answer: What the model says of pictures.
        callers: Who may ask.
        limits: How much.
    """

    def __init__(self, answer: Answering, callers: Callers, limits: Limits | None = None) -> None:
        self._answer = answer
        self._callers = callers
        self._limits = limits or Limits()
        self._computing = ThreadPoolExecutor(1, "model")
        self._waiting = self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        body = RequestBody(scope, receive)
        headers: Mapping[str, str] = {}
        try:
            status, content = HTTPStatus.OK, await self._answered(scope, body)
        except RefusedRequestError as refused:
            await body.discard()
            status, headers, content = refused.status, refused.headers, refused.content()
        except ClientGoneError:
            return
        except asyncio.CancelledError:  # the server ends, and has waited for this as long as it waits
            ending = RefusedRequestError(HTTPStatus.SERVICE_UNAVAILABLE, "the server ends; ask again when it is back")
            status, headers, content = ending.status, {"connection": "close"}, ending.content()
        except Exception:
            log.exception("A request could not be answered")
            failed = RefusedRequestError(HTTPStatus.INTERNAL_SERVER_ERROR, "the server could not answer; see its log")
            status, content = failed.status, failed.content()
        said = {"content-type": JSON.decode(), "content-length": str(len(content)), **headers}
        listed = [(name.encode(), value.encode()) for name, value in said.items()]
        await send({"type": "http.response.start", "status": status, "headers": listed})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else content})

    async def _answered(self, scope: Scope, body: RequestBody) -> bytes:
        path = scope["path"]
        self._callers.require_name(scope)
        if path not in HEALTH:
            self._callers.require_password(scope)
        if path not in PATHS:
            raise RefusedRequestError(HTTPStatus.NOT_FOUND, f"nothing is at {path[:100]!r}; ask {', '.join(PATHS)}")
        if scope["method"] not in PATHS[path]:
            allowed = ", ".join(PATHS[path])
            raise RefusedRequestError(HTTPStatus.METHOD_NOT_ALLOWED, f"{path} takes {allowed}", {"allow": allowed})
        if path in HEALTH:
            return b"\n"
        return version("mlflow").encode() if path == "/version" else await self._said(scope, body)

    async def _said(self, scope: Scope, body: RequestBody) -> bytes:
        """Return what the model says of the pictures in a request, once it is this request's turn."""
        if header_of(scope, b"content-type").partition(b";")[0].strip().lower() != JSON:
            words = "send JSON, with the header Content-Type: application/json"
            raise RefusedRequestError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, words)
        if header_of(scope, b"content-encoding").lower() not in (b"", b"identity"):
            words = "send JSON as it is, without the header Content-Encoding: nothing is unpacked here"
            raise RefusedRequestError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, words)
        if self._waiting >= self._limits.waiting:
            raise _busy()
        self._waiting += 1
        held = bytearray()
        try:
            await self._read(body, held)
            return await asyncio.get_running_loop().run_in_executor(self._computing, self._computed, held)
        finally:
            self._waiting -= 1
            self._held -= len(held)

    async def _read(self, body: RequestBody, held: bytearray) -> None:
        """Read a request into ``held``, no more of it than is allowed."""
        if body.said_bytes > self._limits.request_bytes:
            raise _too_large(self._limits.request_bytes)
        try:
            async with asyncio.timeout(self._limits.seconds):
                async for part in body.parts():
                    if len(held) + len(part) > self._limits.request_bytes:
                        raise _too_large(self._limits.request_bytes)
                    if self._held + len(part) > self._limits.held_bytes:
                        raise _busy()
                    self._held += len(part)
                    held += part
        except TimeoutError:
            words = f"the request did not come within {self._limits.seconds:g} s"
            raise RefusedRequestError(HTTPStatus.REQUEST_TIMEOUT, words, {"connection": "close"}) from None

    def _computed(self, content: bytearray) -> bytes:
        try:
            said = self._answer(pictures_of(content, self._limits))
        except PictureError as error:
            raise bad_request(str(error)) from None
        return json.dumps({"predictions": said}).encode()


def _too_large(most: int) -> RefusedRequestError:
    words = f"the request is larger than {most:,} bytes; send fewer pictures at a time, or smaller ones"
    return RefusedRequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, words, {"connection": "close"})


def _busy() -> RefusedRequestError:
    words = "too many requests wait already; ask again in a second"
    return RefusedRequestError(HTTPStatus.SERVICE_UNAVAILABLE, words, {"retry-after": "1"})
