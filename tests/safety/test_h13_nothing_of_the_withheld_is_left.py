"""H13: hidden sensitive data are inferred, or disclosed in free text."""

from __future__ import annotations

from carerecord.access import Label
from carerecord.fhir.references import logical_id
from carerecord.model import OriginalReference
from carerecord.settings import Settings
from tests import said
from tests.house import program_looking
from tests.safety.ward import (
    ARTHUR,
    JOAN,
    POTASSIUM,
    Chart,
    Someone,
    Ward,
    found,
    open_ward,
    order,
    plain,
    visit,
    wrote,
)

SENSITIVE = int(Label.SENSITIVE)
SEALED = int(Label.SEALED)
# Of another source, newer than everything else, under every heading whose label withholds it from this reader.
SECRETS = (
    said.letter(
        "Sexual health clinic letter",
        "Treated for syphilis.",
        own_id="X1",
        source="royal-free",
        at=said.day(21),
        sensitivity=SENSITIVE,
    ),
    said.stay(
        "X2",
        start=said.day(20),
        end=said.day(21),
        place="Jefferiss Wing",
        source="royal-free",
        at=said.day(21),
        sensitivity=SENSITIVE,
    ),
    said.problem("Syphilis", source="royal-free", at=said.day(21), happened=said.day(20), sensitivity=SENSITIVE),
    (
        serology := said.result(
            "Treponemal antibody",
            "Reactive",
            unit="",
            own_id="X4",
            source="royal-free",
            happened=said.day(20),
            at=said.day(21),
            sensitivity=SEALED,  # no mark short of it hides a result
        )
    ),
    said.report("Syphilis serology", [serology], source="royal-free", happened=said.day(20), at=said.day(21)),
)
WORDS = ("yphilis", "Sexual", "Jefferiss", "Treponemal", "Reactive", "Royal Free", "royal-free")


async def the_same_story(ward: Ward, person: Someone, prefix: str) -> None:
    await ward.hear(
        wrote(
            "ADT^A01", visit(f"{prefix}1"), "AL1|1|DA|^Penicillin", "DG1|1||^Asthma", about=person, number=f"{prefix}-a"
        ),
        wrote("ORU^R01", order(f"{prefix}2"), found(POTASSIUM, "4.1"), about=person, number=f"{prefix}-b"),
    )


def as_anybodys(html: str, chart: Chart, person: Someone) -> str:
    """The page without what differs between any two people."""
    number = person.nhs_number
    names = (f"{number[:3]} {number[3:6]} {number[6:]}", chart.address, f"{person.given} ({person.title})")
    return plain(html, *names)


async def test_a_page_with_everything_withheld_equals_one_of_a_person_who_never_had_it(settings: Settings) -> None:
    other = Someone(nhs_number=ARTHUR.nhs_number, number="40013", given="Jill")
    async with open_ward(settings) as ward:
        await the_same_story(ward, JOAN, "J")
        await the_same_story(ward, other, "A")
        await ward.remember(await ward.key_of(JOAN), SECRETS)
        hers, others = await ward.open(JOAN), await ward.open(other)
        with_secrets = as_anybodys((await hers.get()).text, hers, JOAN)
        without = as_anybodys((await others.get()).text, others, other)
        assert with_secrets == without
        assert not any(word in with_secrets for word in WORDS)


async def test_every_page_and_count_stays_byte_for_byte_the_same_when_secrets_arrive(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await the_same_story(ward, JOAN, "J")
        chart = await ward.open(JOAN)
        before = (await chart.get()).text
        bundle = await ward.door.everything(program_looking(await ward.key_of(JOAN)))
        await ward.remember(await ward.key_of(JOAN), SECRETS)
        assert (await chart.get()).text == before
        assert await ward.door.everything(program_looking(await ward.key_of(JOAN))) == bundle
        await ward.fold()
        assert (await chart.get()).text == before


async def test_what_is_withheld_and_what_never_was_get_the_same_answer(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await the_same_story(ward, JOAN, "J")
        key = await ward.key_of(JOAN)
        await ward.remember(key, SECRETS)
        chart = await ward.open(JOAN)
        kept = await ward.owner.fetch(
            "select original_day, original_seq from record.log where source = 'royal-free' order by original_seq"
        )
        assert len(kept) == len(SECRETS)
        for number, (secret, row) in enumerate(zip(SECRETS, kept, strict=True)):
            reference = OriginalReference(row["original_day"], row["original_seq"])
            for place, nowhere in (
                (f"entry/{logical_id(key, secret.local_id)}", f"entry/{'a' * 13}-{'b' * 25}{number}"),
                (f"document/{logical_id(key, secret.local_id)}", f"document/{'a' * 13}-{'b' * 26}"),
                (f"original/{reference}", "original/20261110-12345678"),
            ):
                hidden, missing = await chart.get(place), await chart.get(nowhere)
                assert hidden.status_code == missing.status_code == 404
                assert hidden.text == missing.text
                assert dict(hidden.headers) == dict(missing.headers)


async def test_words_of_a_withheld_letter_do_not_come_back_by_its_earlier_version(settings: Settings) -> None:
    """First sent openly, then marked: the open version must go with it."""
    first = said.letter("Clinic letter", "Treated for syphilis.", own_id="L", at=said.day(3))
    marked = said.letter("Clinic letter", "Treated for syphilis.", own_id="L", at=said.day(4), sensitivity=SENSITIVE)
    async with open_ward(settings) as ward:
        await the_same_story(ward, JOAN, "J")
        await ward.remember(await ward.key_of(JOAN), [first, marked])
        assert "yphilis" not in (await (await ward.open(JOAN)).get()).text


async def test_who_may_see_it_does_and_the_audit_knows_what_each_was_not_shown(settings: Settings) -> None:
    mind = said.letter(
        "Clinic letter", "Seen by the crisis team.", own_id="M", at=said.day(3), sensitivity=int(Label.MENTAL_HEALTH)
    )
    psychiatrist = {"name": "Dr Ines Prado", "role_code": "psychiatrist", "role_name": "Psychiatrist"}
    async with open_ward(settings) as ward:
        await the_same_story(ward, JOAN, "J")
        await ward.remember(await ward.key_of(JOAN), [mind])
        assert "crisis team" not in (await ward.summary()).words
        assert "crisis team" in (await ward.summary(staff=psychiatrist)).words
        withheld = [event["detail"]["withheld"] for event in await ward.events() if event["kind"] == "shown"]
        assert withheld == [{"LETTERS": 1}, {}]


async def test_an_allergy_is_shown_whoever_marked_it(settings: Settings) -> None:
    """To hide an allergy is a hazard in itself: the label travels with it to its receipt."""
    marked = said.allergy("Zidovudine", reaction="Anaemia", at=said.day(3), sensitivity=SENSITIVE, source="royal-free")
    async with open_ward(settings) as ward:
        await the_same_story(ward, JOAN, "J")
        await ward.remember(await ward.key_of(JOAN), [marked])
        assert "Zidovudine (Anaemia)" in (await ward.summary()).one(".cr-banner__dangers").words
