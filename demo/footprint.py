"""What the demonstration costs the machine: resident memory of every process that it started, shared pages once."""

from __future__ import annotations

import os
from pathlib import Path

_PROC = Path("/proc")


def resident_bytes(root: int | None = None) -> int | None:
    """The memory of a process and all below it, by /proc: proportional set size where it may be read, else resident.

    None where there is no /proc, as on macOS.
    """
    if not _PROC.joinpath("self", "stat").exists():
        return None
    return sum(_memory(pid) for pid in _family(root or os.getpid()))


def _family(root: int) -> list[int]:
    below: dict[int, list[int]] = {}
    for path in _PROC.iterdir():
        if path.name.isdigit() and (parent := _parent(path)) is not None:
            below.setdefault(parent, []).append(int(path.name))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += below.get(pid, ())
    return found


def _parent(path: Path) -> int | None:
    try:
        return int(path.joinpath("stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return None  # It ended meanwhile.


def _memory(pid: int) -> int:
    for name, label in (("smaps_rollup", "Pss:"), ("status", "VmRSS:")):
        try:
            for line in _PROC.joinpath(str(pid), name).read_text().splitlines():
                if line.startswith(label):
                    return int(line.split()[1]) * 1024
        except OSError:
            continue
    return 0
