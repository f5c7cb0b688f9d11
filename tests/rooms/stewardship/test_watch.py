"""The watch: each rule on looks that it should and should not fit, and the engine that follows the real audit."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from carerecord import audit, clock, database
from carerecord.model import Evidence, EvidenceClass, Purpose, Staff
from carerecord.settings import Settings
from carerecord.stewardship.cases import Disposition, close_case, list_cases
from carerecord.stewardship.watch import About, Colleague, Finding, Following, Look, Watch, read_rules
from carerecord.stewardship.watch.register import RegisterDoesNotFit, read_registers
from tests.house import OXFORD, REGION, House, open_house

AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
NURSE = Colleague(
    user_id="555-1", organisation="R1H", family="Thornbury", given="Ada", birth_date=date(1980, 4, 2),
    postcode="E3 4QA", address="12 Grove Road", nhs_number="9990000018",
)  # fmt: skip
A_STRANGER = About(
    family="Miah", given="Leila", birth_date=date(1991, 1, 1), nhs_number="9990000026", postcode="E1 1AA"
)
_place = iter(range(1, 100_000))


def look(patient_key: int = 7, *, at: datetime = AT, user_id: str = "555-1", **more: object) -> Look:
    given: dict[str, object] = {
        "place": (1, next(_place)), "at": at, "kind": "opened", "user_id": user_id, "name": "THORNBURY Ada (Ms)",
        "role": "clinician", "organisation": "R1H", "area": "London", "patient_key": patient_key,
        "evidence": EvidenceClass.ENCOUNTER, **more,
    }  # fmt: skip
    return Look(**given)  # type: ignore[arg-type]


def rules_of(finding: Finding | None) -> set[str]:
    return {alert.rule for alert in finding.alerts} if finding else set()


def about(**more: object) -> About:
    return msgspec.structs.replace(A_STRANGER, is_related=True, **more)


def a_watch_that_met(people: int, *, staff: tuple[Colleague, ...] = (NURSE,)) -> Watch:
    watch = Watch(staff=staff)
    for number in range(people):
        watch.take(look(1_000 + number, user_id=f"555-{900 + number % 9}"), about(family="Smith"))
    return watch


def test_a_look_in_the_course_of_care_is_not_raised() -> None:
    assert Watch(staff=[NURSE]).take(look(), about()) is None


@pytest.mark.parametrize(
    "changed",
    [{"nhs_number": NURSE.nhs_number}, {"family": "Thornbury", "given": "Ada M", "birth_date": NURSE.birth_date}],
)
def test_ones_own_record_is_raised_by_number_or_by_name_and_birth_date(changed: dict[str, object]) -> None:
    assert rules_of(Watch(staff=[NURSE]).take(look(), about(**changed))) == {"own-record"}


def test_somebody_of_the_same_name_born_on_another_day_is_not_the_reader() -> None:
    assert "own-record" not in rules_of(Watch(staff=[NURSE]).take(look(), about(family="Thornbury", given="Ada")))


def test_without_a_register_both_names_are_what_there_is() -> None:
    finding = Watch().take(look(name="Dr Ada Thornbury"), about(family="Thornbury", given="Ada"))
    assert rules_of(finding) == {"own-record"}


def test_who_lives_where_the_reader_lives_is_raised_and_who_lives_near_is_not() -> None:
    assert rules_of(Watch(staff=[NURSE]).take(look(), about(postcode="e3 4qa", address="12, Grove Road"))) == {
        "household"
    }
    assert Watch(staff=[NURSE]).take(look(), about(postcode="E3 4QA", address="14 Grove Road")) is None


def test_a_rare_surname_is_raised_where_no_care_is_shown_and_a_common_one_never() -> None:
    own_reason = {"evidence": EvidenceClass.DECLARED}
    stranger = msgspec.structs.replace(A_STRANGER, family="Thornbury", given="Rose")
    assert "family" in rules_of(a_watch_that_met(200).take(look(**own_reason), stranger))
    smith = msgspec.structs.replace(NURSE, family="Smith")
    common = msgspec.structs.replace(A_STRANGER, family="Smith", given="Rose")
    assert "family" not in rules_of(a_watch_that_met(200, staff=(smith,)).take(look(**own_reason), common))
    assert a_watch_that_met(200).take(look(), about(family="Thornbury", given="Rose")) is None  # on the reader's ward


def test_a_surname_says_nothing_before_enough_people_were_met() -> None:
    stranger = msgspec.structs.replace(A_STRANGER, family="Thornbury", given="Rose")
    assert "family" not in rules_of(a_watch_that_met(20).take(look(evidence=EvidenceClass.DECLARED), stranger))


def test_a_colleague_is_known_by_the_register_of_the_same_organisation() -> None:
    mate = Colleague(user_id="555-2", organisation="R1H", family="Miah", given="Leila", birth_date=date(1991, 1, 1))
    own_reason = look(evidence=EvidenceClass.DECLARED)
    assert "colleague" in rules_of(Watch(staff=[NURSE, mate]).take(own_reason, A_STRANGER))
    elsewhere = msgspec.structs.replace(mate, organisation="RRV")
    assert Watch(staff=[NURSE, elsewhere]).take(own_reason, A_STRANGER) is None


def test_a_listed_person_is_raised_where_no_care_is_shown() -> None:
    listed = msgspec.structs.replace(A_STRANGER, is_listed=True)
    assert "listed" in rules_of(Watch().take(look(evidence=EvidenceClass.LAUNCH), listed))
    assert Watch().take(look(), about(is_listed=True)) is None


def test_a_look_long_after_death_is_raised_and_one_for_the_certificate_is_not() -> None:
    unshown = {"evidence": EvidenceClass.DECLARED}
    late = msgspec.structs.replace(A_STRANGER, died_on=AT.date() - timedelta(days=40))
    soon = msgspec.structs.replace(A_STRANGER, died_on=AT.date() - timedelta(days=10))
    assert "after-death" in rules_of(Watch().take(look(**unshown), late))
    assert Watch().take(look(**unshown), soon) is None


def test_nothing_that_shows_a_relationship_is_raised_a_day_later_unless_the_feeds_brought_it() -> None:
    watch = Watch()
    assert watch.take(look(evidence=EvidenceClass.DECLARED), A_STRANGER) is None
    assert watch.doubts_due(at=AT + timedelta(hours=23)) == []
    ((since, doubted),) = watch.doubts_due(at=AT + timedelta(hours=24))
    assert since == AT + timedelta(hours=24)
    assert watch.settle(doubted, about()) is None
    assert rules_of(watch.settle(doubted, A_STRANGER)) == {"no-relationship"}
    assert watch.doubts_due(at=AT + timedelta(days=9)) == []


def test_fishing_is_raised_at_the_fourth_search_that_finds_nobody_within_a_quarter_of_an_hour() -> None:
    watch = Watch()
    found = [
        watch.take(look(0, at=AT + timedelta(minutes=minute), kind="searched"), About()) for minute in (0, 2, 4, 6)
    ]
    assert [rules_of(each) for each in found] == [set(), set(), set(), {"fishing"}]
    slow = [
        Watch().take(look(0, at=AT + timedelta(minutes=minute), kind="searched"), About()) for minute in (0, 20, 40, 60)
    ]
    assert not any(slow)


def test_volume_is_measured_by_what_the_role_does_and_told_once() -> None:
    watch = Watch()
    for day in range(1, 50):
        for person in range(12):
            watch.take(look(person + 1, at=AT - timedelta(days=60 - day), user_id=f"555-{day % 7}"), about())
    told = [rules_of(watch.take(look(5_000 + person, user_id="555-77"), about())) for person in range(60)]
    assert [number for number, rules in enumerate(told, 1) if rules] == [41]
    assert told[40] == {"volume"}


def test_three_people_of_one_postcode_within_an_hour_are_raised() -> None:
    watch, unshown = Watch(), {"evidence": EvidenceClass.LAUNCH}
    neighbours = [watch.take(look(key, **unshown), A_STRANGER) for key in (1, 2, 3)]
    assert [rules_of(each) & {"neighbourhood"} for each in neighbours] == [set(), set(), {"neighbourhood"}]


def test_one_reader_in_two_areas_within_minutes_is_raised() -> None:
    watch = Watch()
    assert watch.take(look(1), about()) is None
    elsewhere = look(2, at=AT + timedelta(minutes=5), organisation="RTH", area="Oxfordshire")
    assert rules_of(watch.take(elsewhere, about())) == {"travel"}


def test_five_emergencies_in_a_week_are_raised() -> None:
    watch = Watch()
    found = [watch.take(look(key, at=AT + timedelta(days=key), kind="declared"), about()) for key in range(1, 6)]
    assert [rules_of(each) for each in found] == [set(), set(), set(), set(), {"emergency-rate"}]


def test_the_same_record_on_four_days_on_ones_own_reason_is_raised() -> None:
    watch, unshown = Watch(), {"evidence": EvidenceClass.DECLARED}
    days = [rules_of(watch.take(look(at=AT + timedelta(days=day), **unshown), about())) for day in range(4)]
    assert days == [set(), set(), set(), {"returning"}]


def test_the_same_reader_and_person_are_told_once_a_day() -> None:
    watch = Watch(staff=[NURSE])
    own = about(nhs_number=NURSE.nhs_number)
    assert watch.take(look(), own)
    assert watch.take(look(), own) is None
    assert watch.take(look(at=AT + timedelta(days=1)), own)


def test_what_the_desk_finds_moves_a_rules_weight_both_ways() -> None:
    rules = read_rules()
    always, never = rules.learnt({"colleague": (40, 40)}), rules.learnt({"colleague": (40, 0)})
    assert always.rule["colleague"].weight > rules.rule["colleague"].weight > never.rule["colleague"].weight
    assert never.rule["colleague"].weight < rules.threshold


def test_no_reason_holds_anything_of_the_person() -> None:
    person = About(family="Thornbury", given="Ada", birth_date=NURSE.birth_date, nhs_number=NURSE.nhs_number)
    finding = Watch(staff=[NURSE]).take(look(), person)
    assert finding is not None
    said = " ".join(alert.why for alert in finding.alerts)
    assert not any(word in said for word in ("Thornbury", "Ada", NURSE.nhs_number))


def test_a_register_that_does_not_fit_says_where_and_which_rule(tmp_path: Path) -> None:
    (tmp_path / "barts.jsonl").write_bytes(msgspec.json.encode(NURSE) + b"\n\n{}\n")
    with pytest.raises(RegisterDoesNotFit, match=r"barts\.jsonl, line 3: .*user_id"):
        read_registers(str(tmp_path))
    (tmp_path / "barts.jsonl").write_bytes(msgspec.json.encode(NURSE))
    assert read_registers(str(tmp_path)) == [NURSE]
    assert read_registers("") == []


# --- Following the audit ----------------------------------------------------------------------------------------------


async def opened(
    house: House, writer: audit.Writer, patient_key: int, *, evidence: EvidenceClass, staff: Staff = OXFORD
) -> None:
    await writer.witness(
        audit.Event(
            kind="opened", patient_key=patient_key, staff=staff, purpose=Purpose.TREAT,
            evidence=Evidence(kind=evidence), decision={}, route="launch", session="s-1",
        )
    )  # fmt: skip


async def test_a_reader_who_opens_their_own_record_becomes_one_case_however_often_it_is_followed(
    settings: Settings,
) -> None:
    async with open_house(settings) as house, audit.Writer.open(house.db) as writer:
        joan = await house.joan()
        herself = msgspec.structs.replace(OXFORD, user_id="555-joan", name="HARTLEY Joan (Mrs)")
        await opened(house, writer, joan, evidence=EvidenceClass.APPOINTMENT, staff=herself)
        async with database.connect(settings, "work") as db:
            numbers = iter(range(1, 99))
            first = Following(db, REGION, random_key=lambda: next(numbers))
            assert await first.follow(at=clock.now()) == 1
            assert await first.follow(at=clock.now()) == 0
            # Another process takes over: the day is known again, and nothing is told twice.
            second = Following(db, REGION, random_key=lambda: next(numbers))
            assert await second.follow(at=clock.now()) == 0
        (case,) = await list_cases(house.owner, desk="privacy")
        assert (case.kind, case.rule, case.patient_key, case.organisation) == ("misuse", "own-record", joan, "RTH")
        assert case.detail["why"] == [case.sentence]
        assert "Hartley" not in str(case.detail) + case.sentence


async def test_a_doubt_is_settled_a_day_later_by_what_the_record_knows_then(settings: Settings) -> None:
    async with open_house(settings) as house, audit.Writer.open(house.db) as writer:
        joan = await house.joan()
        await opened(house, writer, joan, evidence=EvidenceClass.DECLARED)
        async with database.connect(settings, "work") as db:
            following = Following(db, REGION, random_key=clock.random_key)
            assert await following.follow(at=clock.now()) == 0
            assert await following.follow(at=clock.now() + timedelta(hours=25)) == 1
        (case,) = await list_cases(house.owner, desk="privacy")
        assert case.rule == "no-relationship"


async def test_what_the_desk_closed_is_learnt(settings: Settings) -> None:
    async with open_house(settings) as house, audit.Writer.open(house.db) as writer:
        joan = await house.joan()
        herself = msgspec.structs.replace(OXFORD, user_id="555-joan", name="HARTLEY Joan (Mrs)")
        await opened(house, writer, joan, evidence=EvidenceClass.APPOINTMENT, staff=herself)
        async with database.connect(settings, "work") as db:
            following = Following(db, REGION, random_key=clock.random_key)
            await following.follow(at=clock.now())
            (case,) = await list_cases(house.owner, desk="privacy")
            await close_case(house.owner, case, disposition=Disposition.APPROPRIATE, at=clock.now())
            before = following._watch.rules.rule["own-record"].weight
            await following.learn()
            assert following._watch.rules.rule["own-record"].weight < before


async def test_searches_that_find_nobody_are_followed(settings: Settings) -> None:
    async with open_house(settings) as house, audit.Writer.open(house.db) as writer:
        for _ in range(5):
            await writer.witness(
                audit.Event(
                    kind="searched", patient_key=0, staff=OXFORD, purpose=Purpose.TREAT, evidence=None, decision={},
                    detail={"nhs_number": "9990000018"}, route="sign-in", session="s-1",
                )
            )  # fmt: skip
        async with database.connect(settings, "work") as db:
            assert await Following(db, REGION, random_key=clock.random_key).follow(at=clock.now()) == 1
        (case,) = await list_cases(house.owner, desk="privacy")
        assert case.rule == "fishing"
        assert "9990000018" not in str(case.detail)
