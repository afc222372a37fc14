"""Who can reach the servers that we start, by which names, and with which passwords."""

from __future__ import annotations

import ipaddress
import os
import socket
from dataclasses import dataclass, replace
from typing import NoReturn

import psutil

from flows.servers.server_process import LOOPBACK
from tasks.foundation.errors import InputError

SHORTEST_PASSWORD = 12  # characters; MLflow's own bound
MLFLOW_LINE = "  export MLFLOW_TRACKING_USERNAME=admin MLFLOW_TRACKING_PASSWORD=PASSWORD"
HOW_TO_MAKE_ONE = "`openssl rand -hex 16` makes a password."
PASSWORDS = f"""\
  export PREFECT_API_AUTH_STRING=admin:PASSWORD
{MLFLOW_LINE}
Trainings on other machines need the same lines. {HOW_TO_MAKE_ONE}"""


@dataclass(frozen=True)
class Access:
    """Where servers listen, and to whom they answer.

    Attributes:
        host: The interface that they listen on.
        names: The names and addresses by which a browser may call them.
        prefect_password: ``USER:PASSWORD``; none: nobody is asked.
        mlflow_user: The user who may do everything in MLflow.
        mlflow_password: That user's; none: nobody is asked.
    """

    host: str = LOOPBACK
    names: tuple[str, ...] = (LOOPBACK, "localhost")
    prefect_password: str | None = None
    mlflow_user: str = "admin"
    mlflow_password: str | None = None

    def origins(self, port: int) -> list[str]:
        """Return the origins of the server's own pages."""
        return [f"http://{name}:{port}" for name in self.names]

    def local_url(self, port: int) -> str:
        """Return where this machine finds the server."""
        return f"http://{LOOPBACK if self._everywhere else self.host}:{port}"

    def public_url(self, port: int) -> str:
        """Return where others find the server, if they do."""
        return f"http://{socket.gethostname() if self._everywhere else self.host}:{port}"

    @property
    def _everywhere(self) -> bool:
        return _address(self.host).is_unspecified


def access_for(host: str) -> Access:
    """Return how both servers on ``host`` are reached, with the passwords that the environment names.

    Raises:
        InputError: there is no such host, or others can reach it and a password is missing or short.
    """
    from prefect.settings import get_current_settings  # two seconds, which a served model does without

    authentication = get_current_settings().api.auth_string
    password = authentication.get_secret_value() if authentication else None
    access = replace(_access(host), prefect_password=password)
    if not _address(host).is_loopback:
        _require_passwords(access)
    return access


def model_access_for(host: str) -> Access:
    """Return how a served model on ``host`` is reached, with the user and the password of MLflow.

    Raises:
        InputError: there is no such host, or others can reach it and the password is missing or short.
    """
    access = _access(host)
    if not _address(host).is_loopback and len(access.mlflow_password or "") < SHORTEST_PASSWORD:
        why = f"which others can reach, and its password is missing or has less than {SHORTEST_PASSWORD} characters"
        raise InputError(f"host: received {host!r}, {why}; set\n{MLFLOW_LINE}\n{HOW_TO_MAKE_ONE}")
    return access


def _access(host: str) -> Access:
    address = _address(host)
    names = [LOOPBACK, "localhost"]
    if address.is_unspecified:
        names += [socket.gethostname(), socket.getfqdn(), *_own_addresses()]
    elif not address.is_loopback:
        names = [host]
    return Access(
        host=host,
        names=tuple(dict.fromkeys(names)),
        mlflow_user=os.environ.get("MLFLOW_TRACKING_USERNAME", "admin"),
        mlflow_password=os.environ.get("MLFLOW_TRACKING_PASSWORD"),
    )


def _require_passwords(access: Access) -> None:
    _, colon, prefect_password = (access.prefect_password or "").partition(":")
    if not access.prefect_password or not access.mlflow_password:
        _refuse(access, "which others can reach, and a password is missing; set")
    if not colon or min(len(prefect_password), len(access.mlflow_password)) < SHORTEST_PASSWORD:
        _refuse(access, f"with a password of less than {SHORTEST_PASSWORD} characters, or no user before it; set")


def _refuse(access: Access, why: str) -> NoReturn:
    raise InputError(f"host: received {access.host!r}, {why}\n{PASSWORDS}")


def _address(host: str) -> ipaddress.IPv4Address:
    try:
        return ipaddress.IPv4Address(socket.gethostbyname(host))
    except OSError as error:
        raise InputError(
            f"host: received {host!r}, which is no address of this machine ({error}); leave it out for this machine "
            "only, or give 0.0.0.0 for every machine that can reach this one"
        ) from error


def _own_addresses() -> list[str]:
    interfaces = psutil.net_if_addrs().values()
    return [each.address for addresses in interfaces for each in addresses if each.family == socket.AF_INET]
