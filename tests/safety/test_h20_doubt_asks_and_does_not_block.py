"""H20: relationship rules block emergency care."""

from __future__ import annotations

from urllib.parse import urlencode

import httpx2
import pytest

from carerecord.access import SHIPPED
from carerecord.settings import Settings
from tests.safety.reading import Part, read
from tests.safety.ward import JOAN, REGION, Chart, but, open_ward, visit, wrote

STORY = wrote("ADT^A01", visit("V1"), "AL1|1|DA|^Penicillin|SV|Anaphylaxis")
CLINICAL = sorted(role for role, entry in SHIPPED.matrix.role.items() if entry.kind == "clinical")
DOUBTS = {
    "nothing was named": None,
    "a kind without an id": {"kind": "encounter"},
    "a kind that nobody knows": {"kind": "handover", "id": "H-1"},
    "an id of nothing": {"kind": "", "id": "X"},
    "only a bare launch": {"kind": "launch", "id": "L-1"},
}


def staff_in(role: str) -> dict[str, str]:
    code = next(code for code, ours in REGION.roles.items() if ours == role)
    return {"name": "Dr Amara Osei", "role_code": code, "role_name": role}


async def tap(chart: Chart, page: Part) -> httpx2.Response:
    """One tap on the first reason offered, as a browser sends it."""
    form = page.all("form")[1]
    button = form.all("button")[0].attributes
    return await chart.browser.post(
        form.attributes["action"],
        content=urlencode({button["name"]: button["value"]}),
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": str(chart.browser.base_url).rstrip("/"),
        },
    )


@pytest.mark.parametrize("evidence", DOUBTS.values(), ids=list(DOUBTS))
async def test_doubt_asks_for_a_reason_and_one_tap_opens_the_record(
    settings: Settings, evidence: dict[str, str] | None
) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(STORY)
        chart = await ward.open(evidence=evidence)
        asked = await chart.get()
        assert (asked.status_code, asked.headers["location"]) == (303, f"{chart.address}/reason")
        reason = await chart.page("reason")
        assert not any(word in reason.words for word in ("HARTLEY", "Penicillin"))
        tapped = await tap(chart, reason)
        assert (tapped.status_code, tapped.headers["location"]) == (303, f"{chart.address}/summary")
        page = await chart.page()
        assert "Penicillin (Anaphylaxis)" in page.one(".cr-banner__dangers").words
        assert "You gave the reason yourself" in page.words
        shown = (await ward.events())[-1]
        assert "Seeing this person in clinic today" in shown["evidence"]


@pytest.mark.parametrize("role", CLINICAL)
async def test_no_clinical_role_is_refused_and_each_sees_allergies(settings: Settings, role: str) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(STORY)
        for evidence in (None, {"kind": "incident", "id": "999-1", "place": "ambulance"}):
            chart = await ward.open(staff=staff_in(role), evidence=evidence)
            if evidence is None:
                await tap(chart, await chart.page("reason"))
            assert "Penicillin (Anaphylaxis)" in (await chart.page()).one(".cr-banner__dangers").words
        kinds = [(event["kind"], event["decision"].get("kind")) for event in await ward.events()]
        assert ("refused", "deny") not in kinds


async def test_strong_evidence_asks_nothing(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(STORY)
        for kind in ("encounter", "appointment", "referral", "caseload", "registration", "incident"):
            assert (await (await ward.open(evidence={"kind": kind, "id": "1"})).get()).status_code == 200


async def test_a_name_that_changed_on_marriage_does_not_hold_care_up(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(STORY)
        page = await ward.summary(but(JOAN, family="Abernathy"))
        assert "Penicillin (Anaphylaxis)" in page.one(".cr-banner__dangers").words
        assert "Check that this is the same person" in page.words


async def test_a_refusal_says_why_what_to_do_and_whom_to_phone(settings: Settings) -> None:
    """An organisation's role that this record does not know: the one refusal that remains for staff."""
    stranger = {"name": "Dr Amara Osei", "role_code": "R9999", "role_name": "Locum"}
    async with open_ward(settings) as ward:
        await ward.hear(STORY)
        answer = await ward.press(await ward.browser(), staff=stranger)
        assert answer.status_code == 403
        said = read(answer.text).words
        assert "Your role is not one that this record knows." in said
        assert "Ask your registration authority" in said
        assert REGION.phone in said
