"""Sessions: bound to one person or one member of staff, known by the hash of a token, and ending when they should."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from carerecord import database
from carerecord.model import Evidence, EvidenceClass, Purpose, Staff
from carerecord.settings import Settings
from carerecord.signin import (
    NewSession,
    NotAnEmergency,
    ReasonMissing,
    Session,
    Sessions,
    find_patient_session,
    find_staff_session,
    patient_cookie,
)

AT = datetime(2026, 11, 12, 9, 0, tzinfo=UTC)
STAFF = Staff(
    user_id="555000000001",
    name="Amara Okafor",
    role_code="S8000:G8000:R8000",
    role="clinician",
    role_name="Clinical Practitioner",
    organisation="RTH",
    organisation_name="Oxford University Hospitals",
)
APPOINTMENT = Evidence(kind=EvidenceClass.APPOINTMENT, id="A-77", place="Renal clinic", said_by="RTH")
BARE = Evidence(kind=EvidenceClass.LAUNCH, place="Ward 7", said_by="RTH")


def unhurried(settings: Settings) -> Settings:
    """Nobody minds how long a session is not used."""
    return msgspec.structs.replace(settings, session_idle_seconds_max=86_400)


async def launched(sessions: Sessions, *, patient_key: int = 4711, evidence: Evidence = APPOINTMENT):  # type: ignore[no-untyped-def]
    return await sessions.create_patient(
        STAFF, patient_key=patient_key, evidence=evidence, purpose=Purpose.TREAT, route="launch", at=AT
    )


async def test_a_session_comes_back_as_it_was_made(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        sessions = Sessions(db, settings)
        new = await launched(sessions)
        found = await sessions.find(new.id, token=new.token, at=AT)
        assert found is not None
        assert (found.staff, found.patient_key, found.evidence, found.route) == (STAFF, 4711, APPOINTMENT, "launch")
        assert found.expires_at == new.expires_at == AT + timedelta(seconds=settings.session_seconds_max)


async def test_of_a_token_only_its_hash_is_kept(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        new = await launched(Sessions(db, settings))
        async with database.connect(settings, "owner") as owner:
            kept = str([dict(row) for row in await owner.fetch("select * from signin.session")])
        assert new.token not in kept
        assert len(new.token) == 43  # 256 bits


async def test_two_charts_open_at_once_never_mix(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        sessions = Sessions(db, settings)
        one, other = await launched(sessions, patient_key=1), await launched(sessions, patient_key=2)
        assert await sessions.find(one.id, token=other.token, at=AT) is None
        cookies = {patient_cookie(one.id): one.token, patient_cookie(other.id): other.token}
        for new, patient_key in ((one, 1), (other, 2)):
            found = await find_patient_session(sessions, cookies, session_id=new.id, at=AT)
            assert found is not None
            assert found.patient_key == patient_key


@pytest.mark.parametrize("token", [None, "", "guessed"])
async def test_without_its_token_a_session_does_not_open(settings: Settings, token: str | None) -> None:
    async with database.connect(settings, "serve") as db:
        sessions = Sessions(db, settings)
        new = await launched(sessions)
        assert await sessions.find(new.id, token=token, at=AT) is None


async def test_a_session_ends_when_its_time_is_over(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        sessions = Sessions(db, settings)
        new = await launched(sessions)
        for minutes in range(0, 60, 10):
            assert await sessions.find(new.id, token=new.token, at=AT + timedelta(minutes=minutes))
        assert await sessions.find(new.id, token=new.token, at=new.expires_at - timedelta(seconds=1))
        assert await sessions.find(new.id, token=new.token, at=new.expires_at) is None  # however busy it was


async def test_a_session_that_nobody_uses_ends_after_a_quarter_of_an_hour(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        sessions = Sessions(db, settings)
        new = await launched(sessions)
        # A page that asks for itself again each half minute shows what is allowed, and keeps nothing alive.
        for seconds in range(30, 900, 30):
            at = AT + timedelta(seconds=seconds)
            assert await sessions.find(new.id, token=new.token, at=at, is_use=False)
        assert await sessions.find(new.id, token=new.token, at=AT + timedelta(minutes=15)) is None


async def test_a_chart_in_use_keeps_the_staff_session_that_it_was_opened_from(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        sessions = Sessions(db, settings)
        staff = await sessions.create_staff(STAFF, at=AT)
        parent = await sessions.find_staff(staff.token, at=AT)
        chart = await sessions.create_patient(
            STAFF, patient_key=1, evidence=BARE, purpose=Purpose.TREAT, route="sign-in", at=AT, parent=parent
        )
        assert await sessions.find(chart.id, token=chart.token, at=AT + timedelta(minutes=14))
        assert await sessions.find_staff(staff.token, at=AT + timedelta(minutes=28)) is not None


async def test_what_a_launch_opened_ends_when_its_host_says_so_and_nothing_else(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        sessions = Sessions(db, settings)
        opened = [
            await sessions.create_patient(
                STAFF,
                patient_key=1,
                evidence=APPOINTMENT,
                purpose=Purpose.TREAT,
                route="launch",
                at=AT,
                issuer=issuer,
                launch=jti,
            )
            for issuer, jti in (("oxford", "a"), ("oxford", "b"), ("bedford", "a"))
        ]
        (ended,) = await sessions.close_launch(issuer="oxford", jti="a", because="patient changed", at=AT)
        assert (ended.id, ended.staff, ended.patient_key) == (opened[0].id, STAFF, 1)
        still = [await sessions.find(new.id, token=new.token, at=AT) is not None for new in opened]
        assert still == [False, True, True]
        unnamed = await launched(sessions)
        assert await sessions.close_launch(issuer="", jti="", because="x", at=AT) == []
        assert await sessions.find(unnamed.id, token=unnamed.token, at=AT)


async def test_the_providers_logout_ends_that_session_or_all_of_somebody_with_every_chart(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        sessions = Sessions(db, settings)

        async def signed_in(sid: str, staff: Staff = STAFF) -> tuple[NewSession, NewSession]:
            new = await sessions.create_staff(staff, at=AT, provider_session=sid)
            parent = await sessions.find_staff(new.token, at=AT)
            return new, await sessions.create_patient(
                staff, patient_key=1, evidence=BARE, purpose=Purpose.TREAT, route="sign-in", at=AT, parent=parent
            )

        other = msgspec.structs.replace(STAFF, user_id="555000000002")
        one, two, three = await signed_in("s-1"), await signed_in("s-2"), await signed_in("s-3", other)

        async def is_open(pair: tuple[NewSession, NewSession]) -> list[bool]:
            staff, chart = pair
            return [
                await sessions.find_staff(staff.token, at=AT) is not None,
                await sessions.find(chart.id, token=chart.token, at=AT) is not None,
            ]

        assert len(await sessions.close_signed_in(provider_session="s-1", because="logout", at=AT)) == 2
        assert [await is_open(each) for each in (one, two, three)] == [[False] * 2, [True] * 2, [True] * 2]
        # A launch of the same reader is not the provider's to end.
        launch = await launched(sessions)
        await sessions.close_signed_in(user_id=STAFF.user_id, because="logout", at=AT)
        assert [await is_open(each) for each in (one, two, three)] == [[False] * 2, [False] * 2, [True] * 2]
        assert await sessions.find(launch.id, token=launch.token, at=AT)
        assert await sessions.close_signed_in(because="nobody was named", at=AT) == []


async def test_a_closed_session_stays_closed(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        sessions = Sessions(db, settings)
        new = await launched(sessions)
        session = await sessions.find(new.id, token=new.token, at=AT)
        assert session
        await sessions.close(session, because="closed by the reader", at=AT)
        assert await sessions.find(new.id, token=new.token, at=AT) is None


async def test_a_staff_session_opens_no_chart_and_a_chart_is_no_staff_session(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        sessions = Sessions(db, settings)
        staff, chart = await sessions.create_staff(STAFF, at=AT), await launched(sessions)
        assert await sessions.find(staff.id, token=staff.token, at=AT) is None
        assert await sessions.find_staff(chart.token, at=AT) is None
        found = await find_staff_session(sessions, {"carerecord_staff": staff.token}, at=AT)
        assert found is not None
        assert found.evidence.kind is EvidenceClass.NONE


async def test_charts_end_with_the_staff_session_they_were_opened_from(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        sessions = Sessions(db, unhurried(settings))
        new = await sessions.create_staff(STAFF, at=AT)
        parent = await sessions.find_staff(new.token, at=AT)
        assert parent
        later = AT + timedelta(minutes=30)
        chart = await sessions.create_patient(
            STAFF,
            patient_key=7,
            evidence=parent.evidence,
            purpose=Purpose.TREAT,
            route="sign-in",
            at=later,
            parent=parent,
        )
        launch = await launched(sessions)
        assert chart.expires_at == parent.expires_at
        await sessions.close(parent, because="signed out", at=later)
        assert await sessions.find(chart.id, token=chart.token, at=later) is None
        assert await sessions.find(launch.id, token=launch.token, at=later)


async def test_a_given_reason_stands_in_place_of_weak_evidence(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        sessions = Sessions(db, settings)
        new = await launched(sessions, evidence=BARE)
        session = await sessions.find(new.id, token=new.token, at=AT)
        assert session
        given = await sessions.give_reason(session, reason="  On my ward\nround ", at=AT)
        found = await sessions.find(new.id, token=new.token, at=AT)
        assert found == given
        assert given.evidence == Evidence(
            kind=EvidenceClass.DECLARED,
            start=AT.isoformat(),
            place="Ward 7",
            said_by="reader",
            reason="On my ward round",
        )


async def test_strong_evidence_needs_no_reason_and_stays(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        sessions = Sessions(db, settings)
        new = await launched(sessions)
        session = await sessions.find(new.id, token=new.token, at=AT)
        assert session
        assert (await sessions.give_reason(session, reason="curious", at=AT)).evidence == APPOINTMENT


async def test_an_empty_reason_is_no_reason(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        sessions = Sessions(db, settings)
        new = await launched(sessions, evidence=BARE)
        session = await sessions.find(new.id, token=new.token, at=AT)
        assert session
        with pytest.raises(ReasonMissing, match="No reason was given"):
            await sessions.give_reason(session, reason=" \n", at=AT)


async def test_sessions_that_ended_long_ago_are_forgotten(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        old = await launched(Sessions(db, settings))
        later = Sessions(db, settings)
        await later.create_staff(STAFF, at=AT + timedelta(days=3))
        async with database.connect(settings, "owner") as owner:
            ids = [row["id"] for row in await owner.fetch("select id from signin.session")]
        assert old.id not in ids
        assert len(ids) == 1


BY_DECLARATION = Evidence(
    kind=EvidenceClass.EMERGENCY, said_by="reader", reason="Vital interests: no pulse, unknown drugs"
)


async def find(sessions: Sessions, new: NewSession, *, at: datetime) -> Session:
    found = await sessions.find(new.id, token=new.token, at=at)
    assert found is not None
    return found


async def test_emergency_access_stands_until_its_time_and_then_what_the_evidence_allows(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        sessions = Sessions(db, unhurried(settings))
        new, until = await launched(sessions, evidence=BARE), AT + timedelta(minutes=30)
        await sessions.begin_emergency(await find(sessions, new, at=AT), evidence=BY_DECLARATION, until=until, at=AT)
        during = await find(sessions, new, at=until - timedelta(seconds=1))
        assert (during.purpose, during.evidence, during.emergency_until) == (Purpose.BTG, BY_DECLARATION, until)
        after = await find(sessions, new, at=until)
        assert (after.purpose, after.evidence, after.emergency_until) == (Purpose.TREAT, BARE, None)


async def test_emergency_access_is_to_one_person_by_one_reader_in_one_role(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        sessions = Sessions(db, settings)
        new = await launched(sessions)
        until = AT + timedelta(hours=12)
        await sessions.begin_emergency(await find(sessions, new, at=AT), evidence=BY_DECLARATION, until=until, at=AT)
        others = [
            await launched(sessions, patient_key=4712),
            *[
                await sessions.create_patient(
                    msgspec.structs.replace(STAFF, **{field: "another"}),
                    patient_key=4711, evidence=BARE, purpose=Purpose.TREAT, route="launch", at=AT,
                )
                for field in ("user_id", "organisation", "role")
            ],
        ]  # fmt: skip
        for other in others:
            assert (await find(sessions, other, at=AT)).purpose is Purpose.TREAT
        again = await launched(sessions, evidence=BARE)  # The same reader comes back within the shift.
        assert (await find(sessions, again, at=AT)).purpose is Purpose.BTG


async def test_emergency_access_that_was_ended_is_over_in_every_session(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        sessions = Sessions(db, settings)
        one, other = await launched(sessions), await launched(sessions)
        session = await find(sessions, one, at=AT)
        await sessions.begin_emergency(session, evidence=BY_DECLARATION, until=AT + timedelta(hours=4), at=AT)
        assert await sessions.end_emergency(session, at=AT + timedelta(minutes=1))
        assert not await sessions.end_emergency(session, at=AT + timedelta(minutes=2))
        for new in (one, other):
            found = await find(sessions, new, at=AT + timedelta(minutes=2))
            assert (found.purpose, found.emergency_until) == (Purpose.TREAT, None)


async def test_emergency_access_without_person_evidence_or_end_is_not_begun(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        sessions = Sessions(db, settings)
        session = await find(sessions, await launched(sessions), at=AT)
        nobody = msgspec.structs.replace(session, patient_key=None)
        hour = AT + timedelta(hours=1)
        for of, evidence, until in (
            (nobody, BY_DECLARATION, hour),
            (session, APPOINTMENT, hour),
            (session, BY_DECLARATION, AT),
            (session, BY_DECLARATION, AT + timedelta(hours=12, seconds=1)),
        ):
            with pytest.raises(NotAnEmergency):
                await sessions.begin_emergency(of, evidence=evidence, until=until, at=AT)
