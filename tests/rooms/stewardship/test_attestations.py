"""What a neighbour signed in a launch is borne out within a day, by the record or by its attestation, or is a case."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from carerecord import audit, database
from carerecord.model import Evidence, EvidenceClass
from carerecord.organisations import Neighbour
from carerecord.settings import Settings
from carerecord.stewardship.attestations import (
    DENIED,
    UNMATCHED,
    Attestation,
    Attestations,
    Attested,
    Share,
    Taken,
    matched_shares,
    reconcile,
    warn_of_agreements,
)
from carerecord.stewardship.cases import Case, list_cases
from tests.house import APPOINTMENT, AT, OXFORD, REGION

ISSUER = "https://ehr.oxford.example"
HOST = Neighbour(issuer=ISSUER, organisation="RTH", name="Oxford's record system", jwks={})
WITH_NEIGHBOUR = msgspec.structs.replace(REGION, neighbours=(HOST,))
DAY = timedelta(days=1)
JOAN = 4711


class Region:
    """The audit as launches fill it, the neighbour's attestations, and the engine that holds them together."""

    def __init__(
        self, serve: database.Database, work: database.Database, owner: database.Database, writer: audit.Writer
    ) -> None:
        self.now = AT
        self.serve, self.work, self.owner, self.writer = serve, work, owner, writer
        self.attestations = Attestations(serve, writer, WITH_NEIGHBOUR)
        self._numbers = itertools.count(1)

    async def arrive(self, jti: str, *, evidence: Evidence = APPOINTMENT, opens: int = 1) -> str:
        session = f"session-{jti}"
        await self._witness("arrived", session, evidence, {"issuer": ISSUER, "jti": jti})
        for _ in range(opens):
            await self._witness("opened", session, evidence, {})
        return session

    async def _witness(self, kind: str, session: str, evidence: Evidence, detail: dict[str, Any]) -> None:
        await self.writer.witness(
            audit.Event(
                kind=kind,
                patient_key=JOAN,
                staff=OXFORD,
                purpose="TREAT",
                evidence=evidence,
                decision={},
                detail=detail,
                route="launch",
                session=session,
                at=self.now,
            )
        )

    async def attest(self, *launches: Attested, jti: str = "") -> Any:
        said = Attestation(
            issuer=ISSUER,
            organisation="RTH",
            jti=jti or f"message-{next(self._numbers)}",
            day=self.now.date(),
            said_at=self.now,
            launches=launches,
        )
        return await self.attestations.take(said, at=self.now)

    async def reconcile(self) -> list[Case]:
        return await reconcile(self.work, WITH_NEIGHBOUR, at=self.now)

    async def state(self, session: str) -> tuple[str, str]:
        row = await self.owner.fetchrow(
            "select state, matched_by from stewardship.reliance where session = $1", session
        )
        assert row is not None
        return row["state"], row["matched_by"]

    async def share(self) -> Share:
        [share] = await matched_shares(self.serve, WITH_NEIGHBOUR, month=AT.date())
        return share


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Region]:
    async with (
        database.connect(settings, "serve") as serve,
        database.connect(settings, "work") as work,
        database.connect(settings, "owner") as owner,
    ):
        region: list[Region] = []
        async with audit.Writer.open(serve, clock=lambda: region[0].now if region else AT) as writer:
            region.append(Region(serve, work, owner, writer))
            yield region[0]


async def test_a_launch_that_its_host_bears_out_by_jti_within_a_day_is_matched_and_raises_nothing(
    settings: Settings,
) -> None:
    async with opened(settings) as region:
        session = await region.arrive("one", opens=3)
        assert await region.reconcile() == []
        assert await region.state(session) == ("waiting", "")
        region.now = AT + timedelta(hours=20)
        assert await region.attest(Attested(jti="one", holds=True)) == Taken(1)
        assert await region.reconcile() == []
        assert await region.state(session) == ("matched", "attestation")
        region.now = AT + 2 * DAY
        assert await region.reconcile() == []
        share = await region.share()
        assert (share.launches, share.opens, share.matched, share.share) == (1, 3, 1, 1.0)


async def test_a_launch_is_borne_out_by_the_evidence_that_it_named_too(settings: Settings) -> None:
    async with opened(settings) as region:
        named, bare = (
            await region.arrive("one"),
            await region.arrive("two", evidence=Evidence(kind=EvidenceClass.LAUNCH)),
        )
        await region.attest(Attested(kind="appointment", id="A-1", holds=True))
        await region.reconcile()
        assert await region.state(named) == ("matched", "attestation")
        assert (await region.state(bare))[0] == "waiting"


async def test_what_nothing_bears_out_within_a_day_becomes_one_case_that_names_no_patient(settings: Settings) -> None:
    async with opened(settings) as region:
        session = await region.arrive("one", opens=2)
        region.now = AT + DAY - timedelta(seconds=1)
        assert await region.reconcile() == []
        region.now = AT + DAY
        [case] = await region.reconcile()
        assert (case.rule, case.desk, case.kind, case.organisation) == (UNMATCHED, "privacy", "evidence", "RTH")
        assert (case.patient_key, case.staff, case.detail["session"]) == (JOAN, OXFORD.user_id, session)
        assert "Oxford University Hospitals" in case.sentence
        assert str(JOAN) not in case.sentence
        assert await region.reconcile() == []
        assert len(await list_cases(region.serve, desk="privacy")) == 1
        stored = await region.owner.fetchval(
            "select kind from audit.event where stream = $1 and seq = $2", *(case.about or (0, 0))
        )
        assert stored == "opened"  # The case leads to the look itself.
        region.now = AT + DAY + timedelta(hours=3)
        await region.attest(Attested(jti="one", holds=True))
        await region.reconcile()
        assert await region.state(session) == ("late", "attestation")  # Noted; it is no match, and the case stays.
        share = await region.share()
        assert (share.matched, share.unmatched, share.share) == (0, 1, 0.0)


async def test_what_its_own_organisation_denies_becomes_a_case_at_once(settings: Settings) -> None:
    async with opened(settings) as region:
        session = await region.arrive("one")
        await region.attest(Attested(jti="one", holds=False))
        [case] = await region.reconcile()
        assert (case.rule, await region.state(session)) == (DENIED, ("denied", ""))
        assert (await region.share()).denied == 1


async def test_what_was_borne_out_and_is_denied_later_becomes_a_case_and_an_older_word_changes_nothing(
    settings: Settings,
) -> None:
    async with opened(settings) as region:
        session = await region.arrive("one")
        await region.attest(Attested(jti="one", holds=True))
        await region.reconcile()
        region.now = AT + timedelta(hours=5)
        await region.attest(Attested(jti="one", holds=False))
        region.now = AT + timedelta(hours=6)
        assert [case.rule for case in await region.reconcile()] == [DENIED]
        region.now = AT + timedelta(hours=1)  # An older attestation, brought late, does not take the place of a newer.
        await region.attest(Attested(jti="one", holds=True))
        region.now = AT + timedelta(hours=7)
        await region.reconcile()
        assert (await region.state(session))[0] == "denied"


async def test_what_the_record_knows_of_the_neighbours_involvement_bears_a_launch_out(settings: Settings) -> None:
    async with opened(settings) as region:
        await region.owner.execute(
            "insert into patient_index.member (patient_key, identity_key, home_key) values ($1, 7, $1)", JOAN
        )

        async def knows(organisation: str, since: datetime) -> None:
            await region.owner.execute(
                "insert into patient_index.relationship (patient_key, identity_key, organisation, kind, source,"
                " local_id, since, standing, said_at) values ($1, 7, $2, 'encounter', 'oxford-pas', $3, $4, 1, $4)",
                *(JOAN, organisation, f"{organisation}-{since:%Y}", since),
            )

        session = await region.arrive("one")
        await knows("R1H", AT - DAY)  # Another organisation's stay says nothing of Oxford.
        await knows("RTH", AT - 900 * DAY)  # Long over.
        await region.reconcile()
        assert (await region.state(session))[0] == "waiting"
        await knows("RTH", AT - DAY)
        await region.reconcile()
        assert await region.state(session) == ("matched", "feed")


async def test_an_arrival_that_opened_nothing_needs_no_match(settings: Settings) -> None:
    async with opened(settings) as region:
        await region.arrive("one", opens=0)
        region.now = AT + 3 * DAY
        assert await region.reconcile() == []
        assert (await region.share()).launches == 0


async def test_a_message_works_once_and_leaves_one_event(settings: Settings) -> None:
    async with opened(settings) as region:
        assert await region.attest(Attested(jti="one", holds=True), jti="m-1") == Taken(1)
        region.now = AT + timedelta(minutes=1)
        assert await region.attest(Attested(jti="one", holds=False), jti="m-1") is None
        kept = await region.owner.fetch("select holds from stewardship.attestation")
        assert [row["holds"] for row in kept] == [True]
        events = await region.owner.fetchval("select count(*) from audit.event where kind = 'administered'")
        assert events == 1


async def test_a_neighbour_speaks_of_its_own_launches_only(settings: Settings) -> None:
    async with opened(settings) as region:
        session = await region.arrive("one")
        other = Attestation(
            issuer="https://ehr.luton.example",
            organisation="X26",
            jti="m-1",
            day=date(2026, 11, 22),
            said_at=AT,
            launches=(Attested(jti="one", holds=True), Attested(kind="appointment", id="A-1", holds=True)),
        )
        await region.attestations.take(other, at=AT)
        await region.reconcile()
        assert (await region.state(session))[0] == "waiting"


def test_an_agreement_that_lapses_is_said_aloud_and_one_that_ended_louder(capsys: Any) -> None:
    oxford = msgspec.structs.replace(REGION.organisations[2], agreement_until=date(2026, 12, 1))
    region = msgspec.structs.replace(REGION, organisations=(oxford,))
    for on in (date(2026, 10, 1), date(2026, 11, 22), date(2026, 12, 2)):
        warn_of_agreements(region, on=on)
    said = [msgspec.json.decode(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["line"], line["organisation"], line["days"]) for line in said] == [
        ("AGREEMENT_LAPSES", "RTH", 9),
        ("AGREEMENT_ENDED", "RTH", 1),
    ]
