"""What gives each desk something to do: looks that somebody should look into, an emergency, an objection, a removal.

Everything goes over the same wire as anybody's: signed launches, pages, forms, and the operator's own commands. It is
done once in a folder, after `Ready`, so that nobody waits for it.
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import aiohttp
import msgspec
from joserfc import jwt
from joserfc.jwk import ECKey

from demo.browsing import Browser, CouldNot
from demo.people import Person
from demo.plan import HOST, Plan
from demo.region.write import CLIENT_ID, Keys, read_key
from demo.systems.evidence import Evidence, Patient
from demo.systems.neighbour import NeighbourSystem, Running
from demo.systems.neighbours import Staff, read_neighbour

OXFORD, MILTON_KEYNES = "oxford", "milton-keynes"
WATCHED_NURSE, JUNIOR, SISTER = "OUH-8215", "OUH-7782", "OUH-5127"
LOCUM, CLINIC_ADMINISTRATOR = "555000000121", "555000000104"
GUARDIAN, RECORDS_MANAGER = "555000000116", "555000000117"
NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
# By family and given name: whose record each of these is about.
NURSE_HERSELF, HER_NEIGHBOUR = ("Whitlock", "Charlotte"), ("Penhale", "Stanley")
IN_EMERGENCY, UNMATCHED, FISHED_FOR = ("Ogunleye", "Adebayo"), ("Stacey", "Gordon"), ("Campbell-Reid", "Leroy")
OBJECTS, WITH_A_LETTER_TOO_MANY = ("Öztürk", "Zeynep"), ("Hartley", "Arthur")
_SEARCHES = 5
_REFERENCE = re.compile(r'name="reference" value="([0-9A-F-]{19})"')


def write_registers(plan: Plan, people: Sequence[Person]) -> None:
    """The register of Oxford's staff for the watch: one is a patient of the demonstration, one lives beside another."""
    folder = plan.staff_registers
    folder.mkdir(mode=0o700, exist_ok=True)
    neighbour = read_neighbour(OXFORD)
    lines = []
    for staff in neighbour.staff:
        words = staff.name.split()
        line = {
            "user_id": staff.user_id,
            "organisation": neighbour.organisation,
            "family": words[-1],
            "given": words[1],
        }
        if staff.user_id == WATCHED_NURSE and (herself := find(people, NURSE_HERSELF)):
            line |= {"nhs_number": herself.nhs_number or "", "birth_date": herself.now.birth_date.isoformat()}
        if staff.user_id == SISTER and (next_door := find(people, HER_NEIGHBOUR)):
            line |= {"postcode": next_door.now.address.postcode, "address": next_door.now.address.line}
        lines.append(msgspec.json.encode(line))
    (folder / "oxford.jsonl").write_bytes(b"\n".join(lines) + b"\n")


def find(people: Sequence[Person], name: tuple[str, str]) -> Person | None:
    """One of the cast; None where few people were asked for."""
    family, given = name
    return next(
        (each for each in people if each.is_cast and (each.now.family, each.now.given[0]) == (family, given)), None
    )


class Desks:
    """Does it all, one thing after the other; each that fails is told and the rest goes on."""

    def __init__(self, plan: Plan, keys: Keys, people: Sequence[Person]) -> None:
        self.plan, self.keys, self.people = plan, keys, people

    async def run(self) -> list[str]:
        """What could not be done, in words. Nothing is done twice in one folder."""
        done = self.plan.home / "desks.done"
        if done.exists():
            return []
        failed = []
        steps: tuple[Callable[[], Awaitable[None]], ...] = (
            self.own_record, self.of_a_colleague, self.of_the_household, self.nothing_bears_it_out, self.fishing,
            self.emergency, self.objection, self.removal,
        )  # fmt: skip
        for step in steps:
            try:
                await step()
            except (CouldNot, aiohttp.ClientError, TimeoutError) as refused:
                failed.append(f"{step.__name__.replace('_', ' ')}: {refused}")
        done.touch()
        return failed

    # --- looks from inside a record system ----------------------------------------------------------------------------

    async def own_record(self) -> None:
        await self._looked(OXFORD, WATCHED_NURSE, NURSE_HERSELF, "my own results")

    async def of_a_colleague(self) -> None:
        await self._looked(OXFORD, JUNIOR, NURSE_HERSELF, "asked for advice on the ward")

    async def of_the_household(self) -> None:
        await self._looked(OXFORD, SISTER, HER_NEIGHBOUR, "phoned by the family")

    async def _looked(self, neighbour_id: str, user_id: str, name: tuple[str, str], reason: str) -> None:
        """A launch that names nothing that shows care, and the reason that the reader then gives."""
        system, staff, patient = self._of(neighbour_id, user_id, name)
        unshown = Patient(person=patient.person, why="", evidence=None)
        async with Browser(self.plan.record) as browser:
            page = await browser.launched(system.mint(staff, unshown, at=int(time.time())))
            page = await browser.give_reason(page, reason)
            if page.status != 200:
                raise CouldNot(f"open a record with a reason: {page.heading}")

    async def nothing_bears_it_out(self) -> None:
        """A launch that names a stay which its own system, asked at night, does not hold."""
        system, staff, patient = self._of(MILTON_KEYNES, "MKU-0932", UNMATCHED)
        start = datetime.now(UTC).isoformat(timespec="seconds")
        claimed = Evidence("encounter", f"ENC-{patient.number}-0", start, "Emergency Department, Milton Keynes")
        jti = uuid.uuid4().hex
        named = Patient(person=patient.person, why="", evidence=claimed)
        async with Browser(self.plan.record) as browser:
            page = await browser.launched(system.mint(staff, named, at=int(time.time()), jti=jti))
            if page.status != 200:
                raise CouldNot(f"open a record: {page.heading}")
        system.took(jti, named)
        await system.attest()

    def _of(self, neighbour_id: str, user_id: str, name: tuple[str, str]) -> tuple[NeighbourSystem, Staff, Patient]:
        told = self.plan.told
        running = Running(
            id=neighbour_id, key=self.keys.of(neighbour_id), record=self.plan.record, record_title="", host=HOST,
            port=0, seed=told.seed, people=told.people, until=told.until,
        )  # fmt: skip
        system = NeighbourSystem(running, self.people)
        staff = system.neighbour.find_staff(user_id)
        wanted = self._person(name)
        patient = next((each for each in system.patients() if each.person.index == wanted.index), None)
        if staff is None or patient is None:
            raise CouldNot(f"be at {neighbour_id}: it holds no such member of staff, or no such patient")
        return system, staff, patient

    # --- at the record itself -----------------------------------------------------------------------------------------

    async def fishing(self) -> None:
        """The right number and one birth date after another."""
        person = self._person(FISHED_FOR)
        async with Browser(self.plan.record) as browser:
            await browser.sign_in(CLINIC_ADMINISTRATOR)
            for years in range(1, _SEARCHES + 1):
                born = person.now.birth_date.replace(year=person.now.birth_date.year - years, day=1)
                await browser.find(person.nhs_number or "", born.isoformat())

    async def emergency(self) -> None:
        """It stays open, so that whoever signs in as this locum sees the banner."""
        person = self._person(IN_EMERGENCY)
        async with Browser(self.plan.record) as browser:
            await browser.sign_in(LOCUM)
            page = await browser.find(person.nhs_number or "", person.now.birth_date.isoformat(), is_opened=True)
            words = "Collapsed on the ward while visiting his daughter, not responding; need medicines and allergies"
            page = await browser.declare_emergency(page, reason="cannot-consent", words=words, hours=2)
            if page.status != 200 or "/emergency" in page.url:
                raise CouldNot(f"declare an emergency: {page.heading}")

    # --- by command ---------------------------------------------------------------------------------------------------

    async def objection(self) -> None:
        person = self._person(OBJECTS)
        who = f"{person.nhs_number}\n{person.now.birth_date.isoformat()}\n"
        await self._operate("objection", "receive", "--by", "Yusuf Hartnell", told=who)

    async def removal(self) -> None:
        """A letter that was written about somebody else: two people agree, and no reader is given it any more."""
        letter = await self._letter_of(self._person(WITH_A_LETTER_TOO_MANY))
        desk = f"{self.plan.record}/desk/records/removals"
        async with Browser(self.plan.record) as browser:
            await browser.sign_in(RECORDS_MANAGER)
            asked = {"reach": "named", "named": letter, "authority": "rectification"}
            page = await browser.post(f"{desk}/ask", {**asked, "because": "Dictated under the wrong name."})
        reference = _REFERENCE.search(page.text)
        if reference is None:
            raise CouldNot(f"ask for a removal: {page.heading}")
        async with Browser(self.plan.record) as browser:
            await browser.sign_in(GUARDIAN)
            agreed = await browser.post(
                f"{self.plan.record}/desk/guardian/proposals/agree", {"reference": reference[1]}
            )
            if agreed.status != 200:
                raise CouldNot(f"agree to a removal: {agreed.heading}")

    async def _operate(self, *words: str, told: str = "") -> None:
        process = await asyncio.create_subprocess_exec(
            str(self.plan.operate), *words,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, wrong = await process.communicate(told.encode())
        if process.returncode:
            lines = wrong.decode("utf-8", "replace").strip().splitlines()
            raise CouldNot(f"{' '.join(words[:2])}: {lines[-1] if lines else 'no word why'}")

    async def _letter_of(self, person: Person) -> str:
        """The id of one of a person's letters, as programs are given it."""
        fhir = f"{self.plan.record}/fhir"
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as http:
            bearer = {"Authorization": f"Bearer {await self._token(http)}"}
            form = {
                "identifier": f"{NHS_NUMBER}|{person.nhs_number}",
                "birthdate": person.now.birth_date.isoformat(),
            }
            async with http.post(f"{fhir}/Patient/_search", data=form, headers=bearer) as answer:
                found = (await answer.json(content_type=None)).get("entry", [])
            if not found:
                raise CouldNot("find the person of the letter")
            async with http.get(f"{fhir}/Patient/{found[0]['resource']['id']}/$everything", headers=bearer) as answer:
                told = (await answer.json(content_type=None)).get("entry", [])
        letters = sorted(
            each["resource"]["id"] for each in told if each["resource"]["resourceType"] == "DocumentReference"
        )
        if not letters:
            raise CouldNot("find a letter to remove")
        return str(letters[0])

    async def _token(self, http: aiohttp.ClientSession) -> str:
        key, now, endpoint = read_key(self.keys.ward_board), int(time.time()), f"{self.plan.record}/token"
        header = {"alg": "ES384", "kid": key["kid"]}
        claims = {"iss": CLIENT_ID, "sub": CLIENT_ID, "aud": endpoint, "iat": now, "exp": now + 120}
        assertion = jwt.encode(header, {**claims, "jti": uuid.uuid4().hex}, ECKey.import_key(key), ["ES384"])
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion,
            "scope": "system/*.rs",
        }
        async with http.post(endpoint, data=form) as answer:
            told = await answer.json(content_type=None)
            if answer.status != 200:
                raise CouldNot(f"get a token: {told.get('error_description') or told.get('error')}")
        return str(told["access_token"])

    def _person(self, name: tuple[str, str]) -> Person:
        person = find(self.people, name)
        if person is None:
            raise CouldNot("find them: there are too few people in this demonstration")
        return person
