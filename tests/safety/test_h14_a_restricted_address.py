"""H14: where a protected person lives, or can be found, is revealed."""

from __future__ import annotations

import json

from carerecord import clock
from carerecord.disclosure import Receipt, Refusal, Summary
from carerecord.fhir.references import logical_id
from carerecord.model import Heading, StoredStatement
from carerecord.settings import Settings
from tests import rich
from tests.house import looking, program_looking
from tests.safety.ward import JOAN, REGION, Ward, letter, open_ward, visit, wrote
from tests.said import day, said, stay
from tests.said import letter as filed

# What would tell where she lives, or where to wait for her.
PLACES = (
    *("Larkspur", "OX4", "Cowley", "Mill Row", "Barts", "BARTS"),
    *("Marsh Lane", "WARD4", "Okafor", "Adeyemi", "Heart Centre"),
    # The name of a clinic says where to wait, and the name of a source's own list of codes whose it is.
    *("alve clinic", "alve Clinic", "Paddington", "epr.example", "BARTS_CLINICS"),
)


async def protect(ward: Ward) -> None:
    """Her own practice says, as the national service does, that her whereabouts are protected."""
    source = REGION.find_source("marsh-lane")
    assert source is not None
    patient = {
        "resourceType": "Patient",
        "id": "joan",
        "meta": {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]},
        "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": JOAN.nhs_number}],
        "name": [{"family": JOAN.family, "given": [JOAN.given]}],
        "birthDate": f"{JOAN.born[:4]}-{JOAN.born[4:6]}-{JOAN.born[6:8]}",
        "gender": "female",
        "address": [{"line": ["14 Larkspur Close"], "postalCode": "OX4 9ZZ"}],
    }
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": patient, "request": {"method": "PUT", "url": "Patient/joan"}}],
    }
    content = json.dumps(bundle).encode()
    answer = await ward.intake.push(
        content, source=source, how="POST", resource_type="", own_id="", received_at=clock.now()
    )
    assert [push.outcome.value for push in answer.pushes] == ["recorded"]


async def told(ward: Ward) -> None:
    await ward.hear(
        wrote("ADT^A01", visit("V1", ward="WARD4"), "AL1|1|DA|^Penicillin"),
        letter("D1", "Seen at Barts Heart Centre.", at="20261110120000"),
    )
    key = await ward.key_of(JOAN)
    await ward.remember(
        key,
        [
            rich.appointment("Valve clinic", day(29, 10), place="Heart Centre, floor 2", who="Miss R Adeyemi"),
            stay("V9", start=day(3), place="Barts Heart Centre"),
            filed("Letter from Barts", "Dear Dr Okafor", source="marsh-lane"),
            said("Organization", "o", {"name": "Barts Health"}),
            rich.relative("Tom Hartley", "Son", "01632 960 001"),
            *clinics(),
        ],
    )


def clinics() -> list[StoredStatement]:
    """What names a clinic without naming a place."""
    own = {"system": "urn:carerecord:source:barts:BARTS_CLINICS", "code": "300", "display": "Valve Clinic"}
    theirs = {"system": "https://fhir.barts.epr.example/clinics", "code": "301", "display": "Fever"}
    service = {"coding": [own], "text": "Valve Clinic"}
    return [
        said("Appointment", "a", {"status": "booked", "serviceType": [service], "appointmentType": service}),
        said("ServiceRequest", "r", {"status": "active", "code": service}, heading=Heading.REFERRALS),
        said("CareTeam", "t", {"status": "active", "name": "District nursing, Paddington"}),
        said("Encounter", "e", {"status": "finished", "class": {"code": "AMB"}, "type": [service]}),
        said("DocumentReference", "l", {"type": {"coding": [own], "text": "Outpatient letter, Valve Clinic"}}),
        said("Condition", "c", {"code": {"coding": [theirs, own | {"display": "Fever"}], "text": "Fever"}}),
    ]


async def test_before_it_is_said_places_are_shown_and_after_it_none_is(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await told(ward)
        chart = await ward.open()
        before = (await chart.get()).text
        assert all(place in before for place in ("Barts", "WARD4", "Heart Centre"))
        await protect(ward)
        page = await chart.page()
        after = (await chart.get()).text
        assert not [place for place in PLACES if place in after]
        assert "01632 960 001" not in after
        assert "Restricted" in page.one(".cr-banner").words
        assert "letters stand here without their words" in page.one(".cr-answers").words
        # What matters for care stays, by kind of service.
        assert "Penicillin" in after
        assert "A hospital" in after
        assert "29-Nov-2026" in after


async def test_a_later_message_that_cannot_say_it_does_not_lift_the_protection(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await told(ward)
        await protect(ward)
        await ward.hear(wrote("ADT^A08", visit("V1", ward="WARD4"), at="20261121120000", number="later"))
        after = (await (await ward.open()).get()).text
        assert not [place for place in PLACES if place in after]


async def test_no_line_opened_and_no_program_is_told_a_place(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await told(ward)
        await protect(ward)
        chart = await ward.open()
        page = await chart.page()
        for link in page.one("#main").all("a"):
            if (address := link.attributes.get("href", "")).startswith("entry/"):
                opened = (await chart.get(address)).text
                assert not [place for place in PLACES if place in opened], address
        bundle = await ward.door.everything(program_looking(await ward.key_of(JOAN)))
        assert isinstance(bundle, bytes)
        assert not [place for place in PLACES if place.encode() in bundle]


async def test_neither_an_original_message_nor_a_document_is_opened(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await told(ward)
        key = await ward.key_of(JOAN)
        before = await ward.door.summary(looking(key))
        assert isinstance(before, Summary)
        assert before.record is not None
        receipt = await ward.door.receipt(looking(key), before.record.allergies[0].id)
        assert isinstance(receipt, Receipt)
        reference = receipt.sayings[0].original
        sent = filed("Letter from Barts", "Dear Dr Okafor", source="marsh-lane")
        await protect(ward)
        for answer in (
            await ward.door.original(looking(key), reference, of=receipt.sayings[0].statement_id),
            await ward.door.document(looking(key), logical_id(key, sent.local_id)),
        ):
            assert isinstance(answer, Refusal)
            assert "whereabouts are protected" in answer.sentences[0]
            assert answer.phone


async def test_the_audit_still_knows_which_sources_were_shown(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await told(ward)
        await protect(ward)
        await ward.summary()
        shown = [event for event in await ward.events() if event["kind"] == "shown"][-1]
        assert {"barts", "marsh-lane"} <= set(shown["detail"]["sources"])


async def test_a_hospital_can_say_it_of_somebody_it_knows_and_only_it_can_take_it_back(settings: Settings) -> None:
    """PD1-12 of HL7 v2. She was known without it: what is said later of an old acquaintance must count too."""
    plain = wrote("ADT^A31", at="20261112080000")
    lines = plain.decode().split("\r")
    place = next(number for number, line in enumerate(lines) if line.startswith("PD1"))

    def with_indicator(indicator: str, at: str) -> bytes:
        fields = lines[place].split("|")
        fields += [""] * (13 - len(fields))
        fields[12] = indicator
        said = [*lines[:place], "|".join(fields), *lines[place + 1 :]]
        return "\r".join(said).replace("20261112080000", at).encode()

    async with open_ward(settings) as ward:
        await told(ward)
        assert "Mill Row" in (await ward.summary()).words
        await ward.hear(with_indicator("Y", "20261113080000"))
        assert [place for place in PLACES if place in (await ward.summary()).words] == []
        await ward.hear(with_indicator("", "20261114080000"))
        assert [place for place in PLACES if place in (await ward.summary()).words] == [], "silence lifts nothing"
        await ward.hear(with_indicator("N", "20261115080000"))
        assert "Mill Row" in (await ward.summary()).words
