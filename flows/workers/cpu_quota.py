"""How many cores' worth of time a process may use, where a container or a service manager limits it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

MEMBERSHIP, GROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")


def cpu_quota(membership: Path = MEMBERSHIP, groups: Path = GROUPS) -> float:
    """Return the cores that the control groups of this process allow it, the strictest of them; infinity if none does.

    Args:
        membership: Names the groups that the process is in, a line for each hierarchy: ``0::/path`` in version 2,
            ``4:cpu,cpuacct:/path`` in version 1.
        groups: Where their files are.
    """
    try:
        lines = membership.read_text().splitlines()
    except OSError:  # no Linux
        return math.inf
    quotas = [math.inf]
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            quotas += [_quota_of(folder / "cpu.max") for folder in _upwards(groups, path)]
        elif "cpu" in controllers.split(","):
            quotas += [_quota_of_version_1(folder) for folder in _upwards(groups / controllers, path)]
            quotas += [_quota_of_version_1(folder) for folder in _upwards(groups / "cpu", path)]
    return min(quotas)


def _upwards(root: Path, path: str) -> Iterator[Path]:
    """Yield the folder of a group and of those around it. In a container its own is the root, whatever it is called."""
    folder = root / path.strip("/")
    yield from (each for each in (folder, *folder.parents) if each.is_relative_to(root))


def _quota_of(file: Path) -> float:
    try:
        quota, period = file.read_text().split()
    except OSError:  # none is set here
        return math.inf
    return math.inf if quota == "max" else int(quota) / int(period)


def _quota_of_version_1(folder: Path) -> float:
    try:
        quota, period = (int((folder / f"cpu.cfs_{name}_us").read_text()) for name in ("quota", "period"))
    except OSError:
        return math.inf
    return math.inf if quota < 0 else quota / period
