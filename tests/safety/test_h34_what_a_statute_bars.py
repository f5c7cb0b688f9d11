"""H34: what a statute bars is shown to whom nobody let through, or goes on being shown once the route is shut."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from carerecord import audit, clock, database
from carerecord.access import Label
from carerecord.disclosure import Replays
from carerecord.settings import Settings
from carerecord.stewardship.proposals import Kind, Proposal
from tests import said
from tests.house import as_role, program_looking
from tests.rooms.disclosure.test_replay import Desk
from tests.safety.ward import JOAN, Ward, open_ward, visit, wrote

CAI = msgspec.structs.replace(as_role("caldicott-guardian"), user_id="1", name="Cai Jones")
DEE = msgspec.structs.replace(as_role("caldicott-guardian"), user_id="2", name="Dee Khan")
BARRED = said.problem("Gender reassignment surgery", sensitivity=int(Label.GENDER_HISTORY))
WORD = b"reassignment"


async def open_route(ward: Ward) -> Proposal:
    now = clock.now()
    content = {
        "bar": "gender-history",
        "roles": ["clinician"],
        "purposes": ["TREAT"],
        "relies_on": "2005 Order, article 5",
        "advice": "Counsel",
        "until": (now + timedelta(days=30)).date().isoformat(),
    }
    how: dict[str, Any] = {"session": "s", "at": now}
    asked = await ward.parts.proposals.ask(CAI, kind=Kind.LEGAL_BAR, content=content, because="As advised.", **how)
    assert isinstance(asked, Proposal), asked
    done = await ward.parts.proposals.agree(DEE, proposal_id=asked.id, **how)
    assert isinstance(done, Proposal), done
    return done


async def test_a_route_opens_a_chart_and_shuts_it_again_and_each_look_is_made_again_as_it_was(
    settings: Settings,
) -> None:
    async with (
        open_ward(settings) as ward,
        database.connect(settings, "steward") as steward,
        audit.Writer.open(steward) as writer,
    ):
        await ward.hear(wrote("ADT^A01", visit("V1"), about=JOAN))
        await ward.remember(await ward.key_of(JOAN), [BARRED])
        desk = Desk(ward, Replays(steward, writer, ward.parts.region), steward)
        chart = await ward.open(JOAN)
        before, hidden = await desk.seen(chart)
        assert WORD not in hidden
        await open_route(ward)
        during, shown = await desk.seen(chart)
        assert WORD in shown
        how: dict[str, Any] = {"session": "s", "at": clock.now()}
        told = await ward.parts.guardian.close_route(CAI, bar="gender-history", because="Advice withdrawn.", **how)
        assert told is None
        after, gone = await desk.seen(chart)
        assert WORD not in gone
        assert gone == hidden  # Nothing tells that there is something.
        versions = [event.decision["policy_version"] for event in (before, during, after)]
        assert versions[0] == versions[2] != versions[1]
        for event, page in ((before, hidden), (during, shown), (after, gone)):
            replay = await desk.is_the_same(event, page)
            assert replay.is_identical


async def test_what_was_let_through_is_on_the_screen_alone(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V1"), about=JOAN))
        await ward.remember(await ward.key_of(JOAN), [BARRED])
        await open_route(ward)
        assert WORD in (await (await ward.open(JOAN)).get()).content
        looked = await ward.door.everything(program_looking(await ward.key_of(JOAN)))
        assert isinstance(looked, bytes)
        assert WORD not in looked
