"""A source leaves: it is given all that it sent, byte for byte, and nothing of it is left here."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import pytest

from carerecord import audit, clock, database
from carerecord.settings import Settings
from carerecord.stewardship import departure, removal
from carerecord.stewardship.departure import MANIFEST, Returned
from carerecord.stewardship.removal_plan import Authority, Decision, RemovalRefused
from tests.rooms.stewardship.removals import complete, ledger_of, prove
from tests.safety.ward import ARTHUR, JOAN, PATHOLOGY, POTASSIUM, but, found, letter, open_ward, order, visit, wrote

LEAVES = Decision(authority=Authority.SOURCE_LEFT, reason="It leaves.", asked_by="Ann", agreed_by="Bea")
SENT = [
    wrote("ADT^A01", visit("V1")),
    letter("D1", "Seen in the valve clinic, all well, to come again in a year."),
    wrote("ADT^A01", visit("V2"), about=ARTHUR),
]
BLOODS = wrote(
    "ORU^R01", order("L1"), found(POTASSIUM, "4.2"), by=PATHOLOGY, about=but(JOAN, number="L1000"), at="20261109080000"
)


async def test_a_source_is_given_all_that_it_sent_and_then_nothing_of_it_is_left(
    settings: Settings, tmp_path: Path
) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(*SENT, BLOODS)
        await ward.fold()
        unsettled = b"MSH|^~\\&|PAS|BARTS|CR|LCR|20261110120000||ADT^A17|swap|P|2.4\rPID|1||40012^^^BARTS^MR\r"
        await ward.told(unsettled)
        to = tmp_path / "returned"
        async with database.connect(settings, "remove") as db, audit.Writer.open(db) as writer:
            done = await departure.give_back(db, writer, "barts", to, by="Ann", agreed_by="Bea", at=clock.now())
            with pytest.raises(RemovalRefused, match="not empty"):
                await departure.give_back(db, writer, "barts", to, by="Ann", agreed_by="Bea", at=clock.now())
            parts = await departure.plan_departure(db, writer, "barts", LEAVES, removal=7, at=clock.now())
            await removal.withdraw(db, writer, parts, LEAVES, removal=7, ledger=ledger_of(settings), at=clock.now())
        manifest = (to / MANIFEST).read_bytes()
        assert hashlib.sha256(manifest).hexdigest() == done.manifest_sha256
        lines = [msgspec.json.decode(line, type=Returned) for line in manifest.splitlines()]
        files = [(to / line.file).read_bytes() for line in lines]
        assert sorted(files) == sorted([*SENT, unsettled])
        assert [hashlib.sha256(each).hexdigest() for each in files] == [line.sha256 for line in lines]
        # The laboratory's result of Joan stays, and nobody finds Arthur.
        words = (await ward.summary()).words
        assert "4.2" in words
        assert "valve clinic" not in words
        await complete(settings)
        assert (await prove(settings)).holds
        for count in ("intake.original", "patient_index.identity"):
            assert await ward.owner.fetchval(f"select count(*) from {count} where source = 'barts'") == 0
        kinds = [event["kind"] for event in await ward.events() if event["detail"].get("what") == "departure"]
        assert kinds == ["exported", "exported", "examined"]
