"""Writes `.demo/operate`: the operator's commands, `carerecord …`, told which record is meant."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from demo.plan import Plan

_WHERE = Path(__file__).resolve().parent.parent


def write_operate(plan: Plan, *, region: Path) -> None:
    """`.demo/operate inbox list` is then what `carerecord inbox list` is where a record is run for good."""
    home, source = shlex.quote(str(plan.record_home)), shlex.quote(str(region))
    lines = (
        "#!/bin/sh",
        "# The operator's commands on the record of this demonstration: `operate inbox list`.",
        f"export CARERECORD_HOME={home} CARERECORD_REGION={source}",
        f"export CARERECORD_DROP_FOLDER={shlex.quote(str(plan.drop))}",
        f"export CARERECORD_WITNESS_SEALS={shlex.quote(str(plan.seals))}",
        f"export PYTHONPATH={shlex.quote(str(_WHERE))}",
        f'exec {shlex.quote(sys.executable)} -m carerecord "$@"',
    )
    plan.operate.write_text("\n".join(lines) + "\n", encoding="utf-8")
    plan.operate.chmod(0o700)
