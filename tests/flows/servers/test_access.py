"""Who can reach the servers that we start, and what is asked of them for it."""

from __future__ import annotations

import socket

import pytest
from prefect.settings import PREFECT_API_AUTH_STRING, temporary_settings

from flows.servers.access import Access, access_for, model_access_for
from tasks.foundation.errors import InputError

LONG, SHORT = "twelve letters", "eleven chars"[:11]


def test_the_default_is_this_machine_alone_without_a_password() -> None:
    assert access_for("127.0.0.1") == Access()
    assert access_for("localhost").names == ("127.0.0.1", "localhost")
    assert Access().origins(5000) == ["http://127.0.0.1:5000", "http://localhost:5000"]
    assert Access().local_url(5000) == Access().public_url(5000) == "http://127.0.0.1:5000"


def test_a_password_that_is_set_is_asked_for_on_this_machine_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", LONG)
    with temporary_settings({PREFECT_API_AUTH_STRING: f"me:{SHORT}"}):
        access = access_for("127.0.0.1")
    assert (access.prefect_password, access.mlflow_user, access.mlflow_password) == (f"me:{SHORT}", "admin", LONG)


@pytest.mark.parametrize(
    ("prefect", "mlflow", "said"),
    [
        ("", "", "a password is missing"),
        (f"me:{LONG}", "", "a password is missing"),
        ("", LONG, "a password is missing"),
        (f"me:{SHORT}", LONG, "less than 12 characters"),
        (f"me:{LONG}", SHORT, "less than 12 characters"),
        (LONG, LONG, "no user before it"),
    ],
)
def test_others_are_refused_without_two_good_passwords(
    monkeypatch: pytest.MonkeyPatch, prefect: str, mlflow: str, said: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", mlflow)
    with (
        temporary_settings({PREFECT_API_AUTH_STRING: prefect or None}),
        pytest.raises(
            InputError, match=rf"host: received '0\.0\.0\.0', .*{said}.*; set\n +export PREFECT_API_AUTH"
        ) as told,
    ):
        access_for("0.0.0.0")  # noqa: S104 - that is what is refused
    assert LONG not in str(told.value)
    assert SHORT not in str(told.value)


def test_others_may_call_it_by_each_of_its_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", LONG)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "team")
    with temporary_settings({PREFECT_API_AUTH_STRING: f"me:{LONG}"}):
        access = access_for("0.0.0.0")  # noqa: S104 - with passwords
    assert {"127.0.0.1", "localhost", socket.gethostname()} <= set(access.names)
    assert "0.0.0.0" not in access.names  # noqa: S104 - nobody can call that
    assert access.local_url(5000) == "http://127.0.0.1:5000"
    assert access.public_url(5000) == f"http://{socket.gethostname()}:5000"
    assert access.mlflow_user == "team"


def test_a_host_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InputError, match=r"host: received 'no\.such\.host\.invalid', which is no address"):
        access_for("no.such.host.invalid")


@pytest.mark.parametrize("password", ["", SHORT])
def test_a_model_for_others_needs_the_password_of_mlflow_alone(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", password)
    assert model_access_for("127.0.0.1").names == ("127.0.0.1", "localhost")
    said = r"host: received '0\.0\.0\.0', .*less than 12 characters; set\n +export MLFLOW_TRACKING_USERNAME=admin"
    with pytest.raises(InputError, match=said) as told:
        model_access_for("0.0.0.0")  # noqa: S104 - that is what is refused
    assert "PREFECT" not in str(told.value)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", LONG)
    assert model_access_for("0.0.0.0").mlflow_password == LONG  # noqa: S104 - with a password
