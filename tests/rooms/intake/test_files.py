"""The words of PDFs are read before anybody can see the letter, and a hostile one stops nothing."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import msgspec
import pytest

from carerecord import clock, database
from carerecord.disclosure import Summary
from carerecord.formats.document import Dropped
from carerecord.intake import Intake, files
from carerecord.intake.files import words_of_pdf
from carerecord.model import Outcome
from carerecord.organisations import Region
from carerecord.record import rewrite
from carerecord.sensitivity import Label
from carerecord.settings import Settings
from carerecord.stewardship.relabelling import relabel
from tests.house import REGION, House, looking, message, open_house
from tests.rooms.intake import pdfs

HIV = "Dear Dr Okafor,\nThank you for seeing this man, who was diagnosed with HIV in 2019 and takes treatment for it."
PLAIN = "Dear Dr Okafor,\nThank you for seeing this man, whose ankle has healed well since the spring."
WITH_CLINICS = msgspec.structs.replace(
    REGION,
    sources=tuple(
        msgspec.structs.replace(source, units=(("GUM1", "sexual-health"), ("CAMHS", "mental-health")))
        for source in REGION.sources
    ),
)


@pytest.mark.parametrize(
    "content",
    [
        pdfs.pdf(HIV),
        pdfs.pdf(HIV, packed=4),
        pdfs.locked(HIV, password=""),
        pdfs.pdf(HIV).replace(b"startxref\n", b"startxref\n9"),  # its table is broken: read through from the beginning
    ],
    ids=["packed", "packed often", "locked without password", "broken"],
)
def test_the_words_of_a_letter_are_read(content: bytes) -> None:
    words = words_of_pdf(content)
    assert words is not None
    assert words.strip() == HIV


@pytest.mark.parametrize(
    "content",
    [pdfs.locked(HIV, password="secret"), pdfs.endless(), pdfs.long(pages=301), b"%PDF-1.7 words", b""],
    ids=["locked", "endless", "long", "no file", "empty"],
)
def test_what_cannot_be_read_has_no_words(content: bytes) -> None:
    assert words_of_pdf(content) is None


def test_a_bomb_is_not_unpacked() -> None:
    content = pdfs.bomb(mebibytes=400)
    assert len(content) < 4096
    assert words_of_pdf(content) is None


def test_a_page_that_is_a_picture_has_none() -> None:
    assert words_of_pdf(pdfs.scan()) == ""


def test_what_takes_too_long_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(content: bytes) -> str:
        while True:
            pass

    monkeypatch.setattr(files, "SECONDS_MAX", 0.05)
    monkeypatch.setattr(files, "_read", endless)
    assert words_of_pdf(pdfs.pdf(HIV)) is None


# --- Through intake ---------------------------------------------------------------------------------------------------


def told(content: bytes, *, number: str = "D1", unit: str = "") -> bytes:
    data = base64.b64encode(content).decode()
    visit = [f"PV1|1|O|{unit}"] if unit else []
    return message(
        "MDM^T02",
        f"m-{number}",
        *visit,
        f"TXA|1|CL|AP|20261110||||||||{number}|||||AU",
        f"OBX|1|ED|L^Letter||^APPLICATION^PDF^BASE64^{data}||||||F",
    )


async def label_of(house: House) -> int:
    """The labels of the newest letter, as they are kept."""
    joan = await house.joan()
    async with house.owner.transaction() as connection:
        kept = [each for each in await rewrite.read_all(connection, joan) if each.resource_type == "DocumentReference"]
    return max(kept, key=lambda each: (each.received_at, each.original)).sensitivity


@pytest.mark.parametrize(("words", "label"), [(HIV, int(Label.SEXUAL_HEALTH)), (PLAIN, 0)])
async def test_a_letter_in_a_message_is_labelled_by_the_words_of_its_pdf(
    settings: Settings, words: str, label: int
) -> None:
    async with open_house(settings) as house:
        receipt = await house.hear(told(pdfs.pdf(words)))
        assert receipt is None or receipt.outcome is Outcome.RECORDED
        assert await label_of(house) == label


async def test_a_dropped_and_a_pushed_letter_are_labelled_by_theirs(settings: Settings) -> None:
    async with open_house(settings) as house:
        joan = await house.joan()
        source = REGION.sources[0]
        said = [
            {
                "resourceType": "Patient",
                "id": "p1",
                "identifier": [
                    {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990123454"},
                    {"system": "urn:x:mrn", "value": "40012"},
                ],
                "name": [{"family": "Hartley", "given": ["Joan"]}],
                "birthDate": "1948-03-12",
                "gender": "female",
            },
            {
                "resourceType": "DocumentReference",
                "id": "d1",
                "status": "current",
                "description": "Clinic letter",
                "subject": {"reference": "Patient/p1"},
                "content": [{"attachment": {"title": "Letter"}}],
            },
        ]
        about = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in said]}
        async with database.connect(settings, "listen") as listen:
            taking = Intake(listen, REGION, settings, clock=clock.now, random_key=clock.random_key)
            dropped = Dropped("letter.pdf", json.dumps(about).encode(), pdfs.pdf(HIV))
            wrong = await taking.drop(dropped, source=source, received_at=clock.now())
            await taking.close()
        assert wrong == ()
        assert await label_of(house) == int(Label.SEXUAL_HEALTH)
        summary = await house.door.summary(looking(joan))
        assert isinstance(summary, Summary)
        assert summary.record is not None
        assert summary.record.letters == ()


@pytest.mark.parametrize("content", [pdfs.scan(), pdfs.locked(HIV, password="secret"), pdfs.bomb(), pdfs.endless()])
@pytest.mark.parametrize(
    ("region", "unit", "label"),
    [
        (REGION, "", 0),
        (WITH_CLINICS, "", int(Label.SEXUAL_HEALTH | Label.MENTAL_HEALTH)),
        (WITH_CLINICS, "FRACTURE", 0),
        (WITH_CLINICS, "GUM1", int(Label.SEXUAL_HEALTH)),
    ],
    ids=["a source without such services", "of one with them", "of a clinic it names", "of a sensitive clinic"],
)
async def test_what_cannot_be_read_may_be_of_any_service_that_its_source_is_known_to_have(
    settings: Settings, content: bytes, region: Region, unit: str, label: int
) -> None:
    async with open_house(settings, region=region) as house:
        await house.hear(told(content, unit=unit))
        assert await label_of(house) == label


async def test_a_pdf_that_ends_the_process_that_reads_it_is_kept_unread_and_the_next_letter_is_read(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A crash of a library takes its process with it: here the process is made to end itself at a certain word."""
    fatal = tmp_path / "sitecustomize.py"
    fatal.write_text(
        "import os, carerecord.intake.files as files\n"
        "before = files._read\n"
        "def read(content):\n"
        "    words = before(content)\n"
        "    return os._exit(9) if words and 'FATAL' in words else words\n"
        "files._read = read\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path(__file__).parents[3]}")
    async with open_house(settings, region=WITH_CLINICS) as house:
        await house.hear(told(pdfs.pdf("FATAL words that end the one who reads them")))
        assert await label_of(house) == int(Label.SEXUAL_HEALTH | Label.MENTAL_HEALTH)
        await house.hear(told(pdfs.pdf(HIV), number="D2"))
        assert await label_of(house) == int(Label.SEXUAL_HEALTH)


async def test_a_pass_over_everybody_reads_the_words_of_pdfs_as_intake_did(settings: Settings) -> None:
    async with open_house(settings) as house, database.connect(settings, "relabel") as db:
        await house.hear(told(pdfs.pdf(HIV)))
        found = await relabel(db, REGION, at=clock.now(), is_dry_run=True)
        assert (found.raised, found.lowered) == ((), ())
