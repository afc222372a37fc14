"""What a container or a service manager lets a process use of the processor."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from flows.workers.cpu_quota import cpu_quota

VERSION_1 = {"cpu.cfs_quota_us": "150000", "cpu.cfs_period_us": "100000"}


@pytest.mark.parametrize(
    ("membership", "files", "expected"),
    [
        ("0::/", {"cpu.max": "100000 100000"}, 1),  # a container
        ("0::/", {"cpu.max": "max 100000"}, math.inf),
        ("0::/", {}, math.inf),  # the root of a machine has no such file
        ("0::/a/b", {"a/b/cpu.max": "max 100000", "a/cpu.max": "50000 100000"}, 0.5),  # a limit of the group around it
        ("0::/a/b", {"a/b/cpu.max": "100000 100000", "a/cpu.max": "400000 100000"}, 1),
        ("0::/../outside", {"cpu.max": "200000 100000"}, 2),
        ("4:cpu,cpuacct:/a", {f"cpu,cpuacct/a/{name}": text for name, text in VERSION_1.items()}, 1.5),
        ("4:cpu,cpuacct:/docker/1a", {f"cpu,cpuacct/{name}": text for name, text in VERSION_1.items()}, 1.5),
        ("4:cpu,cpuacct:/a", {f"cpu/a/{name}": text for name, text in VERSION_1.items()}, 1.5),
        ("4:cpu:/", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, math.inf),
        ("3:cpuset:/\n0::/", {"cpuset/cpu.max": "1 100", "cpu.max": "300000 100000"}, 3),
    ],
)
def test_the_strictest_limit_counts(tmp_path: Path, membership: str, files: dict[str, str], expected: float) -> None:
    (tmp_path / "membership").write_text(f"{membership}\n")
    for name, text in files.items():
        path = tmp_path / "groups" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    assert cpu_quota(tmp_path / "membership", tmp_path / "groups") == expected


def test_where_there_are_no_control_groups_nothing_is_limited(tmp_path: Path) -> None:
    assert cpu_quota(tmp_path / "membership", tmp_path / "groups") == math.inf
