"""The eyes of the suite: a canary is found however it leaves, or nothing that the suite says is worth anything."""

from __future__ import annotations

import base64
import gzip
import html
import json
from urllib.parse import quote

import pytest

from tests.leaks import canaries
from tests.leaks.canaries import Aviary
from tests.leaks.judging import Due, Judge
from tests.leaks.oracle import Circumstances
from tests.leaks.people import AT, Someone

AVIARY = Aviary()
WORD = AVIARY.plant("joan", "barts/letter", canaries.FILE)
AVIARY.plant_number("joan", "9990123454")
AVIARY.plant_id("joan", "eaaaaaaaaaaa4")
ESCAPED = "".join(f"\\u{ord(letter):04x}" for letter in WORD)


@pytest.mark.parametrize(
    "content",
    [
        WORD.encode(),
        WORD.upper().encode(),
        f"<b>{WORD[:4]}</b>{WORD[4:]}".encode(),
        html.escape(WORD).replace("z", "&#122;").encode(),
        quote(WORD).replace("q", "%71").encode(),
        f'{{"text": "{ESCAPED}"}}'.encode(),
        base64.b64encode(f"Dear colleague, {WORD}".encode()),
        json.dumps({"data": base64.b64encode(f"Dear colleague, {WORD}".encode()).decode()}).encode(),
        base64.b64encode(base64.b64encode(f"Dear colleague, {WORD}".encode())),
        base64.urlsafe_b64encode(f"Dear colleague??>>, {WORD}".encode()),
        gzip.compress(f"Dear colleague, {WORD}".encode(), mtime=0),
    ],
)
def test_a_word_is_found_however_it_is_written(content: bytes) -> None:
    assert {canary.word for canary in AVIARY.found_in(content)} == {WORD}


@pytest.mark.parametrize("written", ["9990123454", "999 012 3454", "999\u00a0012\u00a03454", "999+012+3454"])
def test_a_number_is_found_however_it_is_spaced(written: str) -> None:
    assert {canary.part for canary in AVIARY.found_in(f"NHS number {written}.".encode())} == {canaries.IDENTITY}


def test_the_id_of_a_person_is_found_inside_the_id_of_a_statement() -> None:
    assert {canary.part for canary in AVIARY.found_in(b'"id":"eaaaaaaaaaaa4-abcdefghijklmnopqrstuvwxyz"')} == {"id"}


def judged(content: bytes, *, seen: Due, owed: tuple[str, ...] = ()) -> Judge:
    joan = Someone(
        name="joan",
        family="hartley",
        nhs_number="9990123454",
        birth_date=AT.date(),
        place="oxford",
        of_whom="joan",
        called="joan",
    )
    judge = Judge(AVIARY)
    judge.judge(
        content, route="r", reader=Circumstances("clinician", "strong").role, someone=joan, seen=seen, owed=owed
    )
    return judge


def test_what_is_hidden_and_comes_is_a_leak_and_what_is_due_and_does_not_is_a_denial() -> None:
    hidden, shown = Due(True, frozenset()), Due(True, frozenset(["barts/letter"]))
    assert judged(WORD.encode(), seen=hidden).leaks
    assert not judged(WORD.encode(), seen=shown).leaks
    assert judged(b"999 012 3454", seen=Due(False, frozenset())).leaks
    assert not judged(b"999 012 3454", seen=hidden).leaks
    judge = Judge(AVIARY)
    assert not judge.leaks
    with_file = judged(b"", seen=shown, owed=("barts/letter",))
    assert not with_file.denials, "a page owes what an item is called, and this item is only a file"
