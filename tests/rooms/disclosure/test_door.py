"""The door out, with a real database: what is decided, witnessed, shown and withheld, in that order."""

from __future__ import annotations

import json
from datetime import date, timedelta

import msgspec
import pytest

from carerecord import audit
from carerecord.disclosure import PRINT, Document, Found, Receipt, Refusal, ShownOriginal, Summary
from carerecord.disclosure.snapshot import snapshot
from carerecord.model import Evidence, EvidenceClass, Heading, Standing
from carerecord.reconciliation import every_entry
from carerecord.settings import Settings
from tests.house import (
    ADMITTED,
    AT,
    BIRTH_DATE,
    NHS_NUMBER,
    OXFORD,
    PID,
    as_role,
    looking,
    message,
    open_house,
    program_looking,
    segment,
)
from tests.said import allergy, day, letter, result, said, stay

SENSITIVE = 4


async def test_a_message_heard_is_a_record_shown(settings: Settings) -> None:
    async with open_house(settings) as house:
        await house.hear(message("ADT^A08", "adt-2", ADMITTED, "AL1|1|DA|91936005^Penicillin^SCT|SV|Anaphylaxis"))
        joan = await house.joan()
        summary = await house.door.summary(looking(joan))
        assert isinstance(summary, Summary)
        assert summary.banner.name == "HARTLEY, Joan (Mrs)"
        assert summary.banner.allergy_title == "Known allergies"
        assert summary.banner.allergies == ("Penicillin (Anaphylaxis)",)
        assert summary.record is not None
        assert [(entry.kind, entry.place) for entry in summary.record.stays] == [("In hospital", "WARD4")]
        assert [(source.name, source.phone) for source in summary.sources] == [("Barts Health", "020 7946 0001")]
        assert summary.answers[0].sentence == "GP record: the practice is outside London and not part of this record"
        assert summary.opened_from == "Opened from Oxford University Hospitals, outpatient clinic, today 09:00"
        assert summary.since == date(2026, 11, 3)
        assert summary.why == ("An appointment of this person with your organisation is known.",)


async def test_every_look_has_a_witness_before_and_after(settings: Settings) -> None:
    async with open_house(settings) as house:
        joan = await house.joan()
        await house.remember(joan, [allergy("Penicillin")])
        await house.door.summary(looking(joan))
        searched, opened, shown = await house.events()
        assert [searched["kind"], opened["kind"], shown["kind"]] == ["searched", "opened", "shown"]
        assert (opened["patient_key"], shown["patient_key"]) == (joan, joan)
        assert shown["about_seq"] == opened["seq"]
        assert json.loads(opened["staff"])["user_id"] == OXFORD.user_id
        assert opened["decision"]["kind"] == "permit"
        assert (shown["detail"]["count"], shown["detail"]["withheld"]) == (2, {})
        assert len(shown["snapshot"]) == 32
        assert (await audit.verify(house.owner)).is_sound


async def test_what_was_shown_can_be_told_from_its_fingerprint() -> None:
    one, other = allergy("Penicillin"), allergy("Latex")
    assert snapshot([one, other]) == snapshot([other, one])
    assert snapshot([one]) != snapshot([one, other]) != snapshot([other])


async def test_a_launch_without_evidence_asks_for_a_reason_and_is_witnessed_as_refused(settings: Settings) -> None:
    async with open_house(settings) as house:
        joan = await house.joan()
        refusal = await house.door.summary(looking(joan, evidence=Evidence(kind=EvidenceClass.LAUNCH)))
        assert isinstance(refusal, Refusal)
        assert refusal.kind == "reason-needed"
        assert "Say why you need it." in refusal.sentences[0]
        refused = (await house.events())[-1]
        assert (refused["kind"], refused["decision"]["kind"]) == ("refused", "reason-needed")


async def test_an_organisation_without_agreement_sees_nothing(settings: Settings) -> None:
    async with open_house(settings) as house:
        joan = await house.joan()
        stranger = msgspec.structs.replace(OXFORD, organisation="ZZ9")
        refusal = await house.door.summary(looking(joan, staff=stranger))
        assert isinstance(refusal, Refusal)
        assert (refusal.kind, refusal.phone) == ("not-allowed", "020 7946 0000")
        assert [event["kind"] for event in await house.events()][-1] == "refused"


async def test_an_administrator_sees_who_the_person_is_and_nothing_clinical(settings: Settings) -> None:
    async with open_house(settings) as house:
        joan = await house.joan()
        son = said("RelatedPerson", "1", {"name": [{"text": "Tom Hartley"}], "telecom": [{"value": "020 7946 0123"}]})
        team = said("CareTeam", "2", {"name": "Valve team"})
        await house.remember(joan, [allergy("Penicillin"), son, team])
        summary = await house.door.summary(looking(joan, staff=as_role("admin")))
        assert isinstance(summary, Summary)
        assert summary.record is not None
        # How to reach someone, and nothing that tells what they are treated for or by whom.
        assert [entry.what for entry in every_entry(summary.record)] == ["Tom Hartley"]
        assert summary.banner.allergy_title is None
        assert (summary.banner.allergies, summary.sources, summary.since) == ((), (), None)
        assert summary.banner.address == "4 Mill Row, Oxford, OX4 1AA"
        assert summary.limits[0].startswith("Your role (administrator)")
        assert b"enicillin" not in msgspec.json.encode(summary)


async def test_what_is_withheld_leaves_no_trace_but_in_the_audit(settings: Settings) -> None:
    """The page of a record that holds a sensitive letter equals the page of one that never did."""
    shared = [allergy("Penicillin"), stay("V9", start=day(5))]
    secret = letter("Clinic letter", "Not for everyone.", sensitivity=SENSITIVE, source="royal-free", at=day(15))
    async with open_house(settings) as house:
        joan = await house.joan()
        await house.remember(joan, shared)
        before = await house.door.summary(looking(joan))
        bundle_before = await house.door.everything(program_looking(joan))
        await house.remember(joan, [secret])
        after = await house.door.summary(looking(joan))
        assert msgspec.json.encode(after) == msgspec.json.encode(before)
        assert await house.door.everything(program_looking(joan)) == bundle_before
        shown = [event for event in await house.events() if event["kind"] == "shown"]
        assert [event["detail"]["withheld"] for event in shown] == [{}, {}, {"LETTERS": 1}, {"LETTERS": 1}]
        for ask in (
            house.door.receipt(looking(joan), f"x-{secret.local_id}"),
            house.door.document(looking(joan), f"x-{secret.local_id}"),
            house.door.original(looking(joan), secret.original, of=f"x-{secret.local_id}"),
        ):
            refusal = await ask
            assert isinstance(refusal, Refusal)
            assert refusal.kind == "not-found"


async def test_a_source_that_makes_a_letter_sensitive_later_withdraws_the_earlier_version_too(
    settings: Settings,
) -> None:
    open_one = letter("Letter", "First words.", own_id="1", at=day(3))
    sealed = letter("Letter", "Second words.", own_id="1", at=day(9), sensitivity=SENSITIVE)
    async with open_house(settings) as house:
        joan = await house.joan()
        await house.remember(joan, [open_one, sealed])
        summary = await house.door.summary(looking(joan))
        assert isinstance(summary, Summary)
        assert summary.record is not None
        assert summary.record.letters == ()


async def test_a_receipt_shows_what_was_said_and_its_original_can_be_opened(settings: Settings) -> None:
    async with open_house(settings) as house:
        obr = segment("OBR", {1: "1", 3: "L1", 4: "UE^Urea and electrolytes", 7: "202611090640", 25: "F"})
        obx = "OBX|1|NM|K^Potassium||6.10|mmol/L|3.5-5.3|HH|||F"
        await house.hear(message("ORU^R01", "oru-1", obr, obx))
        joan = await house.joan()
        summary = await house.door.summary(looking(joan))
        assert isinstance(summary, Summary)
        assert summary.record is not None
        (line,) = summary.record.results
        assert (line.panel, line.detail) == ("Urea and electrolytes", "6.10 mmol/L critically high (3.5-5.3)")
        receipt = await house.door.receipt(looking(joan), line.id)
        assert isinstance(receipt, Receipt)
        assert ("Value", "6.10 mmol/L") in receipt.sayings[0].lines
        saying = receipt.sayings[0]
        original = await house.door.original(looking(joan), saying.original, of=saying.statement_id)
        assert isinstance(original, ShownOriginal)
        assert original.source_name == "Barts Health"
        assert original.lines == (obr.replace("OBR|1|", "OBR||").rstrip("|"), obx.replace("OBX|1|", "OBX||"))
        assert [event["detail"].get("what") for event in await house.events() if event["kind"] == "shown"] == [
            "summary",
            "receipt",
            "original",
        ]


async def test_an_original_that_also_holds_what_is_withheld_shows_what_it_would_show_without(
    settings: Settings,
) -> None:
    """Numbers of lines and the type of the message would tell: neither is shown of any original."""
    asthma, hidden = "DG1|2||195967001^Asthma^SCT", "DG1|1||86406008^Human immunodeficiency virus infection^SCT"
    async with open_house(settings) as house:
        joan = await house.joan()
        shown: list[tuple[str, ...]] = []
        for number, lines in enumerate(((hidden, asthma), (asthma.replace("|2|", "|1|"),))):
            await house.hear(message("ADT^A01", f"both-{number}", ADMITTED, *lines))
            summary = await house.door.summary(looking(joan))
            assert isinstance(summary, Summary)
            assert summary.record is not None
            assert [problem.what for problem in summary.record.problems] == ["Asthma"]
            receipt = await house.door.receipt(looking(joan), summary.record.problems[0].id)
            assert isinstance(receipt, Receipt)
            saying = max(receipt.sayings, key=lambda saying: saying.original)
            original = await house.door.original(looking(joan), saying.original, of=saying.statement_id)
            assert isinstance(original, ShownOriginal)
            shown.append(original.lines)
            for asked in ("", "x", f"{saying.statement_id[:14]}{'a' * 26}"):
                refusal = await house.door.original(looking(joan), saying.original, of=asked)
                assert isinstance(refusal, Refusal)
                assert refusal.kind == "not-found"
    assert shown == [("DG1|||195967001^Asthma^SCT",)] * 2


async def test_a_document_is_handed_out_as_it_was_sent(settings: Settings) -> None:
    pdf = letter("Discharge summary", b"%PDF-1.7 words", content_type="application/pdf")
    async with open_house(settings) as house:
        joan = await house.joan()
        await house.remember(joan, [pdf])
        summary = await house.door.summary(looking(joan))
        assert isinstance(summary, Summary)
        assert summary.record is not None
        document = await house.door.document(looking(joan), summary.record.letters[0].id)
        assert document == Document(
            content_type="application/pdf", content=b"%PDF-1.7 words", title="Discharge summary"
        )


async def test_no_witness_no_record(settings: Settings) -> None:
    async with open_house(settings) as house:
        joan = await house.joan()
        await house.owner.execute("revoke insert on audit.event from carerecord_serve")
        for ask in (house.door.summary(looking(joan)), house.door.everything(program_looking(joan))):
            refusal = await ask
            assert isinstance(refusal, Refusal)
            assert (refusal.kind, refusal.phone) == ("unavailable", "020 7946 0000")
            assert "020 7946 0000" in refusal.sentences[-1]


@pytest.mark.parametrize(
    ("nhs_number", "birth_date"),
    [(NHS_NUMBER, BIRTH_DATE + timedelta(days=1)), ("9990000018", BIRTH_DATE), ("999", BIRTH_DATE), (NHS_NUMBER, None)],
    ids=["wrong birth date", "nobody", "not a number", "no birth date"],
)
async def test_nobody_and_the_wrong_birth_date_get_one_answer(
    settings: Settings, nhs_number: str, birth_date: date | None
) -> None:
    async with open_house(settings) as house:
        await house.joan()
        found = await house.door.find(
            OXFORD, nhs_number=nhs_number, birth_date=birth_date, route="sign-in", session="s", at=AT
        )
        assert isinstance(found, Refusal)
        assert found.kind == "not-found"
        assert found.sentences[0] == "No person is found with this NHS number and this date of birth."
        searched = (await house.events())[-1]
        assert (searched["kind"], searched["patient_key"]) == ("searched", 0)


async def test_a_person_found_is_named_before_anything_is_shown(settings: Settings) -> None:
    async with open_house(settings) as house:
        joan = await house.joan()
        found = await house.door.find(
            OXFORD, nhs_number="999 012 3454", birth_date=BIRTH_DATE, route="sign-in", session="s", at=AT
        )
        assert found == Found(
            patient_key=joan, name="HARTLEY, Joan (Mrs)", birth_date=BIRTH_DATE, nhs_number="999 012 3454"
        )


async def test_signing_in_and_being_refused_are_witnessed(settings: Settings) -> None:
    async with open_house(settings) as house:
        assert await house.door.witness_event("signed_in", staff=OXFORD, route="sign-in", session="s", at=AT) is None
        detail = {"rule": "exp"}
        await house.door.witness_event("refused", staff=None, route="launch", session="", at=AT, detail=detail)
        assert [(event["kind"], event["detail"].get("rule")) for event in await house.events()] == [
            ("signed_in", None),
            ("refused", "exp"),
        ]


async def test_everything_holds_each_current_statement_once_under_its_own_id(settings: Settings) -> None:
    visit = stay("V9", start=day(5), end=day(6), standing=Standing.RESOLVED)
    before, after = result("Potassium", "7.9", own_id="k"), result("Potassium", "4.90", own_id="k", at=day(12))
    async with open_house(settings) as house:
        joan = await house.joan()
        await house.remember(joan, [visit, before, after, allergy("Penicillin")])
        content = await house.door.everything(program_looking(joan))
        assert isinstance(content, bytes)
        bundle = json.loads(content)
        resources = [entry["resource"] for entry in bundle["entry"]]
        kinds = sorted(resource["resourceType"] for resource in resources)
        assert kinds == ["AllergyIntolerance", "Encounter", "Encounter", "Observation", "OperationOutcome", "Patient"]
        assert bundle["total"] == 5
        patient = next(each for each in resources if each["resourceType"] == "Patient")
        ids = [resource["id"] for resource in resources if "id" in resource]
        assert len(ids) == len(set(ids))
        assert all(each == patient["id"] or each.startswith(f"{patient['id']}-") for each in ids)
        observation = next(each for each in resources if each["resourceType"] == "Observation")
        assert b'"value":4.90' in content
        assert observation["subject"] == {"reference": f"Patient/{patient['id']}"}
        assert observation["meta"]["source"] == "urn:carerecord:source:barts"
        assert observation["meta"]["versionId"]
        listed = next(each for each in resources if each["resourceType"] == "AllergyIntolerance")
        assert listed["patient"] == {"reference": f"Patient/{patient['id']}"}
        outcome = bundle["entry"][-1]
        assert outcome["search"]["mode"] == "outcome"
        assert "outside London" in outcome["resource"]["issue"][0]["diagnostics"]


async def test_a_reference_from_one_statement_to_another_still_leads_there(settings: Settings) -> None:
    async with open_house(settings) as house:
        obr = segment("OBR", {1: "1", 3: "L1", 4: "UE^U and E", 7: "202611090640", 25: "F"})
        await house.hear(message("ORU^R01", "oru-1", ADMITTED, obr, "OBX|1|NM|K^Potassium||4.1|mmol/L|||||F"))
        joan = await house.joan()
        content = await house.door.everything(program_looking(joan))
        assert isinstance(content, bytes)
        resources = {
            f"{each['resource']['resourceType']}/{each['resource'].get('id')}": each["resource"]
            for each in json.loads(content)["entry"]
        }
        (report,) = [each for each in resources.values() if each["resourceType"] == "DiagnosticReport"]
        assert report["result"][0]["reference"] in resources
        assert report["encounter"]["reference"] in resources


async def test_a_person_whose_practice_is_in_the_region_but_not_connected_is_told_so(settings: Settings) -> None:
    async with open_house(settings) as house:
        joan = await house.joan(gp="F84001")
        summary = await house.door.summary(looking(joan))
        assert isinstance(summary, Summary)
        assert [(answer.kind, answer.sentence) for answer in summary.answers] == [
            ("not-connected", "GP record: Mile End Practice is not connected to this record")
        ]


async def test_a_social_worker_sees_only_their_headings(settings: Settings) -> None:
    async with open_house(settings) as house:
        joan = await house.joan()
        await house.remember(joan, [result("Potassium", "4.1"), letter("Letter", "Words."), allergy("Penicillin")])
        summary = await house.door.summary(looking(joan, staff=as_role("social-worker")))
        assert isinstance(summary, Summary)
        assert Heading.RESULTS not in summary.headings
        assert summary.record is not None
        assert (summary.record.results, summary.record.letters) == ((), ())
        assert len(summary.record.allergies) == 1


def test_the_examples_use_a_test_number() -> None:
    assert "9990123454" in PID


async def test_what_is_printed_is_witnessed_as_printed_and_holds_no_safeguarding(settings: Settings) -> None:
    async with open_house(settings) as house:
        joan = await house.joan()
        concern = {"status": "active", "code": {"text": "Concern about a carer"}}
        marked = said("Flag", "concern", concern, heading=Heading.SAFEGUARDING)
        await house.remember(joan, [allergy("Penicillin"), marked])
        shown = await house.door.summary(looking(joan))
        printed = await house.door.summary(looking(joan, form=PRINT))
        assert isinstance(shown, Summary)
        assert isinstance(printed, Summary)
        assert shown.record is not None
        assert printed.record is not None
        on_screen, on_paper = ({entry.heading for entry in every_entry(each.record)} for each in (shown, printed))
        assert on_screen - on_paper == {Heading.SAFEGUARDING}
        assert printed.banner.allergies == shown.banner.allergies
        events = [event["detail"] for event in await house.events() if event["kind"] == "shown"]
        assert [event.get("form", "") for event in events] == ["", "print"]
        assert events[1]["withheld"] == {"SAFEGUARDING": 1}
