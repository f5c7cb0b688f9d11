"""What is sensitive is found: by service, by code, by a letter's words; and nothing else is withheld for it."""

from __future__ import annotations

import math
import time
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.corpus import Letter, letters
from benchmarks.harness import people
from benchmarks.promise import Benchmark, Promise
from carerecord.formats import hl7v2
from carerecord.model import Heading, Original, Reading, Source
from carerecord.sensitivity import Label, labelled
from carerecord.sensitivity.codes import shipped_lists
from carerecord.sensitivity.services import read_services
from carerecord.sensitivity.words import bits_in

AT = datetime(2026, 11, 22, 9, tzinfo=UTC)
HOSPITAL = Source(id="riverside", organisation="R1H", name="Riverside")
_REGION = Path(__file__).parents[1] / "demo" / "region" / "region.toml"
_HEAD = "MSH|^~\\&|EPR|R1H|||20261110090000||{kind}|X1|P|2.4\rPID|1||40012^^^R1H^MR||Vane^Rosa||19840504|F\r"
_PV1 = "PV1|1|O|{place}" + "|" * 7 + "{service}" + "|" * 9 + "V1" + "|" * 25 + "20261110083000\r"
_SYSTEMS = {"snomed": "SCT", "icd-10": "I10", "read-v2": "READ2", "ctv3": "CTV3", "opcs-4": "OPCS4"}
_CLINICS = (
    ("GUM Clinic", "sexual-health"), ("Sexual Health Clinic B", "sexual-health"), ("HIV day unit", "sexual-health"),
    ("Jefferiss Wing", "sexual-health"), ("Haven Paddington", "safeguarding"),
    ("Pregnancy advisory service", "termination"),
    ("Termination clinic", "termination"), ("Assisted Conception Unit", "assisted-conception"),
    ("Fertility clinic", "assisted-conception"),
    ("Gender identity clinic", "gender-history"), ("Adoption medical", "adoption"),
    ("Safeguarding hub", "safeguarding"), ("IDVA office", "safeguarding"), ("MARAC", "third-party"),
)  # fmt: skip

PROMISES = tuple(
    Promise(name=name, area="access", says=says, at_most=most, at_least=least)
    for name, says, most, least in (
        ("sensitive recall by service", "Visits to sensitive services that are labelled, as a share.", None, 1.0),
        ("sensitive recall by code", "Problems with a listed code, or one under it, that are labelled.", None, 1.0),
        ("sensitive recall by words", "Lower 95 % bound of the share of held-out letters found.", None, 0.99),
        ("letters wrongly withheld", "Letters that give nothing away and are labelled, as a share.", 0.005, None),
        ("withheld by inference", "Medicines, allergies and results that were labelled by inference.", 0.0, None),
        ("labelling a message", "Microseconds of processor time to label a message without a letter.", 10.0, None),
    )
)


def measure() -> dict[str, tuple[float, str]]:
    by_service, by_code = list(_services()), list(_codes())
    held_out = list(letters("held_out"))
    positive, negative = [each for each in held_out if each.label], [each for each in held_out if not each.label]
    hits = sum(_found(letter) for letter in positive)
    wrong = sum(bool(bits_in(letter.text)) for letter in negative)
    readings = _demonstration()
    plain = [statement for reading, _ in readings for statement in reading.statements]
    own = [each for each in plain if each.heading is Heading.LETTERS]
    wrong_own = sum(bool(each.sensitivity) for each in own)
    inferred = sum(
        bool(each.sensitivity)
        for each in plain
        if each.heading in (Heading.ALLERGIES, Heading.MEDICINES, Heading.RESULTS)
    )
    phrasings = len({letter.sentence for letter in positive})
    return {
        "sensitive recall by service": (sum(by_service) / len(by_service), f"{len(by_service)} services and clinics"),
        "sensitive recall by code": (sum(by_code) / len(by_code), f"{len(by_code)} codes of five systems"),
        "sensitive recall by words": (
            lower_bound(hits, len(positive)),
            f"{hits} of {len(positive)} letters, {phrasings} ways of saying it; as first met 259 of 261 ways",
        ),
        "letters wrongly withheld": (
            (wrong + wrong_own) / (len(negative) + len(own)),
            f"{wrong} of {len(negative)} hard ones, {wrong_own} of {len(own)} of the demonstration",
        ),
        "withheld by inference": (float(inferred), f"{len(plain)} statements of the demonstration"),
        "labelling a message": _cost(readings),
    }


def lower_bound(hits: int, of: int) -> float:
    """Clopper and Pearson's, at 2.5 % below: the share at which so many hits or more are that unlikely."""

    def chance(share: float) -> float:
        return sum(math.comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(hits, of + 1))

    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if chance(middle) < 0.025 else (low, middle)
    return low


def _found(letter: Letter) -> bool:
    return bool(bits_in(letter.text) & Label[letter.label])


def _read(content: str, source: Source = HOSPITAL) -> Reading:
    original = Original(source=source.id, content=content.encode(), received_at=AT)
    return labelled(hl7v2.translate(original, source=source), source=source)


def _services() -> Iterator[bool]:
    for service in read_services():
        if not service.detail:
            for code in service.specialties:
                yield _all(_read(_HEAD.format(kind="ADT^A01") + _PV1.format(place="", service=code)), service.bits)
    for place, label in _CLINICS:
        reading = _read(_HEAD.format(kind="ADT^A01") + _PV1.format(place=f"{place}^^", service="") + "DG1|1||^Seen\r")
        yield _all(reading, int(Label[label.upper().replace("-", "_")]))
    for service in read_services():
        source = Source(id="s", organisation="R1H", name="S", service=service.id)
        letter = _HEAD.format(kind="MDM^T02") + "TXA|1|CN|TX|||||||||D1\rOBX|1|TX|L^Letter||Seen.||||||F\r"
        yield _all(_read(letter, source), service.bits)


def _all(reading: Reading, bits: int) -> bool:
    return bool(reading.statements) and all(each.sensitivity & bits == bits for each in reading.statements)


def _codes() -> Iterator[bool]:
    for each in shipped_lists():
        bits = sum(int(Label[word.upper().replace("-", "_")]) for word in each.label.split())
        if bits == Label.MENTAL_HEALTH:  # detail, which no problem bears
            continue
        for code in (*each.codes, *each.prefixes, *(f"{prefix}1" for prefix in each.prefixes if len(prefix) < 5)):
            problem = f"DG1|1||{code}^As coded^{_SYSTEMS[each.system]}\r"
            reading = _read(_HEAD.format(kind="ADT^A08") + _PV1.format(place="", service="") + problem)
            yield any(found.sensitivity & bits == bits for found in reading.statements)


def _demonstration() -> list[tuple[Reading, Source]]:
    """What the demonstration's people are told of by HL7 v2: nothing of it is sensitive but what is said to be."""
    sources = {entry["id"]: Source(**_plain(entry)) for entry in _entries()}
    found = []
    for messages in people():
        for message in messages:
            source = sources[message.source]
            original = Original(source=source.id, content=message.content, received_at=AT)
            reading = hl7v2.translate(original, source=source)
            found.append((labelled(reading, source=source), source))
    return found


def _entries() -> list[dict[str, str]]:
    return list(tomllib.loads(_REGION.read_text(encoding="utf-8"))["source"])


def _plain(entry: dict[str, str]) -> dict[str, str]:
    return {name: entry[name] for name in ("id", "organisation", "name", "kind")}


def _cost(readings: list[tuple[Reading, Source]]) -> tuple[float, str]:
    without = [pair for pair in readings if all(each.heading is not Heading.LETTERS for each in pair[0].statements)]

    def once() -> float:
        begun = time.process_time()
        for reading, source in without:
            labelled(reading, source=source)
        return (time.process_time() - begun) / len(without) * 1e6

    rounds = _rounds(once, 5)
    return min(rounds), f"best of {len(rounds)} rounds over {len(without)} messages"


def _rounds(once: Callable[[], float], count: int) -> list[float]:
    return [once() for _ in range(count)]


BENCHMARK = Benchmark(promises=PROMISES, measure=measure)
