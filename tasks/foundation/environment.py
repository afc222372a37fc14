"""What the environment may change: what numbers or our own servers depend on is settled, the rest is obeyed."""

from __future__ import annotations

import ipaddress
import os
import pwd
from collections.abc import Mapping, MutableMapping
from importlib.util import find_spec
from urllib.parse import urlsplit

from tasks.foundation.errors import InputError

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")
PINNED = {
    "KERAS_BACKEND": "tensorflow",
    # Keras reads the layout of images, the kind of numbers and its epsilon from a file here, which is to be none.
    "KERAS_HOME": os.devnull,
    # Pictures go to files. A notebook names its own display here, which matplotlib refuses where it is not installed.
    "MPLBACKEND": "agg",
}
# oneDNN's kernels halve the time of a step. TensorFlow uses them by itself on processors with VNNI alone; here they are
# used on all, so that a cluster has one set of numbers. 0 turns them off.
DEFAULTS = {"TF_ENABLE_ONEDNN_OPTS": "1"}
# Where the weights of ImageNet lie, then: the folder that KERAS_HOME named, for this process and all that it starts.
KERAS_WEIGHTS_HOME = "KERAS_WEIGHTS_HOME"
# Each would give the same parameters other numbers, or another Keras.
UNSET = (
    *("TF_USE_LEGACY_KERAS", "KERAS_NNX_ENABLED", "KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH"),
    *("TF_XLA_FLAGS", "TF_SET_ONEDNN_FPMATH_MODE"),
    *("ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"),
)
PROXY_SCHEMES = {"http", "https"}
SOCKS_SCHEMES = {"socks5", "socks5h"}

_set_aside: dict[str, str] = {}  # proxies that no client here can use, by the variable that names them


def settle_environment(environment: MutableMapping[str, str]) -> None:
    """Change an environment so that no number and no server of ours depends on what other projects have set there.

    To be called before TensorFlow, Keras, Prefect or MLflow are imported, which read it then.
    """
    if environment.get("KERAS_HOME", os.devnull) != os.devnull:
        environment[KERAS_WEIGHTS_HOME] = environment["KERAS_HOME"]
    environment.update(PINNED)
    for name, value in DEFAULTS.items():
        environment.setdefault(name, value)
    for name in UNSET:
        environment.pop(name, None)
    if "HOME" not in environment and not _is_listed():
        environment["HOME"] = "/"  # as Docker has it; without a home Prefect cannot be imported
    _set_aside.update(_unusable_proxies(environment))
    for name in _set_aside:  # with them there, httpx cannot make a client for any address
        environment.pop(name, None)
    if any(name.lower().endswith("_proxy") for name in environment):
        _exempt_loopback(environment)


def require_way_to(url: str) -> None:
    """Raise InputError if the way to a server leads through a proxy that no client here can use."""
    from urllib.request import getproxies, proxy_bypass  # which imports more than a start without proxies needs

    server = urlsplit(url)
    if is_loopback(server.hostname or ""):
        return
    proxies = getproxies() | {name.lower().removesuffix("_proxy"): name for name in _set_aside}
    name = proxies.get(server.scheme) or proxies.get("all")
    if name not in _set_aside or proxy_bypass(server.hostname or ""):
        return
    scheme = urlsplit(_set_aside[name]).scheme
    raise InputError(
        f"{name} names a proxy of the kind {scheme!r}, on the way to {server.scheme}://{server.hostname}; give one of "
        "http://..., or of socks5://... after `pip install socksio PySocks`, or name that host in NO_PROXY"
    )


def is_loopback(host: str) -> bool:
    """Return whether a name or an address is that of this machine's loopback interface."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _is_listed() -> bool:
    """Return whether this machine's list of users has the one of this process, with a home: a container's need not."""
    try:
        return bool(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return False


def _unusable_proxies(environment: Mapping[str, str]) -> dict[str, str]:
    usable = PROXY_SCHEMES | (SOCKS_SCHEMES if find_spec("socksio") and find_spec("socks") else set())
    return {
        name: value
        for name, value in environment.items()
        if name.lower() in ("http_proxy", "https_proxy", "all_proxy")
        and "://" in value
        and urlsplit(value).scheme.lower() not in usable
    }


def _exempt_loopback(environment: MutableMapping[str, str]) -> None:
    """Have no client go through a proxy for the loopback interface; some read one of the two names, some the other."""
    named = f"{environment.get('no_proxy', '')},{environment.get('NO_PROXY', '')}".split(",")
    exempt = [name for name in dict.fromkeys(each.strip() for each in named) if name]
    if "*" not in exempt:
        exempt += [name for name in LOOPBACK_NAMES if name not in exempt]
    environment["no_proxy"] = environment["NO_PROXY"] = ",".join(exempt)
