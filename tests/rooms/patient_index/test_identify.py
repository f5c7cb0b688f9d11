"""Whose a message is: joined, kept apart, or waiting. Everyone here is invented."""

import asyncio
import itertools
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from carerecord import database, patient_index
from carerecord.model import Identifier, Merge, Outcome, Subject
from carerecord.patient_index import Claim, Identified, Undecided
from carerecord.settings import Settings

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
HER_NUMBER, HIS_NUMBER, THIRD_NUMBER = "9990000018", "9990000026", "9990000034"


def keys() -> Callable[[], int]:
    counter = itertools.count(1 << 61)
    return lambda: next(counter)


RANDOM_KEY = keys()


def claim(mrn: str | None, number: str | None = None, *, source: str = "eastmere", **said: Any) -> Claim:
    demographics: dict[str, Any] = {"family": "Marlowe", "given": ("Isolde",), "birth_date": date(1979, 5, 17)}
    local = (Identifier("HOSP", mrn),) if mrn else ()
    at = said.pop("at", NOON)
    superseded = said.pop("superseded", None)
    updates = said.pop("updates", True)
    return Claim(
        source=source,
        subject=Subject(**{**demographics, "local": local, "nhs_number": number, **said}),
        said_at=at,
        received_at=at,
        merge=Merge(superseded=tuple(Identifier("HOSP", old) for old in superseded)) if superseded else None,
        updates_demographics=updates,
    )


async def identify(db: database.Database, *claims: Claim) -> list[Any]:
    async with db.transaction() as connection:
        return await patient_index.identify(connection, claims, random_key=RANDOM_KEY)


async def identify_one(db: database.Database, one: Claim) -> Identified:
    (answer,) = await identify(db, one)
    assert isinstance(answer, Identified), answer
    return answer


async def people(db: database.Database) -> set[frozenset[str]]:
    """Who is whom: the local identifiers of each person, as the sets say and as each identity says."""
    by_set = await db.fetch(
        "select m.patient_key, array_agg(i.value) as local_identifiers from patient_index.member m"
        " join patient_index.identity i on i.patient_key = m.home_key and i.identity_key = m.identity_key group by 1"
    )
    by_identity = await db.fetch(
        "select person_key as patient_key, array_agg(value) as local_identifiers from patient_index.identity group by 1"
    )
    told = [
        {(row["patient_key"], frozenset(row["local_identifiers"])) for row in rows} for rows in (by_set, by_identity)
    ]
    assert told[0] == told[1], "the set and the identities tell the same"
    return {local_identifiers for _, local_identifiers in told[0]}


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one by one"])
async def test_two_hospitals_with_one_number_and_agreeing_demographics_are_one_person(
    settings: Settings, together: bool
) -> None:
    here, there = claim("A1", HER_NUMBER), claim("B1", HER_NUMBER, source="northgate", family="MARLOWE")
    async with database.connect(settings, "listen") as db:
        answers = (
            await identify(db, here, there) if together else [*await identify(db, here), *await identify(db, there)]
        )
        assert await people(db) == {frozenset({"A1", "B1"})}
    assert answers[0].patient_key == answers[1].patient_key
    assert answers[0].identity_key != answers[1].identity_key


async def test_the_same_demographics_under_two_numbers_are_two_people(settings: Settings) -> None:
    async with database.connect(settings, "listen") as db:
        await identify(db, claim("A1", HER_NUMBER), claim("B1", HIS_NUMBER, source="northgate"))
        assert await people(db) == {frozenset({"A1"}), frozenset({"B1"})}


async def test_one_number_with_contradicting_demographics_waits_and_leaves_no_trace(settings: Settings) -> None:
    async with database.connect(settings, "listen") as db:
        _, twin = await identify(db, claim("A1", HER_NUMBER), claim("A2", HER_NUMBER, given=("Perdita",)))
        assert isinstance(twin, Undecided)
        assert twin.outcome is Outcome.WAITING
        assert "given names differ" in twin.problem.sentence
        assert "Perdita" not in twin.problem.sentence
        assert await people(db) == {frozenset({"A1"})}


async def test_seven_people_with_one_filler_number_stay_seven(settings: Settings) -> None:
    """A number that fails its check digit never reaches the index as one."""
    names = ["Ada", "Bea", "Cleo", "Dora", "Edna", "Fay", "Gwen"]
    heard = [
        patient_index.as_heard(
            Subject(local=(Identifier("HOSP", name),), given=(name,), nhs_number="1234567890"), live=False
        )[0]
        for name in names
    ]
    claims = [Claim(source="eastmere", subject=subject, said_at=NOON, received_at=NOON) for subject in heard]
    async with database.connect(settings, "listen") as db:
        await identify(db, *claims)
        assert await people(db) == {frozenset({name}) for name in names}


async def test_a_number_without_demographics_joins_nobody_until_they_come(settings: Settings) -> None:
    async with database.connect(settings, "listen") as db:
        await identify(db, claim("A1", HER_NUMBER))
        alone = await identify_one(db, claim("B1", HER_NUMBER, source="northgate", birth_date=None))
        assert await people(db) == {frozenset({"A1"}), frozenset({"B1"})}
        later = await identify_one(db, claim("B1", HER_NUMBER, source="northgate", at=NOON + timedelta(hours=1)))
        assert later.patient_key == alone.patient_key, "what it said stays where it is"
        assert await people(db) == {frozenset({"A1", "B1"})}


async def test_a_first_number_that_arrives_later_joins_and_moves_no_row(settings: Settings) -> None:
    async with database.connect(settings, "listen") as db:
        hers, before = await identify(db, claim("A1", HER_NUMBER), claim("B1", source="northgate"))
        after = await identify_one(db, claim("B1", HER_NUMBER, source="northgate"))
        assert (after.patient_key, after.identity_key) == (before.patient_key, before.identity_key)
        assert after.person_key == hers.person_key
        member = await db.fetchrow("select * from patient_index.member where identity_key = $1", after.identity_key)
        assert member is not None
        assert (member["patient_key"], member["home_key"]) == (hers.person_key, before.patient_key)
        judged = await db.fetch(
            "select seq, from_person_key, to_person_key, rule, reasons from patient_index.judgement"
            " where identity_key = $1 order by seq",
            after.identity_key,
        )
    assert [row["seq"] for row in judged] == list(range(1, len(judged) + 1))
    assert (judged[1]["from_person_key"], judged[1]["to_person_key"]) == (before.person_key, hers.person_key)
    assert "The birth date is the same." in judged[1]["reasons"]


async def test_another_number_for_a_verified_patient_waits(settings: Settings) -> None:
    async with database.connect(settings, "listen") as db:
        await identify(db, claim("A1", HER_NUMBER), claim("A2", HIS_NUMBER, given=("Tristan",), gender="male"))
        (answer,) = await identify(db, claim("A1", HIS_NUMBER))
        assert isinstance(answer, Undecided)
        (new_number,) = await identify(db, claim("A1", THIRD_NUMBER))
        assert isinstance(new_number, Undecided)
        assert await people(db) == {frozenset({"A1"}), frozenset({"A2"})}


async def test_a_local_number_that_is_suddenly_someone_else_waits(settings: Settings) -> None:
    """Hazard H02: a hospital number used again."""
    async with database.connect(settings, "listen") as db:
        await identify(db, claim("A1"))
        (answer,) = await identify(db, claim("A1", given=("Tristan",), family="Cornwall", birth_date=date(1950, 1, 9)))
    assert isinstance(answer, Undecided)
    assert answer.problem.rule == "identifier of another person"


async def test_nothing_to_go_by_is_refused(settings: Settings) -> None:
    async with database.connect(settings, "listen") as db:
        (answer,) = await identify(db, claim(None))
    assert isinstance(answer, Undecided)
    assert (answer.outcome, answer.problem.field, answer.problem.fatal) == (Outcome.REFUSED, "PID-3", True)


async def test_a_message_with_an_nhs_number_alone_is_known_by_it(settings: Settings) -> None:
    async with database.connect(settings, "listen") as db:
        one = await identify_one(db, claim(None, HER_NUMBER))
        again = await identify_one(db, claim(None, HER_NUMBER))
        joined = await identify_one(db, claim("A1", HER_NUMBER))
    assert one == again
    assert joined.person_key == one.person_key


async def test_two_sources_with_one_local_number_are_two_people(settings: Settings) -> None:
    async with database.connect(settings, "listen") as db:
        one, other = await identify(db, claim("100"), claim("100", source="northgate"))
    assert one.person_key != other.person_key


async def test_a_familys_account_number_does_not_make_a_child_its_mother(settings: Settings) -> None:
    account = Identifier("ACCOUNT", "F-77")
    async with database.connect(settings, "listen") as db:
        await identify(db, claim("A1", local=(Identifier("HOSP", "A1"), account)))
        child = claim("A2", local=(Identifier("HOSP", "A2"), account), given=("Elaine",), birth_date=date(2019, 8, 1))
        await identify(db, child)
        assert await people(db) == {frozenset({"A1"}), frozenset({"A2"})}


async def test_known_unchanged_patients_cost_one_query(settings: Settings) -> None:
    async with database.connect(settings, "listen") as db:
        claims = [claim(f"A{number}") for number in range(20)]
        await identify(db, *claims)
        async with db.transaction() as connection:
            asked: list[str] = []
            connection.add_query_logger(lambda query: asked.append(query.query))
            await patient_index.identify(connection, claims, random_key=RANDOM_KEY)
        assert [query.split("\n")[0] for query in asked if query.startswith("--")] == ["-- find_identities"]


async def test_newer_demographics_win_in_whatever_order_they_arrive(settings: Settings) -> None:
    early, late = claim("A1", phone="1", at=NOON), claim("A1", phone="2", at=NOON + timedelta(hours=2))
    repeated = claim("A1", phone="1", at=NOON + timedelta(hours=3))
    between = claim("A1", phone="9", at=NOON + timedelta(hours=1))
    async with database.connect(settings, "operate") as db:
        for order in ([early, late, between], [late, early, between]):
            answer = await identify_one(db, order[0])
            await identify(db, *order[1:])
            assert (await patient_index.read_person(db, answer.person_key)).subject.phone == "2"
        await identify(db, early, repeated)
        await identify(db, late)
        assert (await patient_index.read_person(db, answer.person_key)).subject.phone == "1"


async def test_a_person_is_found_by_number_and_birth_date_together(settings: Settings) -> None:
    async with database.connect(settings, "listen") as db:
        hers = await identify_one(db, claim("A1", HER_NUMBER))
        await identify(db, claim("A9", HIS_NUMBER, birth_date=None))
        await identify(db, claim("B1", HER_NUMBER, source="northgate", at=NOON + timedelta(days=1), phone="3"))
    async with database.connect(settings, "serve") as db:
        found = await patient_index.find_person(
            db, nhs_number=f"{HER_NUMBER[:3]} {HER_NUMBER[3:6]} {HER_NUMBER[6:]}", birth_date=date(1979, 5, 17)
        )
        assert found is not None
        assert found.patient_key == hers.person_key
        assert len(found.identities) == 2
        assert (found.said_by, found.subject.phone, found.nhs_number_verified) == ("northgate", "3", True)
        for number, birth_date in [
            (HER_NUMBER, date(1979, 5, 18)),
            (THIRD_NUMBER, date(1979, 5, 17)),
            ("1234567890", date(1979, 5, 17)),
            (HIS_NUMBER, date(1979, 5, 17)),
        ]:
            assert await patient_index.find_person(db, nhs_number=number, birth_date=birth_date) is None
        with pytest.raises(patient_index.NoSuchPerson):
            await patient_index.read_person(db, 5)


async def test_two_processes_that_meet_a_number_at_once_make_one_person_of_it(settings: Settings) -> None:
    async with database.connect(settings, "listen") as one, database.connect(settings, "listen") as other:
        await asyncio.gather(
            *(
                identify(db, claim(f"{source}{number}", f"{nhs}", source=source))
                for number, nhs in enumerate([HER_NUMBER, HIS_NUMBER, THIRD_NUMBER])
                for db, source in ((one, "eastmere"), (other, "northgate"))
            )
        )
        assert len(await people(one)) == 3
