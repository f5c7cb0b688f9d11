"""A person's own ledger: who looked, told in seconds and in plain facts; what is held leaves no trace of itself."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any

import msgspec
import pytest

from carerecord import audit, clock, database
from carerecord.audit import entry_proofs, keys
from carerecord.audit.sealer import Sealer
from carerecord.audit.seals import folder_of
from carerecord.disclosure import Looking, Refusal
from carerecord.model import Evidence, EvidenceClass, OriginalReference, Purpose, Staff
from carerecord.organisations import Organisation
from carerecord.record.append import LogRow, append
from carerecord.settings import Settings
from carerecord.signin import Sessions, person_staff
from carerecord.stewardship import Ledger, LedgerDesk
from carerecord.stewardship.cases import list_cases
from carerecord.stewardship.ledger import Own
from carerecord.stewardship.ledger_rules import names_a_held
from carerecord.stewardship.ledger_values import HoldKind, LedgerPage, Wanted
from carerecord.stewardship.notices import list_notices
from carerecord.stewardship.objections import Objections, Scope, State
from carerecord.stewardship.own_objections import OwnObjections
from tests.house import APPOINTMENT, NHS_NUMBER, OXFORD, PROGRAM, REGION, House, open_house
from tests.said import as_statement, said

LED = msgspec.structs.replace(
    REGION,
    privacy_organisation="R1H",
    organisations=(*REGION.organisations, Organisation(ods_code="Y9REF", name="Harbour House", kind="refuge")),
)
OFFICER = Staff(
    user_id="555-officer",
    name="Ada Lead",
    role_code="S8000:G8000:R9911",
    role="privacy-officer",
    role_name="Privacy Officer",
    organisation="R1H",
    organisation_name="Barts Health",
)
REFUGE = msgspec.structs.replace(OXFORD, user_id="555-refuge", organisation="Y9REF", organisation_name="Harbour House")
NURSE = msgspec.structs.replace(OXFORD, user_id="555-nurse", role_name="Safeguarding Nurse")


class Home:
    """A person at their ledger, over a house in which others look at their record."""

    def __init__(self, house: House, writer: audit.Writer, joan: int) -> None:
        self.house, self.writer, self.joan = house, writer, joan
        self.door = Ledger(house.db, writer, LED)
        self.desk = LedgerDesk(house.db, writer, LED)

    @property
    def own(self) -> Own:
        return Own(patient_key=self.joan, staff=person_staff("NHS login"), session="own-1", at=clock.now())

    @property
    def how(self) -> dict[str, Any]:
        return {"session": "desk-1", "at": clock.now()}

    async def event(self, staff: Staff, kind: str = "shown", *, session: str, **of: Any) -> audit.Witness:
        told: dict[str, Any] = {
            "purpose": Purpose.TREAT, "evidence": APPOINTMENT, "route": "launch",
            "decision": {"kind": "permit", "headings": {"LETTERS": 0, "ALLERGIES": 0}},
            "detail": {"what": "summary"}, "patient_key": self.joan,
        }  # fmt: skip
        return await self.writer.witness(audit.Event(kind=kind, staff=staff, session=session, **{**told, **of}))

    async def read(self, **wanted: Any) -> LedgerPage:
        shown = await self.door.read(self.own, Wanted(**wanted))
        assert isinstance(shown, LedgerPage), shown
        return shown


async def seal(settings: Settings) -> None:
    if not await keys.signer_of(settings).keys():
        keys.FileSigner(keys.keys_folder(settings)).make(at=clock.now())
    async with database.connect(settings, "work") as work:
        sealer = Sealer(work, folder_of(settings), keys.signer_of(settings), clock=clock.now)
        while await sealer.seal():
            pass


@asynccontextmanager
async def open_home(settings: Settings) -> AsyncIterator[Home]:
    async with open_house(settings, region=LED) as house, audit.Writer.open(house.db) as writer:
        yield Home(house, writer, await house.joan())


def without_reading(page: LedgerPage) -> LedgerPage:
    """The same without when the person read it, which each reading adds to."""
    return msgspec.structs.replace(page, own=())


async def test_a_look_is_listed_at_once_by_role_organisation_reason_and_headings(settings: Settings) -> None:
    async with open_home(settings) as home:
        assert (await home.read()).looks == ()
        sessions = Sessions(home.house.db, settings, region=LED)
        made = await sessions.create_patient(
            OXFORD, patient_key=home.joan, evidence=APPOINTMENT, purpose=Purpose.TREAT, route="launch", at=clock.now()
        )
        assert await sessions.find(made.id, token=made.token, at=clock.now())
        shown = await home.house.door.summary(
            Looking(
                patient_key=home.joan, staff=OXFORD, evidence=APPOINTMENT, purpose=Purpose.TREAT, route="launch",
                session=made.id, at=clock.now(),
            )
        )  # fmt: skip
        assert not isinstance(shown, Refusal), shown
        page = await home.read()
        (look,) = page.looks
        assert (look.role, look.organisation, look.evidence, look.is_sent) == (
            "Clinical Practitioner", "RTH", "appointment", False,
        )  # fmt: skip
        assert {"MEDICINES", "ALLERGIES"} <= set(look.headings)
        assert [step.what for step in look.steps] == ["summary"]
        assert (page.seen, page.sent, page.months[-1].seen) == (1, 0, 1)
        written = msgspec.json.encode(page).decode()
        for part in (OXFORD.name, OXFORD.user_id, NHS_NUMBER, str(home.joan), made.id):
            assert part not in written


async def test_what_was_sent_to_a_program_stands_apart_from_what_people_saw(settings: Settings) -> None:
    async with open_home(settings) as home:
        await home.event(OXFORD, session="a")
        await home.event(PROGRAM, session="token-1", route="fhir", detail={"what": "everything"})
        await home.event(OXFORD, "sent", session="prefetch-1")
        seen, sent = await home.read(), await home.read(is_sent=True)
        assert [look.organisation for look in seen.looks] == ["RTH"]
        assert sorted(look.organisation for look in sent.looks) == ["RTH", "X26"]
        assert (seen.seen, seen.sent, seen.months[-1].seen, seen.months[-1].sent) == (1, 2, 1, 2)


async def test_one_session_is_one_look_with_its_steps_in_order(settings: Settings) -> None:
    async with open_home(settings) as home:
        for what in ("summary", "receipt", "document"):
            await home.event(OXFORD, session="a", detail={"what": what})
        await home.event(OXFORD, session="a", detail={"what": "document", "found": False})
        await home.event(OXFORD, session="a", detail={"what": "summary", "form": "print"})
        (look,) = (await home.read()).looks
        assert [step.what for step in look.steps] == ["summary", "receipt", "document", "paper"]


async def test_looks_of_a_refuge_and_of_safeguarding_staff_leave_no_trace(settings: Settings) -> None:
    async with open_home(settings) as home:
        for number in range(30):
            await home.event(OXFORD, session=f"o-{number}")
        before = without_reading(await home.read())
        urgent = Evidence(kind=EvidenceClass.EMERGENCY, id="safeguarding", reason="x")
        clinic = Evidence(kind=EvidenceClass.APPOINTMENT, id="A-2", place="Sexual Health Clinic")
        await home.event(REFUGE, session="r")
        await home.event(REFUGE, "declared", session="r", purpose=Purpose.BTG)
        await home.event(NURSE, session="n")
        await home.event(OXFORD, session="u", evidence=urgent, purpose=Purpose.BTG)
        await home.event(OXFORD, session="c", evidence=clinic)
        await home.event(OFFICER, "examined", session="d", detail={"what": "person"}, route="desk")
        assert without_reading(await home.read()) == before
        assert before.pages == 2
        assert len(before.looks) == 20
        second = await home.read(page=2)
        assert len(second.looks) == 10
        assert second.seen == 30
        held = next(each for each in await home.house.events() if each["session"] == "r" and each["kind"] == "shown")
        ref = entry_ref(bytes(held["hash"]))
        nowhere = await home.door.find_look(home.own, "0" * 24)
        assert await home.door.find_look(home.own, ref) == nowhere
        assert await home.door.prove(home.own, ref) == nowhere
        assert await home.door.ask(home.own, ref, words="Who?") == nowhere


def entry_ref(stored: bytes) -> str:
    from hashlib import blake2b

    return blake2b(stored, digest_size=12, person=b"ledger").hexdigest()


async def test_a_hold_hides_and_lifting_it_shows_again(settings: Settings) -> None:
    async with open_home(settings) as home:
        await home.event(OXFORD, session="a")
        hold = await home.desk.set_hold(
            OFFICER, kind=HoldKind.STAFF, value=OXFORD.user_id, because="Followed home last week", **home.how
        )
        assert not isinstance(hold, Refusal)
        assert (await home.read()).looks == ()
        assert await home.desk.lift_hold(OFFICER, hold.id, because="It is over now", **home.how) is None
        assert len((await home.read()).looks) == 1
        kept = [each["detail"]["step"] for each in await home.house.events() if each["kind"] == "administered"]
        assert kept == ["set", "lifted"]


async def test_a_hold_is_read_and_lifted_by_the_desk_that_set_it_and_the_one_that_leads(settings: Settings) -> None:
    """What keeps a person from whoever controls them is not for the staff of any other hospital to find, or to end."""
    oxford = msgspec.structs.replace(OFFICER, user_id="555-ox", organisation="RTH")
    elsewhere = msgspec.structs.replace(OFFICER, user_id="555-roy", organisation="RAL")
    async with open_home(settings) as home:
        await home.event(OXFORD, session="a")
        hold = await home.desk.set_hold(
            oxford, kind=HoldKind.STAFF, value=OXFORD.user_id, because="Followed home last week", **home.how
        )
        assert not isinstance(hold, Refusal)
        assert await home.desk.list_holds(elsewhere, **home.how) == ()
        refused = await home.desk.lift_hold(elsewhere, hold.id, because="I want to see it", **home.how)
        assert isinstance(refused, Refusal)
        assert (await home.read()).looks == ()
        assert await home.desk.list_holds(oxford, **home.how) == (hold,)
        assert await home.desk.list_holds(OFFICER, **home.how) == (hold,)
        assert await home.desk.lift_hold(oxford, hold.id, because="It is over now", **home.how) is None
        assert len((await home.read()).looks) == 1


async def test_only_the_privacy_desk_sets_a_hold_and_says_why(settings: Settings) -> None:
    async with open_home(settings) as home:
        for staff, because, kind in ((OXFORD, "Because I want to", "not-allowed"), (OFFICER, " ", "reason-needed")):
            refused = await home.desk.set_hold(staff, kind=HoldKind.STAFF, value="x", because=because, **home.how)
            assert isinstance(refused, Refusal)
            assert refused.kind == kind
        assert await home.house.owner.fetchval("select count(*) from stewardship.hold") == 0


async def test_a_person_in_danger_is_shown_no_ledger_and_no_reason(settings: Settings) -> None:
    async with open_home(settings) as home:
        await home.event(OXFORD, session="a")
        ref = (await home.read()).looks[0].ref
        await home.door.ask(home.own, ref, words="Why?")
        (case,) = await list_cases(home.house.db, desk="privacy")
        held = await home.desk.set_hold(
            OFFICER, kind=HoldKind.LEDGER, case_id=case.id, because="A partner reads it over her shoulder", **home.how
        )
        assert not isinstance(held, Refusal)
        assert held.patient_key == home.joan
        for refused in (await home.door.read(home.own, Wanted()), await home.door.find_look(home.own, ref)):
            assert isinstance(refused, Refusal)
            assert "partner" not in " ".join(refused.sentences)


async def test_a_question_reaches_the_desk_of_who_looked_and_its_answer_the_person(settings: Settings) -> None:
    async with open_home(settings) as home:
        await home.event(OXFORD, session="a")
        ref = (await home.read()).looks[0].ref
        for _ in range(2):
            assert not isinstance(await home.door.ask(home.own, ref, words="I was never in Oxford"), Refusal)
        (case,) = await list_cases(home.house.db, desk="privacy")
        assert (case.kind, case.organisation, case.staff) == ("question", "RTH", OXFORD.user_id)
        (notice,) = await list_notices(home.house.db)
        for part in (NHS_NUMBER, "HARTLEY", "never in Oxford", str(home.joan)):
            assert part not in case.sentence + json.dumps(case.detail) + notice.sentence + json.dumps(notice.detail)
        oxford = msgspec.structs.replace(OFFICER, organisation="RTH", organisation_name="Oxford University Hospitals")
        elsewhere = msgspec.structs.replace(OFFICER, organisation="RAL", organisation_name="Royal Free")
        assert await home.desk.list_questions(elsewhere, **home.how) == ()
        assert isinstance(await home.desk.answer(elsewhere, case.id, words="Not mine", **home.how), Refusal)
        (asked,) = await home.desk.list_questions(oxford, **home.how)  # type: ignore[misc]
        assert asked.words == "I was never in Oxford"
        assert await home.desk.answer(oxford, case.id, words="A referral came by mistake.", **home.how) is None
        question = (await home.read()).looks[0].question
        assert question is not None
        assert (question.answer, question.answered_by) == ("A referral came by mistake.", "Oxford University Hospitals")


async def test_each_reading_is_witnessed_as_the_persons_own_and_listed_apart(settings: Settings) -> None:
    async with open_home(settings) as home:
        await home.read()
        page = await home.read()
        assert len(page.own) == 2
        assert page.looks == ()
        assert page.stewards == ()
        own = [each for each in await home.house.events() if each["kind"] == "examined"]
        assert {(each["purpose"], each["route"]) for each in own} == {("PATRQT", "ledger")}


async def test_a_filter_narrows_counts_and_pages_together(settings: Settings) -> None:
    async with open_home(settings) as home:
        royal = msgspec.structs.replace(OXFORD, user_id="555-royal", organisation="RAL")
        await home.event(OXFORD, session="a")
        await home.event(royal, session="b")
        page = await home.read(organisation="RAL")
        assert ([look.organisation for look in page.looks], page.seen, page.months[-1].seen) == (["RAL"], 1, 1)
        assert [code for code, _ in page.organisations] == ["RTH", "RAL"]


async def test_an_entry_is_proven_offline_by_the_public_key_alone_and_a_forged_one_is_not(settings: Settings) -> None:
    async with open_home(settings) as home:
        for number in range(3):
            await home.event(OXFORD, session=f"o-{number}")
        look = (await home.read()).looks[1]
        early = await home.door.prove(home.own, look.ref)
        assert not isinstance(early, Refusal)
        assert not early.file
        assert early.sentence
        await seal(settings)
        await home.event(OXFORD, session="later")
        await seal(settings)
        proof = await home.door.prove(home.own, look.ref)
        assert not isinstance(proof, Refusal)
        trusted = await keys.signer_of(settings).keys()
        assert entry_proofs.is_entry_proof(proof.file)
        assert entry_proofs.check_entry(proof.file, trusted)[1] == ""
        for part in (OXFORD.name.encode(), OXFORD.user_id.encode(), NHS_NUMBER.encode()):
            assert part not in proof.file
        forged = json.loads(proof.file)
        forged["entry"] = forged["inclusion"][0]
        assert "not among those" in entry_proofs.check_entry(json.dumps(forged).encode(), trusted)[1]
        assert "not signed" in entry_proofs.check_entry(proof.file, [])[1]


async def test_a_person_objects_and_takes_back_their_own_objection_and_nobody_elses(settings: Settings) -> None:
    async with open_home(settings) as home:
        own = OwnObjections(Objections(home.house.db, home.writer, LED))
        told = await own.receive(home.own, scope=Scope.ORGANISATION, value="RTH")
        assert not isinstance(told, Refusal), told
        assert told.objection.state is State.WEIGHED
        stranger = msgspec.structs.replace(home.own, patient_key=home.joan + 1)
        assert isinstance(await own.withdraw(stranger, told.objection.id), Refusal)
        as_staff = msgspec.structs.replace(home.own, staff=OXFORD)
        assert isinstance(await own.receive(as_staff, scope=Scope.WHOLE, value=""), Refusal)
        withdrawn = await own.withdraw(home.own, told.objection.id)
        assert not isinstance(withdrawn, Refusal)
        assert withdrawn.objection.state is State.WITHDRAWN
        by_themselves = [each for each in await home.house.events() if each["session"] == home.own.session]
        assert {(each["kind"], each["purpose"], each["route"]) for each in by_themselves} == {
            (kind, Purpose.PATRQT, "ledger") for kind in ("examined", "administered", "notified")
        }


async def flag(home: Home, code: str, *, said_at: datetime) -> None:
    """What a practice says of how this person is to be given access."""
    shown = said("Flag", code, {"status": "active"}, at=said_at)
    own = msgspec.structs.replace(as_statement(shown), code=f"http://snomed.info/sct|{code}")
    identity = await home.house.owner.fetchval(
        "select identity_key from patient_index.identity where patient_key = $1", home.joan
    )
    row = LogRow(
        patient_key=home.joan, identity_key=identity, source="barts",
        original=OriginalReference(date(2026, 11, 10), int(code[:6])), received_at=said_at, statements=[own],
    )  # fmt: skip
    async with database.connect(home.house.settings, "listen") as listen, listen.transaction() as connection:
        await append(connection, [row])


async def test_the_young_and_whoever_is_to_be_reviewed_first_are_not_shown_it_by_themselves(settings: Settings) -> None:
    async with open_home(settings) as home:
        sessions = Sessions(home.house.db, settings, region=LED)
        made = await sessions.create_patient(
            person_staff("NHS login"), patient_key=home.joan, evidence=Evidence(kind=EvidenceClass.NONE),
            purpose=Purpose.PATRQT, route="ledger", at=clock.now(),
        )  # fmt: skip
        assert await sessions.find_own(made.token, at=clock.now())
        own = msgspec.structs.replace(home.own, session=made.id)
        today = clock.now().date()
        grown, young = date(1948, 3, 12), date(today.year - 13, 1, 1)
        assert await home.door.may_open(own, birth_date=grown) is None
        assert isinstance(await home.door.may_open(own, birth_date=young), Refusal)
        for code, opens in (("1364731000000104", False), ("1364751000000106", True)):
            await flag(home, code, said_at=clock.now())
            for born in (grown, young):
                assert (await home.door.may_open(own, birth_date=born) is None) is opens, (code, born)


async def test_a_held_name_is_in_no_answer_of_the_desk_and_in_nothing_that_a_person_reads(settings: Settings) -> None:
    async with open_home(settings) as home:
        await home.event(OXFORD, session="a")
        ref = (await home.read()).looks[0].ref
        await home.door.ask(home.own, ref, words="Who was it?")
        (case,) = await list_cases(home.house.db, desk="privacy")
        surname = OXFORD.name.split()[-1]
        hold = await home.desk.set_hold(
            OFFICER, kind=HoldKind.NAME, value=OXFORD.user_id, because="She was followed home", **home.how
        )
        assert not isinstance(hold, Refusal)
        for words in (
            f"It was Dr {surname} of ours.",
            f"it was {surname.upper()}.",
            f"Staff {OXFORD.user_id} of ours.",
        ):
            refused = await home.desk.answer(OFFICER, case.id, words=words, **home.how)
            assert isinstance(refused, Refusal)
            assert "without it" in refused.sentences[0]
        look = await home.door.find_look(home.own, ref)
        listed = await home.read()
        for told in (look, listed):
            assert surname.encode() not in msgspec.json.encode(told)
            assert OXFORD.user_id.encode() not in msgspec.json.encode(told)
        assert await home.desk.answer(OFFICER, case.id, words="Somebody of our clinic.", **home.how) is None


@pytest.mark.parametrize(
    ("words", "is_named"),
    [
        ("Dr Osei saw you.", True),
        ("OSEI saw you", True),
        ("Amara saw you", False),  # a given name is many people's
        ("A doctor saw you.", False),
        ("Oseitutu is another.", False),
    ],
)
def test_a_name_is_found_by_its_surname(words: str, is_named: bool) -> None:
    assert names_a_held(words, ["Dr Amara Osei"]) is is_named
