"""A40 and its undoing. Everyone here is invented."""

import itertools
from datetime import UTC, date, datetime
from typing import Any

import pytest

from carerecord import database, patient_index
from carerecord.model import Identifier, Merge, Subject
from carerecord.patient_index import Claim, Identified, LinkRefused, Undecided
from carerecord.settings import Settings

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
HER_NUMBER, HIS_NUMBER = "9990000018", "9990000026"
_keys = itertools.count(1 << 61)


def random_key() -> int:
    return next(_keys)


def claim(mrn: str, number: str | None = None, *, source: str = "eastmere", superseded: str = "", **said: Any) -> Claim:
    demographics: dict[str, Any] = {"family": "Marlowe", "given": ("Isolde",), "birth_date": date(1979, 5, 17)}
    return Claim(
        source=source,
        subject=Subject(**{**demographics, "local": (Identifier("HOSP", mrn),), "nhs_number": number, **said}),
        said_at=NOON,
        received_at=NOON,
        merge=Merge(superseded=(Identifier("", superseded),)) if superseded else None,
        updates_demographics=True,
    )


async def identify(db: database.Database, *claims: Claim) -> list[Any]:
    async with db.transaction() as connection:
        return await patient_index.identify(connection, claims, random_key=random_key)


async def unlink(db: database.Database, answer: Identified, person_key: int) -> int:
    async with db.transaction() as connection:
        return await patient_index.unlink(
            connection,
            person_key,
            answer.identity_key,
            by="operator",
            reason="Two patients.",
            at=NOON,
            random_key=random_key,
        )


async def people(db: database.Database) -> set[str]:
    by_set = await db.fetch(
        "select string_agg(i.value, ' ' order by i.value) as who from patient_index.member m"
        " join patient_index.identity i on i.patient_key = m.home_key and i.identity_key = m.identity_key"
        " and i.person_key = m.patient_key"
        " group by m.patient_key"
    )
    return {row["who"] for row in by_set}


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one by one"])
async def test_a_chain_of_merges_is_one_person(settings: Settings, together: bool) -> None:
    claims = [claim("A"), claim("B"), claim("C"), claim("B", superseded="A"), claim("C", superseded="B")]
    async with database.connect(settings, "operate") as db:
        if together:
            await identify(db, *claims)
        else:
            for one in claims:
                await identify(db, one)
        assert await people(db) == {"A B C"}
        await identify(db, claim("C", superseded="B"), claim("B", superseded="A"))
        assert await people(db) == {"A B C"}, "a merge said twice is one merge"


async def test_an_old_identifier_never_seen_lands_right_when_it_comes(settings: Settings) -> None:
    async with database.connect(settings, "operate") as db:
        (hers,) = await identify(db, claim("NEW", HER_NUMBER, superseded="OLD"))
        (late,) = await identify(db, claim("OLD", HER_NUMBER))
        assert late.patient_key == hers.patient_key
        assert late.identity_key != hers.identity_key
        assert await people(db) == {"NEW OLD"}


async def test_a_merge_joins_what_a_number_already_joined(settings: Settings) -> None:
    """Whichever survives, the number stays with one person."""
    for survivor, superseded, number in (("A", "C", HER_NUMBER), ("C", "A", HIS_NUMBER)):
        source = f"eastmere-{survivor}"
        async with database.connect(settings, "operate") as db:
            first, second, third = await identify(
                db,
                claim("A", number, source=source),
                claim(f"B{survivor}", number, source="northgate"),
                claim("C", source=source),
            )
            (merged,) = await identify(db, claim(survivor, source=source, superseded=superseded))
            assert merged.person_key == first.person_key == second.person_key
            assert (merged.patient_key == third.patient_key) is (survivor == "C"), "rows stay where they are"


async def test_a_merge_of_two_verified_numbers_waits(settings: Settings) -> None:
    async with database.connect(settings, "operate") as db:
        await identify(db, claim("A", HER_NUMBER), claim("B", HIS_NUMBER, given=("Tristan",)), claim("C"))
        for waits in (claim("A", superseded="B"), claim("C", HER_NUMBER, superseded="B")):
            (answer,) = await identify(db, waits)
            assert isinstance(answer, Undecided)
            assert answer.problem.field == "MRG-1"
        assert await people(db) == {"A", "B", "C"}, "a merge that waits leaves no trace"


async def test_a_merge_touches_only_the_senders_own_identifiers(settings: Settings) -> None:
    async with database.connect(settings, "operate") as db:
        await identify(db, claim("A"), claim("A", source="northgate", given=("Tristan",), birth_date=date(1960, 2, 3)))
        await identify(db, claim("Z", superseded="A"))
        assert await people(db) == {"A Z", "A"}


async def test_a_merge_is_undone_and_stays_undone(settings: Settings) -> None:
    async with database.connect(settings, "operate") as db:
        old, new = await identify(db, claim("A"), claim("B", given=("Tristan",)))
        await identify(db, claim("B", given=("Tristan",), superseded="A"))
        assert await people(db) == {"A B"}
        assert await unlink(db, old, new.person_key) == old.person_key
        assert await people(db) == {"A", "B"}
        (again,) = await identify(db, claim("B", given=("Tristan",), superseded="A"))
        assert isinstance(again, Undecided), "a sender does not overrule an operator"
        said = await db.fetch(
            "select rule, said_by from patient_index.judgement where identity_key = $1 order by seq", old.identity_key
        )
    assert [(row["rule"], row["said_by"]) for row in said][1:] == [("A40", "eastmere"), ("unlinked", "operator")]


async def test_one_that_was_born_joined_is_separated_into_a_person_of_its_own(settings: Settings) -> None:
    async with database.connect(settings, "operate") as db:
        hers, wrong = await identify(db, claim("A", HER_NUMBER), claim("B", HER_NUMBER, source="northgate"))
        alone = await unlink(db, wrong, hers.person_key)
        assert await people(db) == {"A", "B"}
        person = await patient_index.read_person(db, alone)
        assert person.identities == {wrong.identity_key: hers.patient_key}, "its rows are still found under their home"
        assert not person.nhs_number_verified
        found = await patient_index.find_person(db, nhs_number=HER_NUMBER, birth_date=date(1979, 5, 17))
        assert found is not None
        assert list(found.identities) == [hers.identity_key]
        (still,) = await identify(db, claim("B", HER_NUMBER, source="northgate"))
        assert (still.person_key, still.patient_key) == (alone, hers.patient_key)
        async with db.transaction() as connection:
            await patient_index.link(
                connection,
                alone,
                wrong.identity_key,
                to=hers.person_key,
                by="operator",
                reason="One after all.",
                at=NOON,
                random_key=random_key,
            )
        assert await people(db) == {"A B"}
        assert (await patient_index.read_person(db, hers.person_key)).nhs_number_verified


async def test_a_person_of_one_identity_has_nothing_to_separate(settings: Settings) -> None:
    async with database.connect(settings, "operate") as db:
        (hers,) = await identify(db, claim("A"))
        with pytest.raises(LinkRefused, match="whole person"):
            await unlink(db, hers, hers.person_key)


async def test_an_operator_cannot_link_two_verified_numbers(settings: Settings) -> None:
    async with database.connect(settings, "operate") as db:
        hers, his = await identify(db, claim("A", HER_NUMBER), claim("B", HIS_NUMBER, given=("Tristan",)))
        with pytest.raises(LinkRefused, match="different verified NHS numbers"):
            async with db.transaction() as connection:
                await patient_index.link(
                    connection,
                    his.person_key,
                    his.identity_key,
                    to=hers.person_key,
                    by="operator",
                    reason="?",
                    at=NOON,
                    random_key=random_key,
                )
