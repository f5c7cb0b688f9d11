"""As-seen replay: what was on a page is made again, byte for byte, whatever was said, joined or corrected since."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from carerecord import audit, clock, database, patient_index
from carerecord.audit.events import stored_event
from carerecord.disclosure import NothingToReplay, Replay, Replays, as_seen
from carerecord.model import OriginalReference, Staff
from carerecord.organisations import SensitiveCodes
from carerecord.settings import Settings
from carerecord.stewardship import removal
from carerecord.stewardship.relabelling import relabel
from carerecord.stewardship.removal_plan import Authority, Decision
from carerecord.stewardship.removal_plan import Target as RemovalTarget
from carerecord.web import again
from carerecord.web.emergency import REASONS
from tests.house import AT, segment
from tests.safety.ward import (
    JOAN,
    PATHOLOGY,
    POTASSIUM,
    Chart,
    Someone,
    Ward,
    but,
    found,
    letter,
    open_ward,
    order,
    visit,
    wrote,
)

OFFICER = Staff(
    user_id="555000999",
    name="Pat Quill",
    role_code="S8000:G8000:R9911",
    role="privacy-officer",
    role_name="Privacy Officer",
    organisation="R1H",
    organisation_name="Barts Health",
)


class Desk:
    """A ward, and a steward who makes again what was seen there."""

    def __init__(self, ward: Ward, replays: Replays, db: database.Database) -> None:
        self.ward = ward
        self.replays = replays
        self.db = db

    async def last_look(self) -> audit.StoredEvent:
        rows = await self.ward.owner.fetch("select * from audit.event where kind = 'shown'")
        return max((stored_event(row) for row in rows), key=lambda event: (event.recorded_at, event.seq))

    async def seen(self, chart: Chart, place: str = "summary") -> tuple[audit.StoredEvent, bytes]:
        """What a browser got, and the event that witnessed it."""
        response = await chart.get(place)
        return await self.last_look(), response.content

    async def again(self, event: audit.StoredEvent) -> Replay:
        return await self.replays.replay(
            stream=event.stream, seq=event.seq, by=OFFICER, because="complaint 17", session="desk-1", at=clock.now()
        )

    async def is_the_same(self, event: audit.StoredEvent, page: bytes) -> Replay:
        replay = await self.again(event)
        drawn = again.draw(replay)
        assert drawn is not None, replay.reasons
        assert drawn.content.decode() == page.decode()
        assert replay.is_identical
        assert replay.reasons == ()
        return replay


@asynccontextmanager
async def open_desk(settings: Settings) -> AsyncIterator[Desk]:
    async with (
        open_ward(settings) as ward,
        database.connect(settings, "steward") as db,
        audit.Writer.open(db) as writer,
    ):
        yield Desk(ward, Replays(db, writer, ward.parts.region), db)


RICH = (
    wrote("ADT^A01", visit("V1"), "AL1|1|DA|91936005^Penicillin^SCT|SV|Anaphylaxis"),
    wrote(
        "ORU^R01", order("L1"), found(POTASSIUM, "4.1", limits="3.5-5.3"), by=PATHOLOGY, about=but(JOAN, number="L1")
    ),
    letter("D1", "Seen in clinic. All well."),
)
LATER = (
    wrote("ADT^A08", visit("V1"), "AL1|1|DA|91936005^Penicillin^SCT|SV|Rash", at="20261112120000"),
    wrote("ORU^R01", order("L2"), found(POTASSIUM, "5.9"), by=PATHOLOGY, about=but(JOAN, number="L1")),
    wrote(
        "ORU^R01",
        order("L1", status="C"),
        found(POTASSIUM, "7.1", status="C"),
        by=PATHOLOGY,
        about=but(JOAN, number="L1"),
    ),
    letter("D2", "Newer words."),
    wrote("ADT^A03", visit("V1", until="202611121500"), at="20261112150000"),
)


async def test_what_came_since_changes_nothing_of_what_was_seen(settings: Settings) -> None:
    async with open_desk(settings) as desk:
        await desk.ward.hear(*RICH)
        chart = await desk.ward.open()
        event, page = await desk.seen(chart)
        await desk.ward.hear(*LATER)
        assert (await desk.seen(chart))[1] != page
        replay = await desk.is_the_same(event, page)
        assert {(each.heading, each.source, each.is_joined) for each in replay.unavailable.arrived_since} >= {
            ("RESULTS", "NEL Pathology", False),
            ("LETTERS", "Barts Health", False),
        }
        await desk.ward.fold()
        await desk.is_the_same(event, page)


async def test_each_kind_of_page_is_made_again(settings: Settings) -> None:
    async with open_desk(settings) as desk:
        await desk.ward.hear(*RICH)
        chart = await desk.ward.open()
        summary = await chart.page()
        seen = []
        for line in dict.fromkeys(
            link.attributes["href"] for link in summary.all("a") if link.attributes.get("href", "").startswith("entry/")
        ):
            seen += [await desk.seen(chart, f"{line}{form}") for form in ("", "?in=place", "?in=print")]
            receipt = await chart.page(line)
            for link in receipt.all("a"):
                if "/original/" in link.attributes["href"]:
                    seen.append(await desk.seen(chart, link.attributes["href"].removeprefix(f"{chart.address}/")))
        seen.append(await desk.seen(chart, "summary?in=print"))
        seen.append(await desk.seen(chart, "entry/not-there"))
        seen.append(await desk.seen(chart, "document/not-there"))
        assert len(seen) > 10
        await desk.ward.hear(*LATER)
        await desk.ward.fold()
        for event, page in seen:
            await desk.is_the_same(event, page)


async def test_demographics_are_those_of_the_day(settings: Settings) -> None:
    async with open_desk(settings) as desk:
        await desk.ward.hear(*RICH)
        chart = await desk.ward.open()
        first = await desk.seen(chart)
        assert b"4 Mill Row" in first[1]
        moved = but(JOAN, address="9 New Street^^London^^E1 1AA", title="Dr", gp="F84001^Mile End")
        await desk.ward.hear(wrote("ADT^A08", visit("V1"), about=moved, at="20261113120000"))
        second = await desk.seen(chart)
        assert b"9 New Street" in second[1]
        await desk.ward.hear(wrote("ADT^A08", visit("V1"), about=moved, at="20261114120000"))  # the same, said again
        third = await desk.seen(chart)
        await desk.ward.hear(
            wrote("ADT^A08", visit("V1"), about=but(moved, died_at="20261115", is_dead="Y"), at="20261115120000")
        )
        for event, page in (first, second, third):
            await desk.is_the_same(event, page)


async def test_a_merge_since_is_undone_for_the_page_and_an_unlink_made_again(settings: Settings) -> None:
    twice = Someone(nhs_number="", number="40999", family="Hartly")
    async with open_desk(settings) as desk:
        await desk.ward.hear(*RICH, wrote("ADT^A01", visit("V9", ward="WARD9"), about=twice))
        chart = await desk.ward.open()
        apart = await desk.seen(chart)
        await desk.ward.hear(wrote("ADT^A40", segment("MRG", {1: "40999^^^BARTS^MR"}), at="20261111120000"))
        joined = await desk.seen(chart)
        assert joined[1] != apart[1]
        replay = await desk.is_the_same(*apart)
        assert any(each.is_joined for each in replay.unavailable.arrived_since)
        row = await desk.ward.owner.fetchrow(
            "select person_key, identity_key from patient_index.identity where value = '40999'"
        )
        assert row is not None
        async with database.connect(settings, "operate") as db, db.transaction() as connection:
            await patient_index.unlink(
                connection,
                row["person_key"],
                row["identity_key"],
                by="op",
                reason="two people",
                at=clock.now(),
                random_key=clock.random_key,
            )
        await desk.is_the_same(*joined)
        await desk.is_the_same(*apart)


async def test_a_role_is_shown_again_what_it_was_shown_and_what_was_withheld_is_said(settings: Settings) -> None:
    async with open_desk(settings) as desk:
        await desk.ward.hear(*RICH)
        chart = await desk.ward.open(
            staff={"name": "Sam Vane", "role_code": "social-worker", "role_name": "Social worker"}
        )
        event, page = await desk.seen(chart)
        await desk.ward.hear(*LATER)
        replay = await desk.is_the_same(event, page)
        assert replay.unavailable.withheld["RESULTS"] > 0


async def test_the_policy_of_today_is_not_asked(settings: Settings) -> None:
    """The sentences and headings of the day stand with the event: another policy changes neither."""
    async with open_desk(settings) as desk:
        await desk.ward.hear(*RICH)
        event, page = await desk.seen(await desk.ward.open())
        decision = json.loads(
            await desk.ward.owner.fetchval(
                "select decision from audit.event where stream = $1 and seq = $2", *event.place
            )
        )
        assert decision["policy_version"]
        replay = await desk.is_the_same(event, page)
        assert replay.page is not None
        assert replay.page.why  # type: ignore[union-attr]


async def test_a_look_in_the_middle_of_a_commit_is_settled_by_its_witness(settings: Settings) -> None:
    """A message received before the look and committed after it: by the clock it was there, on the page it was not."""
    async with open_desk(settings) as desk:
        await desk.ward.hear(*RICH)
        chart = await desk.ward.open()
        received_at = clock.now()
        event, page = await desk.seen(chart)
        late = wrote("ORU^R01", order("L7"), found(POTASSIUM, "6.6"), by=PATHOLOGY, about=but(JOAN, number="L1"))
        for content, ago in ((late, 0), (letter("D7", "Late."), 3), (letter("D8", "Later."), 200)):
            await desk.ward.intake.receive(content, received_at=received_at - timedelta(seconds=ago))
        await desk.is_the_same(event, page)


async def test_demographics_received_before_the_look_and_committed_after_it(settings: Settings) -> None:
    async with open_desk(settings) as desk:
        await desk.ward.hear(*RICH)
        chart = await desk.ward.open()
        received_at = clock.now()
        event, page = await desk.seen(chart)
        moved = but(JOAN, address="9 New Street^^London^^E1 1AA")
        await desk.ward.intake.receive(
            wrote("ADT^A08", visit("V1"), about=moved, at="20261113120000"), received_at=received_at
        )
        await desk.is_the_same(event, page)


async def test_what_waited_in_the_inbox_was_not_there_when_it_was_received(settings: Settings) -> None:
    other = but(JOAN, number="40777", family="Quite", given="Other", born="19600101")
    async with open_desk(settings) as desk:
        await desk.ward.hear(*RICH)
        assert await desk.ward.told(wrote("ORU^R01", order("L5"), found(POTASSIUM, "4.4"), about=other)) == ["waiting"]
        chart = await desk.ward.open()
        event, page = await desk.seen(chart)
        await desk.is_the_same(event, page)


async def test_another_version_of_the_program_is_said(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_desk(settings) as desk:
        await desk.ward.hear(*RICH)
        event, _page = await desk.seen(await desk.ward.open())
        for module in ("carerecord.disclosure.replay", "carerecord.disclosure.circumstances"):
            monkeypatch.setattr(f"{module}.program", lambda: "another")
        replay = await desk.again(event)
        assert not replay.is_identical
        assert replay.is_explained
        assert replay.proof == "whole"
        assert replay.reasons[0].startswith("Another version of the program drew the page then")


async def test_the_region_of_the_day_is_drawn(settings: Settings) -> None:
    async with open_desk(settings) as desk:
        await desk.ward.hear(*RICH)
        event, page = await desk.seen(await desk.ward.open())
        renamed = msgspec.structs.replace(
            desk.ward.parts.region, title="Another Title", phone="020 0000 0000", sources=()
        )
        desk.replays._region = renamed
        await desk.is_the_same(event, page)
        kept = await desk.ward.owner.fetch("select content from audit.circumstance")
        assert not any("jwks" in row["content"] and '"keys"' in row["content"] for row in kept)


async def test_a_record_that_was_changed_raises_an_alarm(settings: Settings) -> None:
    """Somebody who owns the database takes a row away: the page is not made up of what is left."""
    async with open_desk(settings) as desk:
        await desk.ward.hear(*RICH)
        event, _ = await desk.seen(await desk.ward.open())
        await desk.ward.owner.execute("delete from record.log where source = 'nel-pathology'")
        replay = await desk.again(event)
        assert replay.page is None
        assert replay.is_alarm
        assert not replay.is_explained
        assert "witness verify" in replay.reasons[0]


async def test_a_lawful_removal_is_the_reason_and_the_rest_of_the_page_is_proven(
    settings: Settings, tmp_path: Path
) -> None:
    async with open_desk(settings) as desk:
        await desk.ward.hear(*RICH)
        before, unharmed = await desk.seen(await desk.ward.open())
        await desk.ward.hear(LATER[1])
        event, page = await desk.seen(await desk.ward.open())
        wrong = await desk.ward.owner.fetchrow("select day, seq from intake.original order by seq desc limit 1")
        assert wrong is not None
        await remove(desk, OriginalReference(wrong["day"], wrong["seq"]), tmp_path)
        for _ in range(2):
            replay = await desk.again(event)
            assert not replay.is_identical
            assert replay.is_explained
            assert replay.proof == "rest"
            assert replay.reasons[0].startswith("2 statements that were there to be shown are not here")
            assert "lawfully removed" in replay.reasons[1]
            assert "court-order" in replay.reasons[1]
            drawn = again.draw(replay)
            assert drawn is not None
            assert b"5.9" in page
            assert b"5.9" not in drawn.content
            await desk.is_the_same(before, unharmed)  # who looked before it came saw nothing of it
            async with database.connect(settings, "owner") as db, audit.Writer.open(db) as writer:
                await removal.complete_open(
                    db, writer, ledger=tmp_path / "ledger", drop_folder=None, at=clock.now(), limit=10
                )


async def remove(desk: Desk, original: OriginalReference, folder: Path) -> None:
    decision = Decision(authority=Authority.COURT_ORDER, reason="an order", asked_by="Pat", agreed_by="Rae")
    target = RemovalTarget(kind="original", original=original)
    async with database.connect(desk.ward.settings, "owner") as db, audit.Writer.open(db) as writer:
        parts = await removal.look_up(db, writer, target, decision, removal=17, at=clock.now())
        await removal.withdraw(db, writer, parts, decision, removal=17, ledger=folder / "ledger", at=clock.now())


async def test_emergency_access_stands_on_the_page_again(settings: Settings) -> None:
    """Its line says until when; nobody had named any evidence."""
    async with open_desk(settings) as desk:
        await desk.ward.hear(*RICH)
        chart = await desk.ward.open()
        declared = await chart.browser.post(
            f"{chart.address}/emergency",
            data={"reason": REASONS[0].code, "words": "Unconscious in the street", "hours": "4", "confirmed": "yes"},
            headers={"Origin": str(chart.browser.base_url)},
        )
        assert declared.status_code == 303, declared.text
        event, page = await desk.seen(chart)
        assert b"Unconscious in the street" in page
        await desk.ward.hear(*LATER)
        await desk.is_the_same(event, page)


async def test_a_replay_is_a_look_that_is_witnessed_first(settings: Settings) -> None:
    async with open_desk(settings) as desk:
        await desk.ward.hear(*RICH)
        event, _ = await desk.seen(await desk.ward.open())
        await desk.again(event)
        row = await desk.ward.owner.fetchrow("select * from audit.event where kind = 'examined'")
        assert row is not None
        examined = stored_event(row)
        assert examined.patient_key == event.patient_key
        assert examined.purpose == "PATADMIN"
        assert examined.staff == OFFICER
        assert (examined.detail["stream"], examined.detail["seq"]) == event.place
        assert examined.detail["because"] == "complaint 17"
        opened = await desk.ward.owner.fetchrow("select stream, seq from audit.event where kind = 'opened'")
        assert opened is not None
        with pytest.raises(NothingToReplay):
            await desk.replays.replay(
                stream=opened["stream"], seq=opened["seq"], by=OFFICER, because="x", session="d", at=AT
            )


async def test_without_a_witness_the_steward_is_given_nothing(settings: Settings) -> None:
    async with open_desk(settings) as desk:
        await desk.ward.hear(*RICH)
        key = await desk.ward.key_of(JOAN)
        await desk.ward.summary()
        opened = await desk.ward.owner.fetchrow("select stream, seq from audit.event where kind = 'opened'")
        assert opened is not None
        rows = await desk.db.fetch(
            "select * from record.read_examined($1, $2, $3, $1)", key, opened["stream"], opened["seq"]
        )
        assert rows == []


async def test_a_page_from_before_a_label_was_set_anew_is_made_again_as_it_was(settings: Settings) -> None:
    async with open_desk(settings) as desk:
        await desk.ward.hear(wrote("ADT^A01", visit("V1"), "DG1|1||195967001^Asthma^SCT", "AL1|1|DA|^Penicillin"))
        chart = await desk.ward.open()
        event, page = await desk.seen(chart)
        codes = SensitiveCodes(system="snomed", label="sexual-health", codes=("195967001",), source="a test")
        region = msgspec.structs.replace(desk.ward.parts.region, sensitive_codes=(codes,))
        async with database.connect(settings, "relabel") as db:
            assert (await relabel(db, region, at=clock.now() + as_seen.AFTER * 2)).said_again == 1
        _, changed = await desk.seen(chart)
        assert b"Asthma" in page
        assert b"Asthma" not in changed
        await desk.is_the_same(event, page)
        await desk.ward.fold()
        await desk.is_the_same(event, page)
