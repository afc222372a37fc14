"""Ask a Prefect API who it is, as Prefect's own client does: with its settings for TLS, headers, passwords and keys."""

from __future__ import annotations

import socket
from http import HTTPStatus
from json import JSONDecodeError

import httpx

from tasks.foundation.environment import is_loopback, require_way_to
from tasks.foundation.errors import InputError
from tasks.foundation.secrets_in_addresses import without_secrets

ANSWER_SECONDS = 10
DEFAULT_PORTS = {"http": 80, "https": 443}


class SilentError(ConnectionError):
    """Nobody answers at the address of an API."""


def require_api(url: str) -> None:
    """Require a Prefect API that answers us.

    Args:
        url: Its address, without a slash at its end.

    Raises:
        SilentError: nobody answers.
        InputError: something else does, or refuses us.
    """
    from prefect.client.base import ServerType
    from prefect.client.orchestration import get_client
    from prefect.exceptions import PrefectHTTPStatusError
    from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    require_way_to(url)
    _require_listener(url)
    shown = without_secrets(url)
    try:
        with (
            temporary_settings({PREFECT_API_URL: url, PREFECT_CLIENT_MAX_RETRIES: 0}),
            get_client(sync_client=True, httpx_settings={"timeout": ANSWER_SECONDS}) as client,
        ):
            if failed := client.api_healthcheck():
                raise failed
            if client.server_type != ServerType.CLOUD and not isinstance(client.api_version(), str):
                raise InputError(_no_api(shown))
    except PrefectHTTPStatusError as error:
        raise InputError(_refusal(shown, error.response.status_code)) from error
    except httpx.HTTPError as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise InputError(
                f"the Prefect API {shown!r} shows a certificate that is not known here; set PREFECT_API_SSL_CERT_FILE "
                "to the file of the certificate, or of the authority that signed it"
            ) from error
        raise SilentError(str(error) or type(error).__name__) from error
    except OSError as error:  # the file of PREFECT_API_SSL_CERT_FILE
        raise InputError(f"PREFECT_API_SSL_CERT_FILE cannot be used: {error}") from error
    except JSONDecodeError as error:
        raise InputError(_no_api(shown)) from error


def _require_listener(url: str) -> None:
    """Require that somebody listens, if the address is of this machine: Prefect's client tries for 1.5 s in vain."""
    address = httpx.URL(url)
    if address.scheme not in DEFAULT_PORTS or not is_loopback(address.host):
        return
    try:
        socket.create_connection((address.host, address.port or DEFAULT_PORTS[address.scheme]), ANSWER_SECONDS).close()
    except OSError as error:
        raise SilentError(str(error)) from error


def _refusal(url: str, status: int) -> str:
    from prefect.settings import get_current_settings

    if status == HTTPStatus.UNAUTHORIZED:
        another = "another" if get_current_settings().api.auth_string else "a"
        return f"the Prefect API {url!r} asks for {another} password; set PREFECT_API_AUTH_STRING=USER:PASSWORD"
    if status == HTTPStatus.FORBIDDEN:
        return (
            f"the Prefect API {url!r} answers with status 403; if a gateway before it wants a header, set "
            """PREFECT_CLIENT_CUSTOM_HEADERS='{"NAME": "VALUE"}'"""
        )
    return _no_api(url) if status == HTTPStatus.NOT_FOUND else f"the Prefect API {url!r} answers with status {status}"


def _no_api(url: str) -> str:
    if url.endswith("/api"):
        what = "mend PREFECT_API_URL, or unset it to have a server started for the length of the command"
    else:
        what = f"its address mostly ends with /api: set PREFECT_API_URL={url}/api"
    return f"there is no Prefect API at {url!r}; {what}"
