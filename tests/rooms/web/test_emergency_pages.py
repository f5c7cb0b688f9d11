"""Emergency access over HTTP: what must be said, who may say it, and that nothing opens before it is looked after."""

from __future__ import annotations

import re
from datetime import timedelta

import msgspec
import pytest

from carerecord.disclosure import Record, Refusal
from carerecord.model import Evidence, EvidenceClass, Purpose
from carerecord.signin import EMERGENCY_HOURS, patient_cookie
from carerecord.stewardship.attestations import DENIED, UNMATCHED
from carerecord.stewardship.declared import RULE
from carerecord.stewardship.watch.values import read_rules
from carerecord.web import emergency
from carerecord.web.desk import privacy_words
from tests import samples
from tests.stage import STAFF, Stage

WORDS = "Brought in unresponsive, need allergies"
SAID = {"reason": "cannot-consent", "words": WORDS, "hours": "2", "confirmed": "yes"}


def in_role(stage: Stage, role: str) -> str:
    staff = msgspec.structs.replace(STAFF, role=role)
    none = Evidence(kind=EvidenceClass.NONE)
    new = stage.sessions.create(
        staff, patient_key=7, evidence=none, purpose=Purpose.TREAT, route="launch", at=samples.AT
    )
    stage.client.cookies.set(patient_cookie(new.id), new.token)
    return f"/patient/{new.id}"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"reason": ""}, "reason-cannot-consent"),
        ({"reason": "curious"}, "reason-cannot-consent"),
        ({"words": ""}, "words"),
        ({"words": "x  1 2 3 4 5 6 7 8 9 . . . ."}, "words"),
        ({"hours": "3"}, "hours-1"),
        ({"hours": "24"}, "hours-1"),
        ({"confirmed": ""}, "confirmed"),
    ],
)
def test_each_part_of_a_declaration_is_needed(changed: dict[str, str], field: str) -> None:
    stage = Stage()
    chart = in_role(stage, "clinician")
    answer = stage.client.post(f"{chart}/emergency", data={**SAID, **changed})
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert f'id="{field}"' in answer.text
    assert stage.door.asked == []


def test_a_declaration_goes_to_the_door_first_and_then_the_record_is_open_until_its_time() -> None:
    stage = Stage()
    chart = in_role(stage, "paramedic")
    answer = stage.client.post(f"{chart}/emergency", data=SAID)
    assert answer.headers["location"] == f"{chart}/summary"
    ((_, looking, evidence, until, is_rehearsal),) = stage.door.asked
    assert (looking.patient_key, looking.purpose, is_rehearsal) == (7, Purpose.TREAT, False)
    assert (evidence.kind, evidence.id, evidence.reason) == (EvidenceClass.EMERGENCY, "cannot-consent", WORDS)
    assert until == samples.AT + timedelta(hours=2)
    stage.client.get(f"{chart}/summary")
    opened = stage.door.asked[-1][1]
    assert (opened.purpose, opened.evidence) == (Purpose.BTG, evidence)


def test_what_the_door_refuses_opens_nothing() -> None:
    stage = Stage()
    chart = in_role(stage, "clinician")
    stage.door.refuses = Refusal(kind="unavailable", sentences=("It cannot be written down now.",), phone="1")
    assert stage.client.post(f"{chart}/emergency", data=SAID).status_code == 503
    (session,) = stage.sessions.open.values()
    assert (session.purpose, session.emergency_until) == (Purpose.TREAT, None)


@pytest.mark.parametrize("role", ["social-worker", "admin", "privacy-officer", "unheard-of"])
def test_a_role_that_may_not_declare_is_told_whom_to_ask_and_asks_no_door(role: str) -> None:
    stage = Stage()
    chart = in_role(stage, role)
    for answer in (stage.client.get(f"{chart}/emergency"), stage.client.post(f"{chart}/emergency", data=SAID)):
        assert answer.status_code == 403
        assert "ask the doctor, nurse or paramedic who is treating this person" in answer.text
    assert stage.door.asked == []


def test_where_nothing_shows_a_relationship_the_way_leads_to_the_declaration() -> None:
    stage = Stage()
    chart = stage.open_chart()
    stage.door.refuses = Refusal(kind="emergency-needed", sentences=("Nothing shows it.",))
    assert stage.client.get(f"{chart}/summary").headers["location"] == f"{chart}/emergency"


def test_the_offer_is_the_same_on_every_record_so_that_nothing_can_be_read_from_it() -> None:
    stage = Stage()
    chart = stage.open_chart()
    offers = set()
    for shown in (samples.summary(), samples.summary(record=Record(), sources=(), answers=())):
        stage.door.shown = shown
        page = stage.client.get(f"{chart}/summary").text
        header = re.search(r"<header.*?</header>", page, re.DOTALL)
        assert header
        offers.add(header[0])
    assert len(offers) == 1
    assert 'href="/patient/session-1/emergency"' in offers.pop()


def test_who_may_not_declare_is_not_offered_it() -> None:
    stage = Stage()
    chart = in_role(stage, "social-worker")
    stage.client.post(f"{chart}/reason", data={"reason": "Urgent care"})
    page = stage.client.get(f"{chart}/summary")
    assert page.status_code == 200
    assert "/emergency" not in page.text


def test_a_declaration_from_another_site_is_nothing() -> None:
    stage = Stage()
    chart = in_role(stage, "clinician")
    stage.client.headers["Origin"] = "https://elsewhere.example"
    for path in ("emergency", "emergency/end"):
        assert stage.client.post(f"{chart}/{path}", data=SAID).status_code == 403
    assert stage.door.asked == []


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(hours=12), "12 h 0 min"),
        (timedelta(minutes=61, seconds=59), "1 h 1 min"),
        (timedelta(seconds=60), "1 min"),
        (timedelta(seconds=59), "less than a minute"),
        (timedelta(seconds=-5), "less than a minute"),
    ],
)
def test_the_time_left_is_never_said_longer_than_it_is(left: timedelta, words: str) -> None:
    assert emergency.time_left(left) == words


def test_an_end_after_midnight_says_its_day() -> None:
    evidence = Evidence(kind=EvidenceClass.EMERGENCY, id="other", reason=WORDS)
    tonight = samples.AT + timedelta(hours=4)
    assert emergency.line(evidence, until=tonight, at=samples.AT).until == "13:12"
    assert emergency.line(evidence, until=tonight + timedelta(hours=12), at=tonight).until == "23-Nov-2026 01:12"


def test_the_reasons_are_data_with_a_code_and_a_name_each_once() -> None:
    codes = [reason.code for reason in emergency.REASONS]
    assert len(codes) == len(set(codes)) >= 4
    assert all(re.fullmatch(r"[a-z-]+", code) for code in codes)
    assert tuple(sorted(EMERGENCY_HOURS)) == EMERGENCY_HOURS
    assert max(EMERGENCY_HOURS) <= 12, "a shift"


def test_the_record_says_by_which_rule_on_what_and_on_which_legal_basis_it_is_shown() -> None:
    stage = Stage(
        samples.summary(
            evidence=EvidenceClass.APPOINTMENT,
            basis=("Common law duty of confidence: implied consent for direct care",),
            policies=("relationship-appointment",),
            policy_version="a1b2c3",
        )
    )
    page = stage.client.get(f"{stage.open_chart()}/summary").text
    panel = page.partition('id="this-look"')[2]
    for part in (
        "An appointment of this person with your organisation.",
        "implied consent for direct care",
        "relationship-appointment",
        "version a1b2c3",
        "tell your organisation’s privacy officer",
    ):
        assert part in panel


def test_every_rule_that_raises_a_case_has_its_name_on_the_desk() -> None:
    named = set(privacy_words.RULES)
    assert {RULE, UNMATCHED, DENIED} <= named
    assert set(read_rules().rule) <= named
