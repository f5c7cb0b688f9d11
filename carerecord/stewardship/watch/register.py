"""The registers of staff that organisations give for the watch: one JSON object a line, in a folder of their own."""

from __future__ import annotations

from pathlib import Path

import msgspec

from carerecord.stewardship.watch.values import Colleague

_read = msgspec.json.Decoder(Colleague).decode


class RegisterDoesNotFit(ValueError):
    """A line of a register of staff cannot be read; the message names file, line and rule: mend it and start again."""


def read_registers(folder: str) -> list[Colleague]:
    """Every member of staff in `*.jsonl`; none where no folder is named. Raises RegisterDoesNotFit."""
    if not folder:
        return []
    found = []
    for path in sorted(Path(folder).glob("*.jsonl")):
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            if not line.strip():
                continue
            try:
                found.append(_read(line))
            except msgspec.MsgspecError as wrong:
                raise RegisterDoesNotFit(
                    f"{path.name}, line {number}: {wrong}. Each line needs user_id, organisation and family."
                ) from wrong
    return found
