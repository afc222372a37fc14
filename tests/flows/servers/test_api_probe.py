"""A Prefect API is asked as Prefect's own client asks it, and what stands against us there is named."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.settings import (
    PREFECT_API_SSL_CERT_FILE,
    PREFECT_API_TLS_INSECURE_SKIP_VERIFY,
    PREFECT_API_URL,
    PREFECT_CLIENT_CUSTOM_HEADERS,
    get_current_settings,
    temporary_settings,
)

from flows.servers.api_probe import SilentError, require_api
from flows.servers.prefect_api import configured_api, lasting_api, prefect_api
from flows.servers.server_process import free_port
from tasks.foundation.errors import InputError
from tests.support.servers import Proxy

pytestmark = pytest.mark.usefixtures("prefect_server")
HEADER = ("X-Team", "ours")


@pytest.fixture
def gateway() -> Iterator[Callable[..., str]]:
    """Start what stands before a Prefect API, and return the address of the API behind it."""
    started = []

    def start(**options: Any) -> str:
        proxy = Proxy(int(re.findall(r":(\d+)", str(get_current_settings().api.url))[0]), **options)
        threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True).start()
        started.append(proxy)
        return f"{proxy.url}/api"

    yield start
    for proxy in started:
        proxy.shutdown()
        proxy.server_close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key, and a certificate of 127.0.0.1 that nobody but the key itself has signed, in one file."""
    path = tmp_path_factory.mktemp("certificate") / "certificate.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", path, "-out", f"{path}.crt"]
    subprocess.run([*request, *files], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
    return path


def test_an_address_with_a_slash_at_its_end(gateway: Callable[..., str]) -> None:
    url = gateway()
    with temporary_settings({PREFECT_API_URL: f"{url}/"}):
        assert configured_api() == lasting_api() == url
        with prefect_api() as wait:
            wait()
            assert get_current_settings().api.url == url  # the address of a run's page is made from it
            with get_client(sync_client=True) as client:
                assert client.api_version()


def test_an_address_without_what_follows_the_port(gateway: Callable[..., str]) -> None:
    url = gateway().removesuffix("/api")
    with pytest.raises(InputError, match=rf"no Prefect API at '{url}'; .* set PREFECT_API_URL={url}/api$"):
        require_api(url)


def test_an_address_that_ends_as_it_should_is_not_to_be_continued(gateway: Callable[..., str]) -> None:
    url = f"{gateway()}/elsewhere/api"
    with pytest.raises(InputError, match=rf"no Prefect API at '{url}'; mend PREFECT_API_URL, or unset it"):
        require_api(url)


def test_a_gateway_that_wants_a_header(gateway: Callable[..., str]) -> None:
    url = gateway(needs=HEADER)
    with pytest.raises(InputError, match=r"answers with status 403; if a gateway .*PREFECT_CLIENT_CUSTOM_HEADERS="):
        require_api(url)
    with temporary_settings({PREFECT_CLIENT_CUSTOM_HEADERS: dict([HEADER])}):
        require_api(url)


def test_tls_with_a_certificate_of_its_own(gateway: Callable[..., str], certificate: Path, tmp_path: Path) -> None:
    url = gateway(certificate=certificate)
    with pytest.raises(InputError, match="a certificate that is not known here; set PREFECT_API_SSL_CERT_FILE"):
        require_api(url)
    for setting, value in ((PREFECT_API_SSL_CERT_FILE, str(certificate)), (PREFECT_API_TLS_INSECURE_SKIP_VERIFY, True)):
        with temporary_settings({setting: value}):
            require_api(url)
    with (
        temporary_settings({PREFECT_API_SSL_CERT_FILE: str(tmp_path / "none.pem")}),
        pytest.raises(InputError, match=r"PREFECT_API_SSL_CERT_FILE cannot be used: .*No such file"),
    ):
        require_api(url)


def test_nobody_on_this_machine_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def tries(**_: Any) -> None:
        raise AssertionError("Prefect's client tries again and again")

    monkeypatch.setattr("prefect.client.orchestration.get_client", tries)
    with pytest.raises(SilentError, match="refused"):
        require_api(f"http://127.0.0.1:{free_port()}/api")
