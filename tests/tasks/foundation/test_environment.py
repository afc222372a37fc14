"""What the environment may change: settled where numbers or our servers depend on it, obeyed else, or refused."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from urllib.request import proxy_bypass

import httpx
import pytest

from tasks.foundation import environment
from tasks.foundation.environment import is_loopback, require_way_to, settle_environment
from tasks.foundation.errors import InputError

PROXY = "http://proxy.example:3128"
SOCKS = "socks://me:secret@127.0.0.1:1080"


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mapping[str, str]]:
    """An environment without proxies, which a test adds to and settles, put back afterwards."""
    kept = dict(os.environ)
    monkeypatch.setattr(environment, "_set_aside", {})
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    yield os.environ
    os.environ.clear()
    os.environ.update(kept)


@pytest.mark.parametrize(("user", "home"), [(0, None), (2**31 - 5, "/")])
def test_a_user_without_a_home_has_that_of_a_container(
    user: int, home: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: user)
    given: dict[str, str] = {}
    settle_environment(given)
    assert given.get("HOME") == home
    given = {"HOME": "/home/somebody"}
    settle_environment(given)
    assert given["HOME"] == "/home/somebody"


def settle(**changes: str) -> None:
    os.environ.update(changes)
    settle_environment(os.environ)


@pytest.mark.parametrize(
    ("name", "received", "settled_as"),
    [
        ("KERAS_BACKEND", "jax", "tensorflow"),
        ("KERAS_HOME", "/home/somebody/.keras", os.devnull),
        ("TF_USE_LEGACY_KERAS", "1", None),
        ("KERAS_NNX_ENABLED", "true", None),
        ("TF_XLA_FLAGS", "--tf_xla_auto_jit=2", None),
        ("TF_SET_ONEDNN_FPMATH_MODE", "bf16", None),
        ("ONEDNN_DEFAULT_FPMATH_MODE", "bf16", None),
        ("ONEDNN_MAX_CPU_ISA", "sse41", None),
        ("TF_ENABLE_ONEDNN_OPTS", "0", "0"),  # documented: it turns those kernels off
        ("TF_ENABLE_ONEDNN_OPTS", None, "1"),
        ("PREFECT_HOME", "/elsewhere", "/elsewhere"),
        ("HTTPS_PROXY", PROXY, PROXY),
        ("ALL_PROXY", SOCKS, None),
        ("all_proxy", SOCKS, None),
    ],
)
def test_what_a_variable_becomes(name: str, received: str | None, settled_as: str | None) -> None:
    given = {} if received is None else {name: received}
    settle_environment(given)
    assert given.get(name) == settled_as


def test_the_weights_of_imagenet_stay_where_a_person_has_them() -> None:
    given = {"KERAS_HOME": "/home/somebody/.keras"}
    settle_environment(given)
    settle_environment(given)  # as each process does that this one starts
    assert (given["KERAS_HOME"], given["KERAS_WEIGHTS_HOME"]) == (os.devnull, "/home/somebody/.keras")
    settle_environment(nothing := {})
    assert "KERAS_WEIGHTS_HOME" not in nothing


def test_keras_is_what_it_is_without_a_configuration_file() -> None:
    import keras

    assert keras.config.backend() == "tensorflow"
    assert keras.config.image_data_format() == "channels_last"
    assert (keras.config.floatx(), keras.config.epsilon()) == ("float32", 1e-7)
    assert os.environ["KERAS_HOME"] == os.devnull


@pytest.mark.parametrize("proxy", ["HTTP_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("exempt", [{}, {"NO_PROXY": "db.example"}, {"no_proxy": "db.example"}, {"NO_PROXY": "*"}])
@pytest.mark.usefixtures("settled")
def test_no_client_goes_through_a_proxy_for_the_loopback_interface(proxy: str, exempt: dict[str, str]) -> None:
    settle(**{proxy: PROXY}, **exempt)
    for host in ("127.0.0.1", "localhost", *(["db.example"] if exempt else [])):
        assert proxy_bypass(host)  # urllib, requests, websockets
        assert not uses_a_proxy(f"http://{host}:4200/api")
    assert bool(proxy_bypass("elsewhere.example")) is ("*" in exempt.values())
    if proxy == "HTTP_PROXY":
        assert uses_a_proxy("http://elsewhere.example") is ("*" not in exempt.values())
    assert os.environ["NO_PROXY"] == os.environ["no_proxy"]


def uses_a_proxy(url: str) -> bool:
    with httpx.Client() as client:
        transport = client._transport_for_url(httpx.URL(url))
        return transport is not client._transport


@pytest.mark.usefixtures("settled")
def test_without_proxies_none_is_exempted() -> None:
    settle()  # a Mac reads its own settings only where the environment says nothing
    assert not [name for name in os.environ if name.lower().endswith("_proxy")]


@pytest.mark.usefixtures("settled")
def test_a_proxy_of_no_use_is_refused_where_it_would_be_needed() -> None:
    settle(ALL_PROXY=SOCKS)
    httpx.Client().close()  # it raised ValueError
    require_way_to("http://127.0.0.1:4200/api")
    require_way_to("http://localhost:5000")
    with pytest.raises(
        InputError, match=r"^ALL_PROXY names a proxy of the kind 'socks', on the way to https://api\.ex"
    ):
        require_way_to("https://me:password@api.example/api")
    with pytest.raises(InputError) as told:
        require_way_to("https://me:password@api.example/api")
    assert "secret" not in str(told.value)
    assert "password" not in str(told.value)


@pytest.mark.usefixtures("settled")
def test_a_proxy_of_no_use_does_not_matter_beside_one_that_is_used_first() -> None:
    settle(ALL_PROXY=SOCKS, HTTPS_PROXY=PROXY, NO_PROXY="near.example")
    require_way_to("https://api.example")
    require_way_to("http://near.example")
    with pytest.raises(InputError, match="ALL_PROXY"):
        require_way_to("http://api.example")


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("LOCALHOST", True), ("10.0.0.1", False), ("a.b", False)],
)
def test_what_is_the_loopback_interface(host: str, expected: bool) -> None:  # noqa: FBT001
    assert is_loopback(host) is expected
