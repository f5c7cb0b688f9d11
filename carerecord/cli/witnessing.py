"""Whoever works on the command line is witnessed too: before anything is shown, with the reason they give."""

from __future__ import annotations

import getpass
import os
import pwd
from contextlib import AsyncExitStack
from typing import Any

from carerecord import audit, clock
from carerecord.cli.commands import open_database
from carerecord.model import Purpose, Staff
from carerecord.settings import Settings

BECAUSE_LETTERS_MAX = 500


class ReasonNeeded(ValueError):
    """No reason was given: say with --because, in a few words, why you need to look at this."""

    def __init__(self) -> None:
        super().__init__(ReasonNeeded.__doc__)


async def witness_operator(
    chosen: Settings, kind: audit.Kind, *, what: str, because: str, patient_key: int = 0, **detail: Any
) -> audit.Witness:
    """Durable when this returns: only then may the operator see what they ask for. Raises ReasonNeeded."""
    said = " ".join(because.split())[:BECAUSE_LETTERS_MAX]
    if not said:
        raise ReasonNeeded
    async with AsyncExitStack() as stack:
        db = await open_database(stack, chosen, "steward")
        writer = await stack.enter_async_context(audit.Writer.open(db))
        at = clock.now()
        return await writer.witness(
            audit.Event(
                kind=kind.value,
                patient_key=patient_key,
                staff=operator(),
                purpose=Purpose.PATADMIN,
                evidence=None,
                decision={},
                detail={"what": what, "because": said, **detail},
                route="command-line",
                session=f"command-{os.getpid()}",
                at=at,
            )
        )


def operator() -> Staff:
    """The operating system's user as they logged in, who alone is known here; under sudo it is who logged in before."""
    try:
        user = os.getlogin()
    except OSError:  # No terminal, as under a scheduler.
        user = getpass.getuser()
    try:
        name = pwd.getpwnam(user).pw_gecos.partition(",")[0] or user
    except KeyError:
        name = user
    return Staff(
        user_id=user,
        name=name,
        role_code="operator",
        role="operator",
        role_name="operator of the record",
        organisation="",
        organisation_name="whoever runs the record",
        sign_in="operating-system",
    )
