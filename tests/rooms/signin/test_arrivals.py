"""A verified launch waits for its browser: once, for a minute, and leaving nothing of its patient behind."""

import asyncio
from datetime import UTC, date, datetime, timedelta

from carerecord import database
from carerecord.model import Evidence, EvidenceClass, Purpose, Staff
from carerecord.settings import Settings
from carerecord.signin import ArrivalRefusal, Arrivals, Launch

AT = datetime(2026, 11, 12, 9, 0, tzinfo=UTC)


def launch(jti: str = "launch-1", *, issuer: str = "https://ehr.oxford.example") -> Launch:
    return Launch(
        issuer=issuer,
        jti=jti,
        staff=Staff(
            user_id="555000000001",
            name="Amara Okafor",
            role_code="S8000:G8000:R8000",
            role="clinician",
            role_name="Clinical Practitioner",
            organisation="RTH",
            organisation_name="Oxford University Hospitals",
        ),
        nhs_number="9990000026",
        birth_date=date(1948, 3, 2),
        family="Hartley",
        evidence=Evidence(kind=EvidenceClass.APPOINTMENT, id="A-77"),
        purpose=Purpose.TREAT,
    )


async def test_an_arrival_is_redeemed_exactly_once(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        arrivals = Arrivals(db)
        new = await arrivals.keep(launch(), at=AT)
        assert new
        assert new.expires_in == 60
        assert await arrivals.redeem(new.code, at=AT) == launch()
        again = await arrivals.redeem(new.code, at=AT)
        assert isinstance(again, ArrivalRefusal)
        assert (again.rule, again.issuer) == ("used", "https://ehr.oxford.example")


async def test_of_ten_browsers_at_the_same_moment_one_gets_in(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        arrivals = Arrivals(db)
        new = await arrivals.keep(launch(), at=AT)
        assert new
        results = await asyncio.gather(*(arrivals.redeem(new.code, at=AT) for _ in range(10)))
        assert [result for result in results if isinstance(result, Launch)] == [launch()]


async def test_an_arrival_waits_no_longer_than_a_minute(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        arrivals = Arrivals(db)
        new = await arrivals.keep(launch(), at=AT)
        assert new
        late = await arrivals.redeem(new.code, at=AT + timedelta(seconds=60))
        assert isinstance(late, ArrivalRefusal)
        assert late.rule == "expired"


async def test_a_guessed_code_opens_nothing(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        guessed = await Arrivals(db).redeem("guessed", at=AT)
        assert isinstance(guessed, ArrivalRefusal)
        assert (guessed.rule, guessed.issuer) == ("unknown", None)


async def test_a_launch_is_taken_once_for_each_issuer(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        arrivals = Arrivals(db)
        assert await arrivals.keep(launch(), at=AT)
        assert await arrivals.keep(launch(), at=AT) is None
        assert await arrivals.keep(launch(issuer="https://ehr.luton.example"), at=AT)


async def test_nothing_of_the_patient_stays_once_it_was_used_or_is_too_late(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        arrivals = Arrivals(db)
        used, unused = await arrivals.keep(launch("1"), at=AT), await arrivals.keep(launch("2"), at=AT)
        assert used
        assert unused
        await arrivals.redeem(used.code, at=AT)
        await Arrivals(db).keep(launch("3"), at=AT + timedelta(minutes=2))
        rows = await db.fetch("select jti, content, code_hash from signin.arrival order by jti")
        assert [bool(row["content"]) for row in rows] == [False, False, True]
        assert used.code not in str([dict(row) for row in rows])
