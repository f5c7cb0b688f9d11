"""The operator's hand.

One file for each group of commands; each says what it adds to the parser with `add_to`. Invariant: what an operator may
meet and mend is printed as its sentence alone.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

import msgspec

from carerecord import __version__, access, database, patient_index, settings, supervision
from carerecord.audit import WitnessUnavailable
from carerecord.audit.export import ExportRefused
from carerecord.audit.keys import KeysUnreadable, SignerFailed
from carerecord.audit.proofs import NotProvable, ProofUnreadable
from carerecord.cli import (
    backup,
    evidence,
    inbox,
    links,
    listed,
    objections,
    policy,
    processes,
    region,
    removal,
    sensitivity,
    subject_access,
    switches,
    witness,
)
from carerecord.cli.commands import Commands
from carerecord.cli.operator import NotAPerson, Refused
from carerecord.cli.witnessing import ReasonNeeded
from carerecord.database.backup import BackupRefused
from carerecord.disclosure import NobodyToAsk, NothingToReplay
from carerecord.organisations import RegionDoesNotFit
from carerecord.record import dictionary
from carerecord.sensitivity import ListDoesNotFit
from carerecord.sources.tls import TlsDoesNotFit
from carerecord.stewardship.opt_out import NotAList
from carerecord.stewardship.recall import FolderMissing
from carerecord.stewardship.relabelling_asked import NotAgreed
from carerecord.stewardship.removal_ledger import LedgerDamaged, RemovalsMissing
from carerecord.stewardship.removal_plan import RemovalRefused

# In the order in which the help lists them.
GROUPS = (
    processes,
    inbox,
    links,
    witness,
    policy,
    objections,
    switches,
    evidence,
    region,
    removal,
    sensitivity,
    subject_access,
    listed,
    backup,
)

# What an operator may meet and mend: its sentence is printed alone. Anything else is a fault of ours: its trace shows.
EXPECTED = (
    RegionDoesNotFit, ListDoesNotFit, access.PolicyDoesNotFit,
    database.embedded.CannotStart, database.DatabaseLost, database.DatabaseRefused,
    database.RolesMissing, database.MigrationChanged, database.MigrationUnknown, BackupRefused,
    supervision.ProcessDoesNotStart, supervision.UserDoesNotFit, supervision.PortTaken,
    patient_index.LinkRefused, TlsDoesNotFit, dictionary.DictionaryChanged, msgspec.ValidationError,
    Refused, NotAPerson, NotAList, NotAgreed,
    RemovalRefused, LedgerDamaged, RemovalsMissing,
    NothingToReplay, NobodyToAsk, FolderMissing,
    KeysUnreadable, SignerFailed, NotProvable, ProofUnreadable, ExportRefused, ReasonNeeded, WitnessUnavailable,
)  # fmt: skip


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="carerecord", description="The shared care record of a region.")
    top.add_argument("--version", action="version", version=f"carerecord {__version__}")
    commands = Commands(top.add_subparsers(dest="command", required=True, metavar="command"))
    for group in GROUPS:
        group.add_to(commands)
    return top


def main(arguments: list[str] | None = None) -> int:
    asked = parser().parse_args(arguments)
    try:
        done: int = asyncio.run(asked.run(settings.read(), asked))
        return done
    except EXPECTED as expected:
        print(expected, file=sys.stderr)
        return 2
    except BrokenPipeError:  # Whoever reads has read enough, as `head` does. What is left to write goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as refused:
        if not refused.filename:
            raise
        print(f"{refused.filename} cannot be used ({refused.strerror}): mend that, or name another.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
