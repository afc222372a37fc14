"""Install pip into the environment that runs this file, for a Python without ensurepip, such as Debian's.

Needs nothing but the standard library and a package index: the one that PIP_INDEX_URL names, or PyPI.
"""

import hashlib
import os
import re
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urljoin, urlsplit
from urllib.request import urlopen

WHEEL = "pip-26.3-py3-none-any.whl"
SHA256 = "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"
INDEX = os.environ.get("PIP_INDEX_URL") or "https://pypi.org/simple"


def read(address: str) -> tuple[str, bytes]:
    """Return the address that answered in the end, after redirects, and the answer."""
    trust = ssl.create_default_context(cafile=os.environ.get("PIP_CERT"))
    with urlopen(address, timeout=60, context=trust) as answer:  # noqa: S310 - the scheme is the user's choice
        return answer.url, answer.read()


def fetch_wheel() -> bytes:
    """Return the wheel's bytes, found as PEP 503 says; OSError or ValueError says why there are none."""
    if "@" in INDEX:
        raise ValueError("an address with a password is not supported here")
    base, page = read(f"{INDEX.rstrip('/')}/pip/")
    link = re.search(rf"""href=["']([^"']*{re.escape(WHEEL)})[#"']""", page.decode())
    if link is None:
        raise ValueError(f"it does not list {WHEEL}")
    _, wheel = read(urljoin(base, link[1]))
    if hashlib.sha256(wheel).hexdigest() != SHA256:
        raise ValueError(f"its {WHEEL} is not the file expected")
    return wheel


def main() -> None:
    """Fetch the wheel, then let it install itself."""
    try:
        content = fetch_wheel()
    except (OSError, ValueError) as error:
        index = urlsplit(INDEX).hostname
        sys.exit(
            f"This Python has no ensurepip, and pip could not be had from {index}: {error}. "
            "Install ensurepip (on Debian and Ubuntu: apt-get install python3-venv) and try again."
        )
    with tempfile.TemporaryDirectory() as directory:
        wheel = Path(directory, WHEEL)
        wheel.write_bytes(content)
        # A wheel is a zip file, and Python can run the package inside it.
        pip = [sys.executable, str(wheel / "pip")]
        install = ["install", "-qq", "--compile", "--no-index", str(wheel)]
        sys.exit(subprocess.run([*pip, *install], check=False).returncode)


main()
