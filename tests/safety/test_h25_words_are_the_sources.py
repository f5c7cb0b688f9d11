"""H25: a summary omits or invents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from carerecord.disclosure import Mark
from carerecord.model import Standing
from carerecord.organisations import Region, read_region
from carerecord.reconciliation import problems, stays, values
from carerecord.settings import Settings
from carerecord.web import sections, words
from demo.messages import history
from demo.people import Person, generate
from demo.region import write_region
from tests.safety.ward import REGION, Chart, Someone, Ward, entries, open_ward

SEED = 7
SECTIONS = ("allergies", "problems", "results", "stays-and-visits", "letters", "pathway")
DATE = re.compile(
    r"(?:(\d{2})(?:-([A-Z][a-z]{2})(?:-(\d{4}))?)?(?:–| to ))?(\d{2})-([A-Z][a-z]{2})-(\d{4})(?: (\d{2}):(\d{2}))?"
)
MONTHS = {name: number for number, name in enumerate(words._MONTHS)}

FRAMES = re.compile(
    r"“New” means said since [^,]+, when the last stay or visit before today began\."
    r"|None recorded by \d+ sources? that sent anything about this person\."
)
# Everything that a page may say in its own words between those of a source: frames, never findings.
LABELS = (
    *words.TITLES.values(),
    *words.STANDINGS.values(),
    *(said for _, said in words.MARKS.values()),
    *stays.KINDS.values(),
    *stays.STATUS.values(),
    *problems.STATUS.values(),
    *values.FLAGS.values(),
    *values.ABSENT.values(),
    problems.UNREADABLE,
    *sections.CLOSED.values(),
    sections.ANY_CLOSED,
    *sections.NOTES.values(),
    "What happened, what is next",
    "No next step is known to this record",
    "who were asked and have sent no appointment",
    "waiting for",
    "To ask, phone",
    "Asked for, no result known",
    "Pending:",
    "To do:",
    "(preliminary)",
    "(requested)",
    "requested",
    "Referral",
    "Next: appointment",
    "Appointment",
    "with",
    "lists it as active",
    "Flagged by the laboratory",
    "Reports in words",
    "Other tests",
    "earlier values,",
    "more times",
    "more time",
    "Read it here",
    "Open this letter (PDF)",
    "discharged to",
    "recorded",
    "sources disagree on",
    *sections.NONE_HERE.values(),
    "Not known: ask",
    "since corrected",
    "Letter",
    "Next: ",
    "planned",
    "until",
    "since",
    "said",
    "range",
    "severe",
    "moderate",
    "mild",
    "also written",
    "check with the patient",
    "says",
    "lists it as resolved",
    "lists",
    "None current",
    "None recorded",
    "None sent here",
    "no longer current",
    "to",
    "None flagged; newest",
    "more flagged",
    "and more",
    *(
        "Substance",
        "Reaction",
        "Since",
        "From",
        "Problem",
        "Details",
        "Stay or visit",
        "When",
        "Test",
        "Trend",
        "Author",
    ),
)


def said_by_sources(person: Person) -> str:
    """Everything that was sent about a person, unescaped, with names in the order in which people say them."""
    text = "\n".join(message.content.decode() for message in history(person, channel="mllp"))
    for escape, letter in (
        ("\\F\\", "|"),
        ("\\T\\", "&"),
        ("\\S\\", "^"),
        ("\\R\\", "~"),
        ("\\.br\\", "\n"),
        ("\\E\\", "\\"),
    ):
        text = text.replace(escape, letter)
    names = [
        f"{prefix} {given} {family}"
        for family, given, prefix in re.findall(r"\^([^\^|]+)\^([^\^|]+)\^[^\^|]*\^[^\^|]*\^([^\^|~&]+)", text)
    ]
    ranges = re.findall(r"\|([0-9.]+-[0-9.]+)\|", text)
    compared = [f"|{sign}{number}|" for sign, number in re.findall(r"\|SN\|[^|]*\|[^|]*\|([<>=]+)\^([0-9.]+)", text)]
    return "\n".join([text, *names, *ranges, *compared]).casefold()


def dates_sent(person: Person) -> set[str]:
    text = "\n".join(message.content.decode() for message in history(person, channel="mllp"))
    stamps = re.findall(r"\b(\d{8})(\d{4})?(?:\d{2})?\b", text)
    return {day for day, _ in stamps} | {f"{day}{clock}" for day, clock in stamps if clock}


def dates_shown(text: str) -> Iterator[str]:
    for first, first_month, first_year, day, month, year, hour, minute in DATE.findall(text):
        yield f"{year}{MONTHS[month]:02}{day}{hour}{minute}"
        if first:
            yield f"{first_year or year}{MONTHS[first_month or month]:02}{first}"


def our_words(region: Region) -> re.Pattern[str]:
    names = [source.name for source in region.sources] + [organisation.name for organisation in region.organisations]
    longest_first = sorted({label.strip() for label in (*LABELS, *names) if label}, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)


def without_ours(text: str, ours: re.Pattern[str]) -> list[str]:
    """The pieces that remain of one string of a page without dates, words of our own and names of sources."""
    rest = ours.sub(" ␟ ", DATE.sub(" ␟ ", FRAMES.sub("", text)))
    pieces = re.split(r"[␟·,;:()↑↓\n]+", rest)
    return [piece.strip(" .") for piece in pieces if re.search(r"\w", piece)]


def is_said(piece: str, sent: str) -> bool:
    """As a whole, or word for word: a line may join a name, a value and a unit, which came in fields of their own."""
    if piece.casefold() in sent:
        return True
    # A bare number is a count of ours, or a value, and those are held to their digits apart.
    return all(
        word.isdigit() or re.search(rf"(?<!\w){re.escape(word)}(?!\w)", sent) for word in piece.casefold().split()
    )


def demo_region(folder: Path) -> Region:
    written = write_region(folder / "region", folder / "keys", sign_in_issuer="http://127.0.0.1:8402")
    return msgspec.structs.replace(read_region(written.region), neighbours=REGION.neighbours, sign_in=None)


def as_someone(person: Person) -> Someone:
    assert person.nhs_number
    return Someone(nhs_number=person.nhs_number, family=person.now.family, born=f"{person.now.birth_date:%Y%m%d}")


async def lived(ward: Ward, person: Person) -> Chart:
    for message in history(person, channel="mllp"):
        assert (await ward.told(message.content))[0] in ("recorded", "untranslated", "waiting"), message.kind
    return await ward.open(as_someone(person))


CAST = [person for person in generate(SEED, 20) if person.nhs_number and person.story]


@pytest.mark.parametrize("person", CAST, ids=[person.now.family for person in CAST])
async def test_every_clinical_word_and_date_on_a_page_was_sent_by_a_source(
    settings: Settings, tmp_path: Path, person: Person
) -> None:
    region = demo_region(tmp_path)
    sent, days, ours = said_by_sources(person), dates_sent(person), our_words(region)
    async with open_ward(settings, region=region) as ward:
        page = await (await lived(ward, person)).page()
        checked = 0
        for name in SECTIONS:
            for part in page.all(f"#{name}"):
                for text in part.strings():
                    for piece in without_ours(text, ours):
                        checked += 1
                        assert is_said(piece, sent), (name, piece, text)
                    assert set(dates_shown(text)) <= days, (name, text)
        values_shown = [page.all("#results", ".cr-table--results", "tbody", "td", tag) for tag in ("b", "s")]
        for cell in (*values_shown[0], *values_shown[1]):
            assert f"|{cell.words}|".casefold() in sent, cell.words
        assert checked > 10


async def test_nothing_a_source_said_of_danger_disease_or_advice_is_left_out(
    settings: Settings, tmp_path: Path
) -> None:
    joan = CAST[0]
    assert joan.now.family == "Hartley"
    async with open_ward(settings, region=demo_region(tmp_path)) as ward:
        chart = await lived(ward, joan)
        page = (await chart.page()).words.casefold()
        told = {"AL1": (3, 5), "DG1": (3,), "OBX": (3,), "PV2": (3,)}
        missing = []
        for message in history(joan, channel="mllp"):
            for line in message.content.decode().split("\r"):
                fields = line.split("|")
                for number in told.get(fields[0], ()):
                    parts = fields[number].split("^") if len(fields) > number else []
                    said = parts[1] if len(parts) > 1 and parts[1] else parts[0] if parts else ""
                    if said and " ".join(said.casefold().split()) not in page:
                        missing.append((message.kind, said))
                if fields[0] == "OBX" and message.kind.startswith("MDM") and fields[2] in ("TX", "FT"):
                    for sentence in re.split(r"\\.br\\|~", fields[5]):
                        if " ".join(sentence.casefold().split()) not in page:
                            missing.append((message.kind, sentence))
        assert missing == []


async def test_a_receipt_shows_the_words_whole_and_leads_to_the_message_they_stand_in(
    settings: Settings, tmp_path: Path
) -> None:
    async with open_ward(settings, region=demo_region(tmp_path)) as ward:
        joan = CAST[0]
        chart = await lived(ward, joan)
        page = await chart.page()
        sent = {
            re.sub(r"^([A-Z0-9]{3}\|)\d+\|", r"\1|", line)
            for message in history(joan, channel="mllp")
            for line in message.content.decode().replace("\r", "\n").split("\n")
        }
        lines = [entry for name in ("allergies", "problems", "letters") for entry in entries(page.one(f"#{name}"))]
        for line in lines[:8]:
            receipt = await chart.page(f"entry/{line}")
            heading = receipt.one("h1").words
            assert any(heading in saying.words for saying in receipt.all(".cr-saying")), heading
            places = [
                link.attributes["href"]
                for link in receipt.all(".cr-saying", "a")
                if "/original/" in link.attributes["href"]
            ]
            for place in places:
                original = await chart.page(place.removeprefix(f"{chart.address}/"))
                shown = {"".join(segment.strings()) for segment in original.all(".cr-original", "code")}
                assert shown
                assert shown <= sent


def test_the_marks_and_standings_that_may_stand_on_a_page_are_these_alone() -> None:
    """Whoever adds a word of ours to a clinical page meets this test: could a reader take it for a finding?"""
    assert {said for _, said in words.MARKS.values()} == {
        "New", "Changed", "Corrected", "Stopped", "Cancelled", "Entered in error", "Preliminary", "Sources differ",
    }  # fmt: skip
    assert set(words.MARKS) == set(Mark)
    assert set(words.STANDINGS) == set(Standing)
