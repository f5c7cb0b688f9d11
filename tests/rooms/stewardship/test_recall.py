"""Recall: everyone who saw what proved wrong is found, nobody else, and each organisation is told without a name."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from carerecord import audit, clock, database, patient_index
from carerecord.disclosure import NobodyToAsk, Refusal, Target
from carerecord.fhir.references import parse_logical_id
from carerecord.model import OriginalReference, Staff
from carerecord.settings import Settings
from carerecord.stewardship import cases, notices
from carerecord.stewardship.recall import FolderMissing, Recalled, Recalls
from carerecord.stewardship.subject_access import Request, SubjectAccess
from tests.house import BIRTH_DATE, program_looking, segment
from tests.safety.ward import (
    JOAN,
    PATHOLOGY,
    POTASSIUM,
    Someone,
    Ward,
    but,
    entries,
    found,
    letter,
    open_ward,
    order,
    section,
    visit,
    wrote,
)

MANAGER = Staff(
    user_id="555000998",
    name="Rae Moss",
    role_code="S8000:G8000:R9913",
    role="records-manager",
    role_name="Records manager",
    organisation="R1H",
    organisation_name="Barts Health",
)
LAB = but(JOAN, number="L1")
CLINICIAN = "S8000:G8000:R8000"


class Records:
    """A ward, and the records desk."""

    def __init__(self, ward: Ward, recalls: Recalls) -> None:
        self.ward = ward
        self.recalls = recalls

    async def recall(self, target: Target, *, notify: bool = False) -> Recalled:
        return await self.recalls.recall(
            target, by=MANAGER, because="wrong result", session="desk-1", at=clock.now(), notify=notify
        )

    async def original(self, *, source: str) -> OriginalReference:
        row = await self.ward.owner.fetchrow(
            "select day, seq from intake.original where source = $1 order by seq desc limit 1", source
        )
        assert row is not None
        return OriginalReference(row["day"], row["seq"])


@asynccontextmanager
async def open_records(settings: Settings, *, folder: Path | None = None) -> AsyncIterator[Records]:
    async with (
        open_ward(settings) as ward,
        database.connect(settings, "steward") as db,
        audit.Writer.open(db) as writer,
    ):
        yield Records(ward, Recalls(db, writer, ward.parts.region, random_key=clock.random_key, folder=folder))


def result(value: str, *, number: str = "L1", status: str = "F", at: str = "20261110120000") -> bytes:
    return wrote(
        "ORU^R01",
        order(number, status=status),
        found(POTASSIUM, value, status=status),
        by=PATHOLOGY,
        about=LAB,
        at=at,
    )


async def test_who_looked_before_it_came_did_not_see_it_and_who_looked_after_did(settings: Settings) -> None:
    async with open_records(settings) as records:
        ward = records.ward
        await ward.hear(wrote("ADT^A01", visit("V1")), result("3.9", number="L0"))
        await ward.summary(sub="early")
        await ward.hear(result("7.9"))
        wrong = await records.original(source="nel-pathology")
        await ward.summary(sub="late")
        await ward.hear(result("4.1", status="C", at="20261110130000"))
        await ward.summary(sub="corrected")
        told = await records.recall(Target(original=wrong))
        assert [(saw.staff, saw.what, saw.how, saw.is_proven) for saw in told.saw] == [
            ("late", "summary", "seen", True),
            ("corrected", "summary", "seen", True),  # its receipt shows what it was before: they were shown both
        ]
        assert {saw.organisation for saw in told.saw} == {"RTH"}


async def test_a_statement_is_found_by_the_id_on_its_receipt_with_the_version_that_each_saw(settings: Settings) -> None:
    async with open_records(settings) as records:
        ward = records.ward
        await ward.hear(wrote("ADT^A01", visit("V1")), result("7.9"))
        chart = await ward.open(sub="first")
        page = await chart.page()
        line = next(each for each in entries(section(page, "results")))
        logical = line.partition(".")[0]
        await ward.hear(result("4.1", status="C", at="20261110130000"))
        await ward.summary(sub="second")
        named = parse_logical_id(logical)
        assert named is not None
        told = await records.recall(Target(patient_key=named[0], local_id=named[1]))
        assert [saw.staff for saw in told.saw] == ["first", "second"]
        first, second = told.saw
        assert len(first.versions) == 1
        assert second.versions[1:] == first.versions
        only = await records.recall(Target(patient_key=named[0], local_id=named[1], version=second.versions[0]))
        assert [saw.staff for saw in only.saw] == ["second"]


async def test_each_kind_of_look_is_told_apart_and_what_went_to_a_program_was_sent(settings: Settings) -> None:
    async with open_records(settings) as records:
        ward = records.ward
        await ward.hear(wrote("ADT^A01", visit("V1")), result("7.9"), letter("D1", "All well."))
        wrong = await records.original(source="nel-pathology")
        chart = await ward.open(sub="reader")
        page = await chart.page()
        line = entries(section(page, "results"))[0]
        await chart.page(f"entry/{line}")
        await chart.page(f"entry/{entries(section(page, 'letters'))[0]}")  # of something else: not listed
        await chart.page(f"original/{wrong}?of={line}")
        await ward.door.everything(program_looking(await ward.key_of(JOAN)))
        told = await records.recall(Target(original=wrong))
        assert [(saw.what, saw.how) for saw in told.saw] == [
            ("summary", "seen"),
            ("receipt", "seen"),
            ("original", "seen"),
            ("everything", "sent"),
        ]
        assert [(each.organisation, each.people, each.programs, each.looks) for each in told.told] == [
            ("RTH", 1, 0, 3),
            ("X26", 0, 1, 1),
        ]


async def test_a_file_of_the_whole_record_that_held_it_is_listed_too(settings: Settings) -> None:
    """Made for a subject access request: by no reader's decision, and handed to somebody who will believe it."""
    async with open_records(settings) as records:
        ward = records.ward
        await ward.hear(wrote("ADT^A01", visit("V1")))
        async with database.connect(settings, "steward") as db, audit.Writer.open(db) as writer:
            access = SubjectAccess(db, writer, ward.parts.region, random_key=clock.random_key)

            async def hand_out() -> None:
                opened = await access.open(
                    MANAGER, nhs_number=JOAN.nhs_number, birth_date=BIRTH_DATE, requester="the person",
                    identity_check="passport seen at the desk", session="desk-1", at=clock.now(),
                )  # fmt: skip
                assert isinstance(opened, Request), opened
                made = await access.export(MANAGER, opened.id, session="desk-1", at=clock.now())
                assert not isinstance(made, Refusal)

            await hand_out()
            await ward.hear(result("7.9"))
            wrong = await records.original(source="nel-pathology")
            # What came within ten minutes may have been there: it is listed rather than left out.
            await hand_out()
        told = await records.recall(Target(original=wrong))
        assert [(saw.what, saw.staff, saw.is_proven) for saw in told.saw][-1:] == [
            ("subject access", MANAGER.user_id, False)
        ]


async def test_a_wrong_merge_is_recalled_to_all_who_saw_the_two_as_one(settings: Settings) -> None:
    twice = Someone(nhs_number="", number="40999", family="Hartly")
    async with open_records(settings) as records:
        ward = records.ward
        await ward.hear(wrote("ADT^A01", visit("V1")), wrote("ADT^A01", visit("V9", ward="WARD9"), about=twice))
        await ward.summary(sub="before")
        await ward.hear(wrote("ADT^A40", segment("MRG", {1: "40999^^^BARTS^MR"}), at="20261111120000"))
        await ward.summary(sub="while")
        row = await ward.owner.fetchrow(
            "select j.* from patient_index.judgement j join patient_index.identity i using (patient_key, identity_key) "
            "where i.value = '40999' and j.rule = 'A40'"
        )
        assert row is not None
        async with database.connect(settings, "operate") as db, db.transaction() as connection:
            await patient_index.unlink(
                connection,
                row["to_person_key"],
                row["identity_key"],
                by="op",
                reason="two people",
                at=clock.now(),
                random_key=clock.random_key,
            )
        await ward.summary(sub="after")
        told = await records.recall(
            Target(patient_key=row["patient_key"], identity_key=row["identity_key"], judgement=row["seq"])
        )
        assert [(saw.staff, saw.is_proven) for saw in told.saw] == [("while", True)]


async def test_an_organisation_is_told_once_by_a_reference_and_no_name(settings: Settings, tmp_path: Path) -> None:
    async with open_records(settings, folder=tmp_path) as records:
        ward = records.ward
        await ward.hear(wrote("ADT^A01", visit("V1")), result("7.9"))
        wrong = await records.original(source="nel-pathology")
        await ward.summary(sub="reader")
        dry = await records.recall(Target(original=wrong))
        assert not dry.is_told
        assert await notices.list_notices(ward.db, is_read=None) == []
        told = await records.recall(Target(original=wrong), notify=True)
        (notice,) = await notices.list_notices(ward.db, organisation="RTH")
        assert told.told[0].reference == notices.reference_of(notice.id)
        (case,) = await cases.list_cases(ward.db, desk="privacy", organisation="RTH")
        (file,) = tmp_path.iterdir()
        for words in (notice.sentence, case.sentence, file.read_text(), json.dumps(notice.detail), file.name):
            assert not {word for word in ("Hartley", "HARTLEY", "Joan", JOAN.nhs_number, JOAN.number) if word in words}
        assert told.told[0].reference in file.read_text()
        again = await records.recall(Target(original=wrong), notify=True)
        assert again.told[0].reference == ""
        kinds = await ward.owner.fetch("select kind, detail from audit.event where kind = 'notified'")
        assert [json.loads(row["detail"])["organisation"] for row in kinds] == ["RTH"]
        await ward.summary(sub="another")
        assert (await records.recall(Target(original=wrong), notify=True)).told[0].reference


async def test_nobody_is_told_where_the_folder_for_notices_is_gone(settings: Settings, tmp_path: Path) -> None:
    async with open_records(settings, folder=tmp_path / "gone") as records:
        with pytest.raises(FolderMissing):
            await records.recall(Target(original=OriginalReference(clock.now().date(), 1)), notify=True)


async def test_what_is_not_there_is_said_and_a_recall_is_witnessed(settings: Settings) -> None:
    async with open_records(settings) as records:
        await records.ward.hear(wrote("ADT^A01", visit("V1")))
        with pytest.raises(NobodyToAsk):
            await records.recall(Target(original=OriginalReference(clock.now().date() - timedelta(days=900), 1)))
        await records.recall(Target(original=await records.original(source="barts")))
        rows = await records.ward.owner.fetch("select patient_key, detail from audit.event where kind = 'examined'")
        assert [json.loads(row["detail"])["what"] for row in rows] == ["recall"]
        assert rows[0]["patient_key"] == await records.ward.key_of(JOAN)
