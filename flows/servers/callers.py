"""Who may ask a server of ours: by which of its names, from which pages, and with which password."""

from __future__ import annotations

import base64
import hmac
from http import HTTPStatus
from typing import TYPE_CHECKING

from flows.servers.access import Access
from flows.servers.requests_of_pictures import RefusedRequestError

if TYPE_CHECKING:
    from starlette.types import Scope

HTTP_PORT = 80  # which no address names


class Callers:
    """The checks of one server, as MLflow's own server makes them: `Host`, `Origin`, and a user with a password."""

    def __init__(self, access: Access, port: int) -> None:
        self._hosts = {f"{name}:{port}".lower().encode() for name in access.names}
        if port == HTTP_PORT:
            self._hosts |= {name.lower().encode() for name in access.names}
        self._origins = {origin.lower().encode() for origin in access.origins(port)}
        self._login = f"{access.mlflow_user}:{access.mlflow_password}".encode() if access.mlflow_password else None

    def require_name(self, scope: Scope) -> None:
        """Raise RefusedRequestError for a name that is not the server's own, or a page that is none of its own."""
        if header_of(scope, b"host").lower() not in self._hosts:
            names = ", ".join(sorted(host.decode() for host in self._hosts))
            raise RefusedRequestError(HTTPStatus.FORBIDDEN, f"this server answers to its own names only: {names}")
        origins = {value.lower() for name, value in scope["headers"] if name == b"origin"}
        if not origins <= self._origins:
            raise RefusedRequestError(HTTPStatus.FORBIDDEN, "this server does not answer to pages of other sites")

    def require_password(self, scope: Scope) -> None:
        """Raise RefusedRequestError where a password is asked for, and another or none was given."""
        if self._login is None:
            return
        kind, _, text = header_of(scope, b"authorization").partition(b" ")
        try:
            given = base64.b64decode(text.strip(), validate=True) if kind.lower() == b"basic" else b""
        except ValueError:
            given = b""
        if not hmac.compare_digest(given, self._login):
            raise RefusedRequestError(
                HTTPStatus.UNAUTHORIZED,
                "give the user and the password of MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD",
                {"www-authenticate": 'Basic realm="model"'},
            )


def header_of(scope: Scope, name: bytes) -> bytes:
    """Return a header of a request; nothing if it has none, or several, of which another might read another one."""
    values = [value for key, value in scope["headers"] if key == name]
    return values[0] if len(values) == 1 else b""
