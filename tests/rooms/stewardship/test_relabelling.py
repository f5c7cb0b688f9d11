"""Labels follow their lists: what came in earlier is labelled again."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from carerecord import assembly, audit, cli, clock, database
from carerecord.disclosure import Summary
from carerecord.intake import Intake, labelling, note_lists
from carerecord.model import OriginalReference
from carerecord.organisations import Region, SensitiveCodes, read_region
from carerecord.record import fold
from carerecord.sensitivity import labelling as lists_of
from carerecord.settings import Settings
from carerecord.stewardship.administration import ACTS
from carerecord.stewardship.notices import reference_of
from carerecord.stewardship.proposals import Kind, Proposal, Proposals
from carerecord.stewardship.relabelling import Counted, Relabelled, relabel
from carerecord.stewardship.removal_plan import Target
from tests.house import ADMITTED, REGION, House, as_role, looking, message, open_house
from tests.rooms.stewardship.removals import withdraw
from tests.system import REGION as SYSTEM

ASTHMA = "195967001"
STRICTER = msgspec.structs.replace(
    REGION, sensitive_codes=(SensitiveCodes(system="snomed", label="sexual-health", codes=(ASTHMA,), source="a test"),)
)


async def said(house: House) -> int:
    """Asthma and a broken wrist in one message, in the log; an allergy to penicillin that no list may label."""
    await house.hear(
        message(
            "ADT^A01",
            "m1",
            ADMITTED,
            "AL1|1|DA|^Penicillin",
            f"DG1|1||{ASTHMA}^Asthma^SCT",
            "DG1|2||263102004^Fracture subluxation of wrist^SCT",
        )
    )
    return await house.joan()


async def again(settings: Settings, region: Region, **how: bool) -> Relabelled:
    async with database.connect(settings, "relabel") as db:
        return await relabel(db, region, at=clock.now(), **how)


async def problems(house: House, patient_key: int) -> list[str]:
    summary = await house.door.summary(looking(patient_key))
    assert isinstance(summary, Summary)
    assert summary.record is not None
    return sorted(problem.what for problem in summary.record.problems)


async def test_a_dry_run_says_how_many_would_change_and_changes_nothing(settings: Settings) -> None:
    async with open_house(settings) as house:
        await said(house)
        before = await house.owner.fetch("select * from record.log")
        told = await again(settings, STRICTER, is_dry_run=True)
        assert told.raised == (Counted(heading="PROBLEMS", label="sexual-health", count=1),)
        assert (told.people, told.said_again, told.lowered) == (1, 0, ())
        assert await house.owner.fetch("select * from record.log") == before
        assert not await house.owner.fetchval("select exists (select from intake.labelling where is_pass)")


@pytest.mark.parametrize("is_folded", [False, True])
async def test_what_a_list_now_hides_is_hidden_at_once_and_nothing_is_overwritten(
    settings: Settings, is_folded: bool
) -> None:
    async with open_house(settings) as house:
        joan = await said(house)
        if is_folded:
            async with database.connect(settings, "work") as work:
                await fold.fold_some(work, patients_max=9, at=clock.now() + timedelta(days=1), rows_min=1)
        assert await problems(house, joan) == ["Asthma", "Fracture subluxation of wrist"]
        told = await again(settings, STRICTER)
        assert told.said_again == 1
        assert await problems(house, joan) == ["Fracture subluxation of wrist"]
        (row,) = await house.owner.fetch(
            "select l.*, p.lists from record.log l join intake.labelling p on p.at = l.received_at"
        )
        assert row["statement_count"] == 1
        assert row["lists"] == told.lists
        # A second pass finds what the first did, and says nothing again.
        assert (await again(settings, STRICTER)).said_again == 0


async def test_what_shows_more_waits_for_two_people(settings: Settings) -> None:
    async with open_house(settings, region=STRICTER) as house:
        joan = await said(house)
        assert await problems(house, joan) == ["Fracture subluxation of wrist"]
        told = await again(settings, REGION)
        assert (told.said_again, told.raised) == (0, ())
        assert told.lowered == (Counted(heading="PROBLEMS", label="sexual-health", count=1),)
        assert await problems(house, joan) == ["Fracture subluxation of wrist"]
        assert (await again(settings, REGION, lowers=True)).said_again == 1
        assert await problems(house, joan) == ["Asthma", "Fracture subluxation of wrist"]


async def test_what_its_source_marked_is_never_lowered_whatever_a_region_says_of_the_source(
    settings: Settings,
) -> None:
    marked = msgspec.structs.replace(
        REGION,
        sources=tuple(msgspec.structs.replace(source, confidentiality="R") for source in REGION.sources),
    )
    async with open_house(settings, region=marked) as house:
        joan = await said(house)
        assert await problems(house, joan) == []
        told = await again(settings, REGION, lowers=True)
        assert (told.said_again, told.lowered) == (0, ())
        assert await problems(house, joan) == []


async def test_words_once_labelled_do_not_stand_in_a_receipt_twice(settings: Settings) -> None:
    async with open_house(settings, region=STRICTER) as house:
        joan = await said(house)
        await again(settings, REGION, lowers=True)
        summary = await house.door.summary(looking(joan))
        assert isinstance(summary, Summary)
        assert summary.record is not None
        (line,) = [problem for problem in summary.record.problems if problem.what == "Asthma"]
        receipt = await house.door.receipt(looking(joan), line.id)
        assert len(receipt.sayings) == 1  # type: ignore[union-attr]
        assert not receipt.sayings[0].is_superseded  # type: ignore[union-attr]


async def test_a_pass_is_due_when_something_came_in_under_other_lists_and_over_when_it_ended(
    settings: Settings,
) -> None:
    async with (
        open_house(settings) as house,
        database.connect(settings, "listen") as listen,
        database.connect(settings, "relabel") as db,
    ):
        stricter = STRICTER.sensitive_codes
        await note_lists(listen, REGION.sensitive_codes, at=clock.now())
        await said(house)
        assert not await labelling.is_due(db, REGION.sensitive_codes)
        assert await labelling.is_due(db, stricter)
        await note_lists(listen, stricter, at=clock.now())
        await note_lists(listen, stricter, at=clock.now())
        assert await house.owner.fetchval("select count(*) from intake.labelling") == 2
        await relabel(db, STRICTER, at=clock.now())
        assert not await labelling.is_due(db, stricter)


async def test_a_pass_that_was_broken_off_goes_on_where_it_ended(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        open_house(settings) as house,
        database.connect(settings, "listen") as listen,
        database.connect(settings, "relabel") as db,
    ):
        await note_lists(listen, REGION.sensitive_codes, at=clock.now())
        joan = await said(house)

        class Broken(Exception):
            pass

        def breaking(done: Relabelled) -> None:
            raise Broken

        with pytest.raises(Broken):
            await relabel(db, STRICTER, at=clock.now(), progress=breaking)
        assert await labelling.is_due(db, STRICTER.sensitive_codes)
        told = await relabel(db, STRICTER, at=clock.now())
        assert told.people == 0
        assert await house.owner.fetchval("select count(*) from intake.labelling where is_pass") == 1
        assert await problems(house, joan) == ["Fracture subluxation of wrist"]


async def test_what_was_lawfully_removed_is_not_said_again(settings: Settings) -> None:
    async with open_house(settings) as house:
        await said(house)
        row = await house.owner.fetchrow("select original_day, original_seq from record.log")
        target = Target(kind="original", original=OriginalReference(row["original_day"], row["original_seq"]))
        await withdraw(settings, target)
        assert (await again(settings, STRICTER)).said_again == 0


LISTS = """
[[sensitive_codes]]
system = "snomed"
label = "sexual-health"
codes = ["195967001"]
source = "a test"
"""
ASKED = ["sensitivity", "relabel", "--because", "New lists"]


@pytest.fixture
def operator(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The environment of an operator whose record holds asthma; gives the region's file, to change."""
    region = tmp_path / "region.toml"
    region.write_text(SYSTEM.split("[[neighbour]]")[0])
    monkeypatch.setenv("CARERECORD_DATABASE", settings.database)
    monkeypatch.setenv("CARERECORD_HOME", str(settings.home))
    monkeypatch.setenv("CARERECORD_REGION", str(region))
    sent = (
        b"MSH|^~\\&|CERNER|R1H|CARERECORD|LONDON|20261122120100||ADT^A31|NEW1|P|2.4\rEVN|A31|20261122120100\r"
        b"PID|1||78^^^R1H^MRN~9990000018^^^NHS^NH||Example^Bela||19700101|F\rDG1|1||195967001^Asthma^SCT\r"
    )

    async def receive() -> None:
        await assembly.prepare(settings)
        async with database.connect(settings, "listen") as db:
            taking = Intake(db, read_region(region), settings, clock=clock.now, random_key=clock.random_key)
            await taking.receive(sent, received_at=clock.now())
            await taking.close()

    asyncio.run(receive())
    return region


async def asked_at_the_desk(settings: Settings, file: Path, *, agrees: bool = True) -> str:
    """The reference of a proposal to lower, which a second person agreed to."""
    region = read_region(file)
    guardian = msgspec.structs.replace(as_role("caldicott-guardian"), user_id="1", name="Cai Jones")
    other = msgspec.structs.replace(as_role("privacy-officer"), user_id="2", name="Pia Moore")
    content = {"lists": lists_of(region.sensitive_codes)}
    async with database.connect(settings, "serve") as db, audit.Writer.open(db) as writer:
        proposals = Proposals(db, writer, region, acts=ACTS)
        how: dict[str, Any] = {"session": "s-7", "at": clock.now()}
        proposal = await proposals.ask(guardian, kind=Kind.LABELS, content=content, because="Fewer codes.", **how)
        assert isinstance(proposal, Proposal), proposal
        if agrees:
            agreed = await proposals.agree(other, proposal_id=proposal.id, **how)
            assert isinstance(agreed, Proposal), agreed
        return reference_of(proposal.id)


def test_the_command_says_what_differs_by_its_exit_code_and_as_json(
    operator: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*ASKED, "--dry-run"]) == 0
    assert "Every label is as these lists have it." in capsys.readouterr().out
    operator.write_text(operator.read_text() + LISTS)
    assert cli.main([*ASKED, "--dry-run", "--json"]) == 3
    told = json.loads(capsys.readouterr().out)
    assert told["raised"] == [{"heading": "PROBLEMS", "label": "sexual-health", "count": 1}]
    assert cli.main(ASKED) == 0
    assert "1 of PROBLEMS: sexual-health were raised" in capsys.readouterr().out
    operator.write_text(operator.read_text().removesuffix(LISTS))
    assert cli.main([*ASKED, "--lower"]) == 2
    assert "so two people agree to it at the Guardian's desk" in capsys.readouterr().err
    reference = asyncio.run(asked_at_the_desk(settings, operator, agrees=False))
    assert cli.main([*ASKED, "--lower", "--agreed", reference]) == 2
    assert "only what two people agreed is carried out" in capsys.readouterr().err
    reference = asyncio.run(asked_at_the_desk(settings, operator))
    assert cli.main([*ASKED, "--lower", "--agreed", reference]) == 0
    assert "1 of PROBLEMS: sexual-health were lowered" in capsys.readouterr().out
    assert cli.main([*ASKED, "--lower", "--agreed", reference]) == 2  # once
    assert "is done" in capsys.readouterr().err


def test_what_was_agreed_for_other_lists_is_not_carried_out(
    operator: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    reference = asyncio.run(asked_at_the_desk(settings, operator))
    operator.write_text(operator.read_text() + LISTS)
    assert cli.main([*ASKED, "--lower", "--agreed", reference]) == 2
    assert "The lists are others now" in capsys.readouterr().err


def test_what_is_labelled_again_by_command_is_witnessed_with_who_asked_and_agreed(
    operator: Path, settings: Settings
) -> None:
    assert cli.main([*ASKED, "--lower", "--agreed", asyncio.run(asked_at_the_desk(settings, operator))]) == 0

    async def read() -> list[audit.StoredEvent]:
        async with database.connect(settings, "work") as db:
            return await audit.read_events(db)

    (event,) = [event for event in asyncio.run(read()) if event.detail.get("what") == "relabel"]
    assert (event.kind, event.patient_key) == (audit.Kind.ADMINISTERED, 0)
    assert (event.detail["asked_by"], event.detail["agreed_by"]) == ("Cai Jones (1)", "Pia Moore (2)")
    assert event.detail["because"] == "New lists"
