"""Addresses of servers and databases without the secrets in them, as they are shown, kept and logged."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote, unquote_plus

HIDDEN = "***"
# `scheme://user:password@host`. A password may hold any of `/ # ? @ :` although it should not, so it reaches to the
# last `@`. What begins with a slash after `://` names a file and no user, with a bracket a host; and a number before a
# query is a port.
_PORT = r"\d{1,5}(?:/[^?#@]*)?\?[\w.%-]+="
_LOGIN = re.compile(rf"^\s*[a-z][\w+.-]*://(?![/\[])[^:/?#]*:(?!{_PORT})(?P<secret>.+)@", re.IGNORECASE | re.DOTALL)
_WORDS = "passw|pwd|passphrase|token|secret|credential|signature|odbc_connect"
_NAME = rf"[\w.-]*(?:{_WORDS})[\w.-]*|[\w.-]*key|pass|sig|auth"
# A secret in a query ends where the next name begins: what is behind a lone `&` or `;` is more of it.
_PARAMETER = re.compile(rf"[?&;#](?:{_NAME})=(?P<secret>.+?)(?=[&;][\w.%-]+=|\Z)", re.IGNORECASE | re.DOTALL)
_ADDRESS = re.compile(r"\b[a-z][\w+.-]*://[^\s'\"<>]+", re.IGNORECASE)
_DELIMITERS = re.compile(r"[/#?@:&;=%]+")
SHORTEST_PART = 3  # what is shorter is a part of other words too, and says little


def without_secrets(address: str) -> str:
    """Return an address with ``***`` in the place of the password of its user, and of the secrets in its query.

    Where it cannot be told whether something belongs to a secret it counts as that. Doing it again changes nothing.

    Args:
        address: Of a server or a database, in the form that SQLAlchemy or an HTTP client takes.
    """
    shown, end = "", 0
    for begin, stop in _spans(address):
        shown, end = f"{shown}{address[end:begin]}{HIDDEN}", stop
    return shown + address[end:]


def without_secrets_of(address: str, text: str) -> str:
    """Return a text, such as a library's error, without the secrets of ``address`` and of the addresses it quotes."""
    text = text.replace(address, without_secrets(address))
    text = _ADDRESS.sub(lambda quoted: without_secrets(quoted[0]), text)
    for secret in _secrets_in(address):
        text = text.replace(secret, HIDDEN)
    return text


def without_login(address: str) -> str:
    """Return the address of a page for a browser: without secrets, and without the user, whom the browser asks."""
    return re.sub(r"(?<=://)[^/@]*@", "", without_secrets(address))


def _spans(address: str) -> Iterator[tuple[int, int]]:
    """Yield where the secrets of an address begin and end, in order; those that overlap are one."""
    found = sorted(match.span("secret") for form in (_LOGIN, _PARAMETER) for match in form.finditer(address))
    while found:
        begin, stop = found.pop(0)
        while found and found[0][0] <= stop:
            stop = max(stop, found.pop(0)[1])
        yield begin, stop


def _secrets_in(address: str) -> list[str]:
    """Return the secrets of an address, the longest first: as they stand, decoded, and cut up as a library may do."""
    written = [address[begin:stop] for begin, stop in _spans(address)]
    decoded = {form for secret in written for form in (secret, unquote(secret), unquote_plus(secret))}
    whole = decoded | {secret.replace("\\", r"\\") for secret in decoded}  # as Python quotes it
    parts = {part for secret in whole for part in _DELIMITERS.split(secret)}
    long_enough = {secret for secret in whole | parts if len(secret) >= SHORTEST_PART and secret != HIDDEN}
    return sorted(long_enough, key=len, reverse=True)
