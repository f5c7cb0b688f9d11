"""Who looks while processes are killed: in an emergency, at a desk, and as a program. Each counts what reached it."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import NamedTuple

import aiohttp
import asyncpg

from carerecord import clock, database
from carerecord.fhir.references import patient_part
from carerecord.model import Evidence, EvidenceClass, Purpose, Staff
from carerecord.signin import STAFF_COOKIE, NewSession, patient_cookie
from carerecord.signin.sessions import Sessions
from carerecord.signin.store import hash_secret
from tests.pushed import token as access_token
from tests.system import CLIENT, System

DECLARED = {
    "reason": "vital-interests",
    "words": "Collapsed in the street, not speaking",
    "hours": "1",
    "confirmed": "yes",
}
_LOST = (aiohttp.ClientError, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, AssertionError)


class Seen(NamedTuple):
    """Answers that reached somebody whole, by session: those of a declared emergency, of a desk, of a program."""

    emergencies: Counter[str]
    cases: Counter[str]
    replays: Counter[str]
    answers: Counter[str]


def nothing_seen() -> Seen:
    return Seen(Counter(), Counter(), Counter(), Counter())


class Readers:
    def __init__(self, system: System, done: asyncio.Event) -> None:
        self.system, self.done, self.seen = system, done, nothing_seen()
        self._numbers: Iterator[int] = itertools.count(1)

    async def look(self) -> None:
        await asyncio.gather(
            *(self._again(each) for each in (self._emergency, self._case, self._replay, self._program))
        )

    async def _again(self, look: Callable[[aiohttp.ClientSession], Awaitable[None]]) -> None:
        while not self.done.is_set():
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(20)) as client:
                try:
                    await look(client)
                except (*_LOST, database.DatabaseLost, database.DatabaseRefused):
                    pass  # It was killed: whoever asked was shown nothing.
            await asyncio.sleep(1)  # They must not take from the load what it needs.

    async def _emergency(self, client: aiohttp.ClientSession) -> None:
        """Somebody who has nothing to do with a person declares an emergency and looks."""
        rows = await self._ask("select patient_key from patient_index.member order by random() limit 1")
        if not rows:
            return
        made = await self._sign_in(self._staff("clinician"), patient_key=rows[0]["patient_key"])
        chart, key = f"{self.system.url}/patient/{made.id}", {patient_cookie(made.id): made.token}
        headers = {"Origin": self.system.url}
        async with client.post(
            f"{chart}/emergency", data=DECLARED, cookies=key, headers=headers, allow_redirects=False
        ):
            pass
        for _ in range(3):
            async with client.get(f"{chart}/summary", cookies=key, allow_redirects=False) as answer:
                if answer.status == 200 and "</html>" in await answer.text():
                    self.seen.emergencies[made.id] += 1

    async def _case(self, client: aiohttp.ClientSession) -> None:
        """A privacy officer reads a case that was just opened."""
        rows = await self._ask("select id from stewardship.privacy_case order by opened_at desc limit 1")
        if not rows:
            return
        made = await self._sign_in(self._staff("privacy-officer"))
        for _ in range(2):
            address = f"{self.system.url}/desk/privacy/cases/{rows[0]['id']}"
            async with client.get(address, cookies={STAFF_COOKIE: made.token}) as answer:
                if answer.status == 200 and "</html>" in await answer.text():
                    self.seen.cases[made.id] += 1

    async def _replay(self, client: aiohttp.ClientSession) -> None:
        """The records desk makes again a page that somebody saw."""
        rows = await self._ask(
            "select stream, seq from audit.event where kind = 'shown' and detail like '%\"what\":\"summary\"%'"
            " order by recorded_at desc limit 1"
        )
        if not rows:
            return
        made = await self._sign_in(self._staff("records-manager"))
        said = {"event": f"{rows[0]['stream']}-{rows[0]['seq']}", "because": "The patient asked who saw this."}
        address, headers = f"{self.system.url}/desk/records/replay", {"Origin": self.system.url}
        async with client.post(address, data=said, cookies={STAFF_COOKIE: made.token}, headers=headers) as answer:
            text = await answer.text()
            if answer.status == 200 and "</html>" in text and "sha" in text.lower():
                self.seen.replays[made.id] += 1

    async def _program(self, client: aiohttp.ClientSession) -> None:
        """A program reads what is said of a person."""
        rows = await self._ask("select patient_key from patient_index.member order by random() limit 1")
        if not rows:
            return
        key = self.system.client
        given = await access_token(client, self.system.url, key=key, client_id=CLIENT, scope="system/*.rs")
        headers = {"Authorization": f"Bearer {given}"}
        patient = f"{self.system.url}/fhir/Patient/{patient_part(rows[0]['patient_key'])}"
        for address in (patient, f"{patient}/$everything"):
            async with client.get(address, headers=headers) as answer:
                if answer.status == 200 and (await answer.text()).endswith("}"):
                    self.seen.answers[_session_of(given)] += 1

    def _staff(self, role: str) -> Staff:
        number = next(self._numbers)
        return Staff(
            user_id=f"ouh-{role}-{number}", name=f"Reader {number}", role_code="", role=role, role_name=role,
            organisation="RTH", organisation_name="Oxford University Hospitals NHS Foundation Trust", sign_in="cis2",
            assurance=3,
        )  # fmt: skip

    async def _sign_in(self, staff: Staff, *, patient_key: int | None = None) -> NewSession:
        """As whoever serves makes it: what a kill leaves of it is the store's own."""
        at = clock.now()
        async with database.connect(self.system.settings, "serve") as db:
            sessions = Sessions(db, self.system.settings)
            if patient_key is None:
                return await sessions.create_staff(staff, at=at)
            evidence = Evidence(kind=EvidenceClass.NONE)
            return await sessions.create_patient(
                staff, patient_key=patient_key, evidence=evidence, purpose=Purpose.TREAT, route="sign-in", at=at
            )

    async def _ask(self, sql: str) -> list[asyncpg.Record]:
        async with database.connect(self.system.settings, "owner") as db:
            return list(await db.fetch(sql))


def _session_of(token: str) -> str:
    return f"token-{hash_secret(token).hex()[:16]}"


async def unwitnessed(system: System, seen: Seen, events: dict[str, Counter[str]]) -> dict[str, list[str]]:
    """The sessions in which more reached somebody than was witnessed, and of emergencies those without a case."""

    def short(answers: Counter[str], *kinds: str) -> list[str]:
        held = {session: min(events.get(session, Counter())[kind] for kind in kinds) for session in answers}
        return [session for session, count in answers.items() if held[session] < count]

    undeclared = [session for session in seen.emergencies if not events.get(session, Counter())["declared"]]
    async with database.connect(system.settings, "owner") as db:
        rows = await db.fetch(
            "select e.session from audit.event e join stewardship.privacy_case c on c.patient_key = e.patient_key"
            " and c.about_stream = e.stream and c.about_seq = e.seq where e.kind = 'declared'"
        )
    with_case = {row["session"] for row in rows}
    found = {
        "emergency": short(seen.emergencies, "opened", "shown"),
        "undeclared": undeclared,
        "without a case": [session for session in seen.emergencies if session not in with_case],
        "case": short(seen.cases, "examined"),
        "replay": short(seen.replays, "examined"),
        "program": short(seen.answers, "opened", "shown"),
    }
    return {name: sessions for name, sessions in found.items() if sessions}


def counted(seen: Seen) -> dict[str, int]:
    return {name: sum(counts.values()) for name, counts in seen._asdict().items()}
