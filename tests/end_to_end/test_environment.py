"""What other projects, a desktop or a company have set in the environment and the home of the person who trains."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.running import Running
from tests.support.servers import made

pytestmark = pytest.mark.end_to_end

TRAIN = ("--dataset", "digits", "--limit-examples", 100, "--image-size", 16, "--epochs", 1, "--json")
NOWHERE = "http://127.0.0.1:9"  # nobody listens there
# Each of these ended a training with a traceback, kept it waiting, or changed its numbers.
SETTLED = {
    "HTTP_PROXY": NOWHERE,
    "https_proxy": NOWHERE,
    "ALL_PROXY": "socks://127.0.0.1:9",
    "KERAS_BACKEND": "jax",
    "TF_USE_LEGACY_KERAS": "1",
    "TF_XLA_FLAGS": "--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit",
    "ONEDNN_DEFAULT_FPMATH_MODE": "bf16",
    "PREFECT_SERVER_API_BASE_PATH": "/prefect",
    "PYTHONSAFEPATH": "1",
}
KERAS_FILE = {"backend": "torch", "image_data_format": "channels_first", "floatx": "float64", "epsilon": 0.01}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home of its own, with Prefect's database as the set-up makes it."""
    (path := tmp_path / "home").mkdir()
    made(path / ".prefect" / "prefect.db", "prefect")
    return path


def a_profile_whose_server_is_gone(home: Path) -> None:
    (home / ".prefect" / "profiles.toml").write_text(
        f'active = "cloudy"\n[profiles.cloudy]\nPREFECT_API_URL = "{NOWHERE}/api"\n'
    )


def a_database_of_a_newer_prefect(home: Path) -> None:
    with closing(sqlite3.connect(home / ".prefect" / "prefect.db")) as connection, connection:
        connection.execute("CREATE TABLE IF NOT EXISTS alembic_version (version_num)")
        connection.execute("DELETE FROM alembic_version")
        connection.execute("INSERT INTO alembic_version VALUES ('ffffffffffff')")


def a_home_that_cannot_be_written(home: Path) -> None:
    shutil.rmtree(home)
    home.symlink_to(os.devnull)  # the tests may run as root, who writes wherever there is a folder


def as_it_was(_home: Path) -> None:
    """Change nothing."""


REFUSED = {
    "a proxy that cannot be used, before a remote API": (
        {"ALL_PROXY": "socks://127.0.0.1:9", "PREFECT_API_URL": "http://prefect.invalid/api"},
        as_it_was,
        r"ALL_PROXY names a proxy of the kind 'socks', on the way to http://prefect\.invalid; ",
    ),
    "a password that only the server knows": (
        {"PREFECT_SERVER_API_AUTH_STRING": "me:a-long-password"},
        as_it_was,
        "PREFECT_SERVER_API_AUTH_STRING is set, and PREFECT_API_AUTH_STRING is not",
    ),
    "a profile whose server is gone": (
        {},
        a_profile_whose_server_is_gone,
        f"the Prefect API '{NOWHERE}/api', which the Prefect profile 'cloudy' names, does not answer .*config unset",
    ),
    "a database of a newer Prefect": (
        {},
        a_database_of_a_newer_prefect,
        "a newer Prefect than .* has used its database already, below .*; set PREFECT_HOME to another folder",
    ),
    "a home that cannot be written": (
        {},
        a_home_that_cannot_be_written,
        r"Prefect's home '.*/\.prefect' cannot be used \(.*\); set PREFECT_HOME to a folder that can be written",
    ),
}


def result(running: Running) -> Any:
    ended = running.ended()
    assert (ended.status, ended.left) == (0, []), ended
    return json.loads(ended.out)


def numbers(trained: Any) -> list[Any]:
    """What learning has come to, in each epoch and at the end."""
    timed = {"step_milliseconds", "epoch_seconds"}
    return [trained["test"], *({name: epoch[name] for name in epoch.keys() - timed} for epoch in trained["epochs"])]


@pytest.mark.slow
def test_a_training_comes_to_the_same_whatever_other_projects_have_set(
    start: Callable[..., Running], prefect_api: str, home: Path, tmp_path: Path
) -> None:
    (home / ".keras").mkdir()
    (home / ".keras" / "keras.json").write_text(json.dumps(KERAS_FILE))
    (temporary := tmp_path / ("long" * 30)).mkdir()
    (plain := tmp_path / "plain").mkdir()
    settings = {**SETTLED, "HOME": str(home), "TMPDIR": str(temporary)}
    disturbed = start("-m", "flows", "train", *TRAIN, **settings)
    undisturbed = start("-m", "flows", "train", *TRAIN, directory=plain, PREFECT_API_URL=f"{prefect_api}/")
    expected = result(undisturbed)
    assert numbers(result(disturbed)) == numbers(expected)
    # The address of the API had a slash at its end, which the address of the page knows nothing of.
    assert expected["flow_run_url"].startswith(f"{prefect_api.removesuffix('/api')}/flow-runs/flow-run/")


@pytest.mark.parametrize(("changes", "prepare", "said"), REFUSED.values(), ids=REFUSED)
def test_what_goes_neither_way_is_refused_in_one_line(
    start: Callable[..., Running], home: Path, changes: dict[str, str], prepare: Callable[[Path], None], said: str
) -> None:
    prepare(home)
    ended = start("-m", "flows", "train", *TRAIN, HOME=str(home), **changes).ended()
    assert (ended.status in (1, 2), ended.out, ended.left) == (True, "", [])
    assert re.search(said, ended.err.splitlines()[-1]), ended.err
    assert not re.search("Traceback|Warning", ended.err)
