"""Everything the system may say aloud: a closed catalogue in which no field can hold a patient's detail."""

from __future__ import annotations

import sys
from enum import Enum
from typing import TextIO

import msgspec


class Line(Enum):
    """One member a line: (level, sentence). Fields are counts, our ids, ports, kinds; never a patient or free text."""

    STARTED = ("info", "Started.")
    STOPPED = ("info", "Stopped.")
    ONE_USER = (
        "warning",
        "All processes run as one operating system user: the walls between them are database roles only.",
    )
    DATABASE_READY = ("info", "The database is ready.")
    DATABASE_LOST = ("error", "The database does not answer; trying again.")
    DATABASE_ELSEWHERE = ("info", "Home is too long a path or out of reach: the database is kept elsewhere.")
    MIGRATED = ("info", "The schema was brought up to date.")
    LISTENING = ("info", "Listening for HL7 v2 over MLLP.")
    LISTENING_FHIR = ("info", "Listening for FHIR pushes.")
    DOCUMENT_REFUSED = ("warning", "A dropped document was refused; why lies beside it.")
    DOCUMENT_NOT_DELIVERED = ("error", "A dropped document could not be delivered; it lies there still.")
    DOCUMENT_ALONE = ("warning", "Files were dropped without a .json of the same name; they lie there still.")
    DOCUMENT_OF_NO_SOURCE = ("warning", "Files were dropped in no registered source's folder; they lie there still.")
    CONNECTION_REFUSED = ("warning", "A connection was refused: too many are open.")
    CONNECTION_CLOSED = ("info", "A connection was closed by a limit.")
    SENDER_NOT_PROVEN = (
        "warning",
        "A message was refused: it came in a source's name by a connection that is not that source's.",
    )
    MESSAGE_TOO_LARGE = ("warning", "A message was refused: it is larger than allowed.")
    DELIVERY_FAILED = ("error", "A message was not delivered; its connection was closed so that it is sent again.")
    BATCH_SPLIT = ("warning", "A batch failed and was split to find the message at fault.")
    MESSAGE_PARKED = ("error", "A message was parked: its translation failed.")
    FOLDED = ("info", "Folded.")
    FOLD_FAILED = ("error", "A fold failed and was left as it was; it is tried again.")
    REMOVED = ("info", "What was withdrawn was taken out.")
    OFF_DISK = ("info", "What was taken out is in no file of the database any more.")
    FILE_NOT_READ = (
        "warning",
        "The words of a file could not be read within bounds: its letter is held to be of any service of its source.",
    )
    RELABELLED = ("info", "Labels were set anew by the lists of today.")
    RELABEL_FAILED = ("error", "Labels could not be set anew by the lists of today; it is tried again.")
    RELABEL_REFUSED = (
        "warning",
        "Lists may have changed, and this process may not label again: run `carerecord sensitivity relabel`.",
    )
    REMOVAL_FAILED = ("error", "What is withdrawn could not be taken out; nobody is given it; it is tried again.")
    SERVING = ("info", "Serving the record.")
    WITNESS_FAILED = ("error", "The witness could not be written: nothing was shown.")
    WITNESS_BROKEN = ("error", "The audit does not fit together: run `carerecord witness verify`.")
    SEAL_FAILED = ("error", "The audit could not be sealed: it goes on, but see to the folder of seals and to its key.")
    SEAL_KEY_MADE = ("info", "A key for seals was made: give its public part to whoever is to verify the audit.")
    LAUNCH_REFUSED = ("warning", "A launch was refused.")
    AGREEMENT_LAPSES = ("warning", "An agreement lapses soon: renew it, or its organisation opens nothing new.")
    AGREEMENT_ENDED = ("error", "An agreement has ended: its organisation opens nothing new until it is renewed.")
    AGREED_IN_FORCE = ("info", "What two people agreed is in force.")
    AGREED_UNCONFIRMED = (
        "error",
        "What two people agreed cannot be read: every route through a legal bar is shut until it can.",
    )
    POLICY_REVIEW_DUE = ("warning", "Reviews of the policy are due: `carerecord policy` names them.")
    SIGN_IN_REFUSED = ("warning", "A sign-in was refused.")
    LIMITED = ("warning", "Somebody asked too often and was told to wait; said once a minute of each.")
    REQUEST_FAILED = ("error", "A request failed inside; the reader was told whom to phone.")
    CASES_OPENED = ("info", "The watch opened cases for the privacy desk.")
    PERSONS_TOLD = ("info", "Persons were told of emergency access to their records.")
    FILE_NOT_MADE = ("error", "A file for a subject access request could not be made; it is tried three times.")
    CHILD_ENDED = ("error", "A process ended by itself and is started again.")


def say(line: Line, *, to: TextIO | None = None, **fields: int | float | str) -> None:
    """One JSON line on standard error. Strings are names of ours (a source id, a kind, a class), checked for shape."""
    level, sentence = line.value
    for field, value in fields.items():
        if isinstance(value, str) and (
            len(value) > 80 or any(run.isdigit() and len(run) >= 10 for run in value.split())
        ):
            fields[field] = "withheld"
    stream = to or sys.stderr
    stream.write(msgspec.json.encode({"level": level, "line": line.name, "says": sentence, **fields}).decode() + "\n")
    stream.flush()
