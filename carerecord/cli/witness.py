"""The audit: verifying it, proving one event of it, exporting it, and the keys that seal it."""

from __future__ import annotations

import argparse
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from carerecord import audit, clock
from carerecord.audit import entry_proofs, keys, proofs
from carerecord.audit.export import export as export_audit
from carerecord.audit.export import verify_offline
from carerecord.audit.seals import folder_of, seals_within
from carerecord.cli import replay
from carerecord.cli.commands import Commands, open_database, say
from carerecord.cli.witnessing import witness_operator
from carerecord.settings import Settings

NO_SEALS = "There are no seals yet: only the chains were verified, which whoever may write them all could make anew."


def add_to(commands: Commands) -> None:
    witness = commands.group("witness", "The audit.")
    verified = witness.add("verify", verify, "Find a changed, missing or re-ordered row. Exit code 1 if there is one.")
    verified.add_argument("--stream", type=int)
    verified.add_argument("--offline", type=Path, metavar="DIR", help="an exported audit, instead of the database")
    verified.add_argument("--keys", type=Path, help="public key that you trust (JWK or JWKS); needed with --offline")
    verified.add_argument(
        "--earlier", type=Path, metavar="FILE", help="a proof or seals given out earlier, which must stand there still"
    )
    verified.add_argument("--json", action="store_true")
    exported = witness.add("export", export, "Write the whole audit, its seals and public keys into a new folder.")
    exported.add_argument("path", type=Path)
    exported.add_argument("--because", required=True, help="why; it is witnessed")
    proven = witness.add("prove", prove, "Print a proof that one event is as it was sealed.")
    proven.add_argument("stream", type=int)
    proven.add_argument("seq", type=int)
    proven.add_argument("--because", required=True, help="why; it is witnessed")
    checked = witness.add(
        "check", check, "Check a proof by a public key, without the database. Exit code 1 if it fails."
    )
    checked.add_argument("proof", type=Path)
    checked.add_argument("--keys", type=Path, required=True)
    key = witness.group("key", "The keys that sign seals.")
    key.add("new", new_key, "Make a new key; the next seal announces it, and it signs from then on.").add_argument(
        "--because", required=True, help="why; it is witnessed"
    )
    key.add("show", show_keys, "Print the public keys (JWKS): give them to whoever is to verify the audit.")
    replay.add_to(witness)


async def verify(chosen: Settings, asked: argparse.Namespace) -> int:
    known = seals_within(asked.earlier.read_bytes()) if asked.earlier else []
    if asked.earlier and not known:
        print(f"There is no seal in {asked.earlier}: name a proof, or the .seals file of an export.", file=sys.stderr)
        return 2
    if asked.offline:
        if not asked.keys:
            print(
                "Name with --keys the public key that you trust: one from the export proves nothing.", file=sys.stderr
            )
            return 2
        trusted = keys.read_keys(asked.keys.read_bytes())
        return _say(verify_offline(asked.offline, trusted, stream=asked.stream, known=known), asked)
    async with AsyncExitStack() as stack:
        db = await open_database(stack, chosen, "witness")
        trusted = keys.read_keys(asked.keys.read_bytes()) if asked.keys else await keys.signer_of(chosen).keys()
        folder = folder_of(chosen)
        # A key, or a seal that is known, says that there were seals: where there are none now, they were taken away.
        is_sealed = bool(known or trusted) or await audit.is_sealed(db, folder)
        seals = folder if is_sealed else None
        report = await audit.verify(db, stream=asked.stream, seals=seals, trusted=trusted, known=known)
    return _say(report, asked, *([] if is_sealed else [NO_SEALS]))


def _say(report: audit.Report, asked: argparse.Namespace, *more: str) -> int:
    lines = [_line(finding) for finding in report.findings]
    verdict = "the chain does not hold." if lines else "the chain holds."
    sealed = f", {report.sealed_events} of them in {report.seals} seals" if report.seals else ""
    total = f"{report.events} events in {report.streams} streams{sealed}: {verdict}"
    say(report, as_json=asked.json, lines=lambda: [*lines, *more, total])
    return 1 if report.findings else 0


def _line(finding: audit.Finding) -> str:
    where = f"seal {finding.seq}" if finding.fault is audit.Fault.SEAL else f"stream {finding.stream} row {finding.seq}"
    return f"{where}: {finding.sentence}"


async def export(chosen: Settings, asked: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        db = await open_database(stack, chosen, "witness")
        await witness_operator(chosen, audit.Kind.EXPORTED, what="audit", because=asked.because)
        public = await keys.signer_of(chosen).keys()
        count = await export_audit(db, asked.path, seals=folder_of(chosen), public=public)
    print(f"{count} events are in {asked.path}. They name patients and staff: keep them as you keep the record.")
    return 0


async def prove(chosen: Settings, asked: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        db = await open_database(stack, chosen, "witness")
        place = f"{asked.stream}-{asked.seq}"
        await witness_operator(chosen, audit.Kind.EXAMINED, what="event", because=asked.because, event=place)
        row = await audit.find_row(db, stream=asked.stream, seq=asked.seq)
        if row is None:
            print(f"There is no event {asked.seq} in stream {asked.stream}.", file=sys.stderr)
            return 1
        proof = proofs.prove(folder_of(chosen), row)
    print(msgspec.json.format(msgspec.json.encode(proof), indent=1).decode())
    return 0


async def check(chosen: Settings, asked: argparse.Namespace) -> int:
    content, trusted = asked.proof.read_bytes(), keys.read_keys(asked.keys.read_bytes())
    if entry_proofs.is_entry_proof(content):
        seal, wrong = entry_proofs.check_entry(content, trusted)
        print(wrong or f"The entry stands in the audit as it was sealed at {seal.at:%d-%b-%Y %H:%M}.")
        return 1 if wrong else 0
    proof, wrong = proofs.check_proof(content, trusted)
    event = proof.event
    if wrong:
        print(wrong)
        return 1
    print(
        f"Event {event.seq} of stream {event.stream} ({event.kind}, {event.recorded_at:%d-%b-%Y %H:%M}) is as sealed."
    )
    return 0


async def new_key(chosen: Settings, asked: argparse.Namespace) -> int:
    signer = keys.signer_of(chosen)
    if not isinstance(signer, keys.FileSigner):
        print("The keys are behind CARERECORD_WITNESS_SIGNER: make a new one there; the next seal announces it.")
        return 2
    await witness_operator(chosen, audit.Kind.ADMINISTERED, what="seal-key", because=asked.because)
    made = signer.make(at=clock.now())
    print(msgspec.json.encode(made).decode())
    return 0


async def show_keys(chosen: Settings, asked: argparse.Namespace) -> int:
    print(msgspec.json.encode({"keys": await keys.signer_of(chosen).keys()}).decode())
    return 0
