"""Kill-switches: what is cut holds from the next look-up on, for sessions, launches, tokens and open pages alike."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest
from msgspec.structs import replace

from carerecord import database
from carerecord.model import Evidence, EvidenceClass, Purpose, Staff
from carerecord.organisations import Organisation, Region
from carerecord.settings import Settings
from carerecord.signin import AccessCut, Arrivals, Launch, NewArrival, Sessions, Switch, SwitchKind, Watch
from carerecord.signin.switches import ROUTES, cut, find_cut, list_switches, restore

AT = datetime(2026, 11, 12, 9, 0, tzinfo=UTC)
ISSUER = "https://ehr.oxford.example"
STAFF = Staff(
    user_id="555000000001",
    name="Amara Okafor",
    role_code="S8000:G8000:R8000",
    role="clinician",
    role_name="Clinical Practitioner",
    organisation="RTH",
    organisation_name="Oxford University Hospitals",
)
APPOINTMENT = Evidence(kind=EvidenceClass.APPOINTMENT, id="A-77", said_by="RTH")
LAUNCH = Launch(
    issuer=ISSUER,
    jti="launch-1",
    staff=STAFF,
    nhs_number="9990000026",
    birth_date=date(1948, 3, 2),
    evidence=APPOINTMENT,
    purpose=Purpose.TREAT,
)
IN_THE_WAY = [
    (SwitchKind.ORGANISATION, "RTH", 403),
    (SwitchKind.ROUTE, "launch", 503),
    (SwitchKind.ISSUER, ISSUER, 403),
    (SwitchKind.USER, "555000000001", 403),
]
ELSEWHERE = [
    (SwitchKind.ORGANISATION, "RC9"),
    (SwitchKind.ROUTE, "fhir"),
    (SwitchKind.ISSUER, "https://ehr.luton.example"),
    (SwitchKind.USER, "555000000002"),
    (SwitchKind.USER, "RTH"),
]


def switch(kind: SwitchKind, name: str) -> Switch:
    return Switch(kind=kind, name=name, because="A leaked key.", cut_by="A. Obi and B. Patel", cut_at=AT)


async def launched(sessions: Sessions, *, staff: Staff = STAFF, at: datetime = AT):  # type: ignore[no-untyped-def]
    return await sessions.create_patient(
        staff, patient_key=1, evidence=APPOINTMENT, purpose=Purpose.TREAT, route="launch", issuer=ISSUER, at=at
    )


@pytest.mark.parametrize(("kind", "name", "status"), IN_THE_WAY)
async def test_a_cut_refuses_the_next_look_up_of_a_running_session_until_it_is_restored(
    settings: Settings, kind: SwitchKind, name: str, status: int
) -> None:
    async with database.connect(settings, "serve") as db, database.connect(settings, "serve") as another_process:
        sessions = Sessions(db, settings)
        new = await launched(sessions)
        assert await cut(another_process, switch(kind, name))
        with pytest.raises(AccessCut) as said:
            await sessions.find(new.id, token=new.token, at=AT)
        assert (said.value.status, said.value.rule) == (status, f"switch {kind} {name}")
        assert (said.value.staff, said.value.patient_key, said.value.session) == (STAFF, 1, new.id)
        assert not any(word in " ".join(said.value.sentences) for word in ("leaked", "Obi", "555000000001"))
        with pytest.raises(AccessCut):
            await launched(sessions)
        assert await restore(another_process, kind=kind, name=name)
        assert await sessions.find(new.id, token=new.token, at=AT) is not None


@pytest.mark.parametrize(("kind", "name"), ELSEWHERE)
async def test_a_cut_of_somebody_else_leaves_a_session_open(settings: Settings, kind: SwitchKind, name: str) -> None:
    async with database.connect(settings, "serve") as db:
        sessions = Sessions(db, settings)
        new = await launched(sessions)
        await cut(db, switch(kind, name))
        assert await sessions.find(new.id, token=new.token, at=AT) is not None


@pytest.mark.parametrize(("kind", "name", "status"), IN_THE_WAY)
async def test_a_launch_is_refused_while_its_way_is_cut(
    settings: Settings, kind: SwitchKind, name: str, status: int
) -> None:
    async with database.connect(settings, "serve") as db:
        arrivals = Arrivals(db)
        await cut(db, switch(kind, name))
        with pytest.raises(AccessCut) as said:
            await arrivals.keep(LAUNCH, at=AT)
        assert said.value.status == status


async def test_an_open_page_is_let_go_soon_after_a_cut_and_stays_without_one(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        sessions, watch = Sessions(db, settings), Watch(db, clock=lambda: AT)
        one, other = await launched(sessions), await launched(sessions, staff=replace(STAFF, user_id="555000000002"))
        open_ones = [await sessions.find(new.id, token=new.token, at=AT) for new in (one, other)]
        assert all(open_ones)
        pages = [asyncio.create_task(watch.is_over(each, drawn_at=AT, seconds_max=30)) for each in open_ones if each]
        await asyncio.sleep(0)
        await cut(db, switch(SwitchKind.USER, STAFF.user_id))
        async with asyncio.timeout(5):  # The promise itself: five seconds, on a running page.
            assert await pages[0] is True
        assert not pages[1].done()
        watch.is_stopping = lambda: True
        assert await pages[1] is False  # A process that ends lets its pages go to ask the next.


async def test_an_open_page_is_let_go_when_its_session_is_closed_or_has_expired(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        sessions, now = Sessions(db, settings), [AT]
        watch = Watch(db, clock=lambda: now[0])
        one, other = await launched(sessions), await launched(sessions)
        open_ones = [await sessions.find(new.id, token=new.token, at=AT) for new in (one, other)]
        pages = [asyncio.create_task(watch.is_over(each, drawn_at=AT, seconds_max=30)) for each in open_ones if each]
        await asyncio.sleep(0)
        assert open_ones[0] is not None
        await sessions.close(open_ones[0], because="logged out elsewhere", at=AT)
        assert await pages[0] is True
        now[0] = AT + timedelta(days=1)
        assert await pages[1] is True


@pytest.mark.parametrize(("state", "goes"), [("weighed", True), ("upheld", True), ("overruled", False)])
async def test_an_open_page_is_asked_anew_when_its_person_objects_after_it_was_drawn(
    settings: Settings, state: str, goes: bool
) -> None:
    async with database.connect(settings, "serve") as db:
        sessions = Sessions(db, settings)
        new = await launched(sessions)
        session = await sessions.find(new.id, token=new.token, at=AT)
        assert session is not None
        await db.execute(
            "insert into stewardship.objection (patient_key, id, scope, state, received_at)"
            " values (1, 9, 'whole', $1, $2)",
            *(state, AT),
        )
        before, under_it = AT - timedelta(seconds=1), AT
        for drawn_at, expected in ((before, goes), (under_it, False)):
            watch = Watch(db, clock=lambda: AT)  # One that asks at once.
            assert await watch.is_over(session, drawn_at=drawn_at, seconds_max=0.5) is expected


async def test_a_page_that_may_stay_is_told_so_after_a_while(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        sessions, watch = Sessions(db, settings), Watch(db, clock=lambda: AT)
        new = await launched(sessions)
        session = await sessions.find(new.id, token=new.token, at=AT)
        assert session is not None
        assert await watch.is_over(session, drawn_at=AT, seconds_max=0.1) is False


async def test_what_is_cut_is_listed_with_who_cut_it_and_why(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        assert await list_switches(db) == []
        one = switch(SwitchKind.ROUTE, "sign-in")
        assert await cut(db, one)
        assert not await cut(db, one)
        assert await list_switches(db) == [one]
        assert await restore(db, kind=SwitchKind.ROUTE, name="sign-in")
        assert not await restore(db, kind=SwitchKind.ROUTE, name="sign-in")


def test_every_way_in_that_can_be_cut_has_a_sentence() -> None:
    for route in ROUTES:
        assert find_cut([f"route {route}"], staff=STAFF, route=route) == (SwitchKind.ROUTE, route)


async def test_an_agreement_that_has_ended_opens_nothing_new_and_lets_what_runs_run_out(settings: Settings) -> None:
    until = AT.date()
    oxford = Organisation(ods_code="RTH", name="Oxford University Hospitals", agreement_until=until)
    region = Region(name="london", title="London", phone="1", organisations=(oxford,), sources=())
    async with database.connect(settings, "serve") as db:
        sessions, arrivals = Sessions(db, settings, region=region), Arrivals(db, region=region)
        late = datetime(2026, 11, 12, 23, 55, tzinfo=UTC)
        running, signed_in = await launched(sessions, at=late), await sessions.create_staff(STAFF, at=late)
        after = late + timedelta(minutes=10)
        assert after.date() > until
        assert await sessions.find(running.id, token=running.token, at=after) is not None
        parent = await sessions.find_staff(signed_in.token, at=after)
        chart = await sessions.create_patient(
            STAFF, patient_key=2, evidence=APPOINTMENT, purpose=Purpose.TREAT, route="sign-in", at=after, parent=parent
        )
        assert await sessions.find(chart.id, token=chart.token, at=after) is not None
        for refused in (launched(sessions, at=after), sessions.create_staff(STAFF, at=after)):
            with pytest.raises(AccessCut, match="has ended, so nothing new"):
                await refused
        with pytest.raises(AccessCut, match="agreement"):
            await arrivals.keep(LAUNCH, at=after)
        assert isinstance(await arrivals.keep(LAUNCH, at=late), NewArrival)


def test_agreements_that_lapse_soon_are_listed_the_first_to_end_first() -> None:
    def organisation(code: str, until: date | None) -> Organisation:
        return Organisation(ods_code=code, name=code, agreement_until=until)

    region = Region(
        name="london",
        title="London",
        phone="1",
        sources=(),
        organisations=(
            organisation("FAR", date(2027, 6, 1)),
            organisation("SOON", date(2026, 12, 1)),
            organisation("NONE", None),
            organisation("OVER", date(2026, 11, 1)),
        ),
    )
    assert [each.ods_code for each in region.agreements_lapsing(on=AT.date())] == ["OVER", "SOON"]
