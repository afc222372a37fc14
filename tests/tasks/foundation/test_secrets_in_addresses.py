"""No secret of an address is shown, whatever its form, and what is none can be read."""

from __future__ import annotations

import re
import string
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.foundation.secrets_in_addresses import HIDDEN, without_login, without_secrets, without_secrets_of

SCHEMES = st.sampled_from(["http", "https", "postgresql", "postgresql+psycopg2", "mysql+pymysql", "mssql+pyodbc"])
NAMES = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=8)
# Not a letter of it occurs in what surrounds it: so it is seen if any part of it comes through.
SECRETS = st.text("ABCXYZÄ/#?@:&;=%+ ~\\'|$!", min_size=3, max_size=20).filter(
    lambda text: any(character.isalpha() for character in text)
)
SECRET_NAMES = st.sampled_from(
    ["password", "passwd", "pwd", "sslpassword", "sslkey", "token", "access_token", "api_key", "X-Amz-Signature", "sig"]
)
WRITINGS = st.sampled_from([str, quote, quote_plus, lambda secret: quote(secret, safe="")])


def comes_through(shown: str) -> set[str]:
    return set(shown) & set("ABCXYZÄ")


@given(SCHEMES, NAMES, SECRETS, WRITINGS, NAMES)
def test_the_password_of_a_user_does_not_come_through(
    scheme: str, user: str, secret: str, write: type[str], host: str
) -> None:
    address = f"{scheme}://{user}:{write(secret)}@{host}:5432/mlflow?sslmode=require"
    shown = without_secrets(address)
    assert shown == f"{scheme}://{user}:***@{host}:5432/mlflow?sslmode=require"
    assert without_secrets(shown) == shown
    assert without_login(address) == f"{scheme}://{host}:5432/mlflow?sslmode=require"


@given(SCHEMES, SECRET_NAMES, SECRETS, WRITINGS, st.sampled_from(["", "&sslmode=require"]))
def test_a_secret_in_the_query_does_not_come_through(
    scheme: str, name: str, secret: str, write: type[str], behind: str
) -> None:
    written = write(secret)
    if re.search(r"[&;]\w+=", written):  # nobody can tell that from the next parameter, not even the database
        written = quote(secret)
    shown = without_secrets(f"{scheme}://host/db?user=me&{name}={written}{behind}")
    assert shown == f"{scheme}://host/db?user=me&{name}=***{behind}"
    assert without_secrets(shown) == shown


@given(SCHEMES, NAMES, SECRETS, SECRETS, NAMES)
def test_two_secrets_do_not_help_each_other_through(scheme: str, user: str, first: str, second: str, host: str) -> None:
    shown = without_secrets(f"{scheme}://{user}:{first}@{host}/db?password={quote(second, safe='')}&sslmode=require")
    assert not comes_through(shown)
    assert without_secrets(shown) == shown
    # Without a user, with an `@` in the query, a port may look like the beginning of a password.
    assert not comes_through(without_secrets(f"{scheme}://{host}:5432/db?password={second.replace('=', '')}"))


@given(
    st.sampled_from(
        [
            "http://127.0.0.1:5000",
            "https://mlflow.example.org/team/?workspace=a&author=b&keyboard=c",
            "http://[::1]:5000/a@b",
            "http://user@example.org/path",
            "postgresql://db:5432/mlflow?sslmode=require&application_name=a@b",
            "sqlite:////home/me/a:b@c/mlflow.db",
            "sqlite:///mlflow.db",
            "file:///srv/mlruns",
            "s3://bucket/path@1",
            "databricks://profile",
            "no address at all, with a password: none",
        ]
    )
)
def test_what_is_no_secret_can_be_read(address: str) -> None:
    assert without_secrets(address) == address
    assert without_secrets_of(address, f"API request to {address} failed") == f"API request to {address} failed"


@given(SCHEMES, NAMES, SECRETS, WRITINGS, NAMES)
def test_an_error_that_quotes_the_address_tells_no_secret(
    scheme: str, user: str, secret: str, write: type[str], host: str
) -> None:
    address = f"{scheme}://{user}:{write(secret)}@{host}/db"
    for text in (
        f"request to {address}/api/2.0 failed",
        f"({address!r})",
        f"no login for {secret}",
        f"'{write(secret)}'",
    ):
        told = without_secrets_of(address, text)
        assert secret not in told
        assert write(secret) not in told
        assert HIDDEN in told


@pytest.mark.parametrize(
    ("address", "text", "told"),
    [
        (
            "postgresql://team:top@secret@db/mlflow",
            'could not translate host name "secret@db" to address',
            'could not translate host name "***@db" to address',
        ),
        ("sqlite:///mlflow.db", "http://me:mine@other/x: no answer", "http://me:***@other/x: no answer"),
        ("http://me:a@host", "Max retries at host", "Max retries at host"),
    ],
)
def test_a_library_may_cut_an_address_up(address: str, text: str, told: str) -> None:
    assert without_secrets_of(address, text) == told


def test_a_whole_connection_string_is_hidden() -> None:
    address = "mssql+pyodbc:///?odbc_connect=DRIVER%3Dx%3BPWD%3Dabc"
    assert without_secrets(address) == "mssql+pyodbc:///?odbc_connect=***"
