"""What is kept beside a result so that a view need not read it whole is made of it, goes with it, and says the same."""

from __future__ import annotations

import ast
from base64 import b64decode
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

import carerecord
from carerecord.disclosure.answers import withholding_sources
from carerecord.fhir.cut import cut_of
from carerecord.model import Heading, OriginalReference, StoredStatement
from carerecord.reconciliation import reconcile
from carerecord.record import dictionary
from carerecord.record.chunk import FOLDED, Said, pack, pack_folded, unpack, unpack_folded, version
from carerecord.record.cuts import pack_cuts, read_cuts
from carerecord.record.dictionary import Unreadable
from scripts.train_dictionaries import said as what_is_said
from tests import said

AT = datetime(2026, 11, 22, 9, 12, tzinfo=UTC)
KEY = 5
BEFORE = Path(__file__).parent / "folded_before_cuts.txt"
POTASSIUM = {"code": {"coding": [{"system": "urn:source:lab", "code": "K"}], "text": "Potassium"}}


def of_a_region() -> list[StoredStatement]:
    """As a view reads them, of messages that nobody has folded."""
    found: list[StoredStatement] = []
    for number, (_, statements) in enumerate(what_is_said(25, seed=5)):
        at = AT + timedelta(minutes=number)
        original = OriginalReference(date(2026, 11, 22), number)
        if statements:
            found += unpack(*pack(statements), patient_key=KEY, said=Said(KEY, "barts", original, at))
    return found


def uncut(statements: list[StoredStatement]) -> list[StoredStatement]:
    return [msgspec.structs.replace(statement, cut=None) for statement in statements]


def value(body: dict[str, object], own_id: str = "1") -> StoredStatement:
    (stored,) = unpack(
        *pack([said.as_statement(said.said("Observation", own_id, POTASSIUM | body))]),
        patient_key=KEY,
        said=Said(KEY, "barts", OriginalReference(date(2026, 11, 22), 1), AT),
    )
    return stored


def test_what_is_cut_is_shown_as_what_is_read_whole() -> None:
    statements = of_a_region()
    results = [statement for statement in statements if statement.heading is Heading.RESULTS]
    assert sum(1 for statement in results if statement.cut) > len(results) / 2 > 200
    shown = reconcile(statements, region_names={}, since=None)
    assert shown == reconcile(uncut(statements), region_names={}, since=None)


@pytest.mark.parametrize(
    "body",
    [
        {"valueQuantity": {"value": 5.20, "unit": "mmol/L"}},
        {"valueQuantity": {"value": -0, "code": "mmol/L"}},
        {"valueQuantity": {"value": 5, "unit": "mmol/L", "comparator": "<"}},
        {"valueQuantity": {"value": 5, "unit": "mmol/L", "comparator": ">="}},
        {"valueQuantity": {"value": 5, "unit": "mmol/L", "comparator": "ad"}},
        {"valueQuantity": {"value": 1e30, "unit": "mmol/L"}},
        {"valueQuantity": {"value": 5, "unit": "a\u0000b"}},
        {"valueQuantity": {"unit": "mmol/L"}},
        {"valueQuantity": {"value": 5}, "note": [{"text": "haemolysed"}]},
        {"valueQuantity": {"value": 5}, "interpretation": "H"},
        {"valueQuantity": {"value": 5}, "referenceRange": [{"low": {"value": 3.5}, "text": "3.5–5.3"}]},
        {"valueString": "5"},
        {"valueQuantity": "5"},
        {},
    ],
)
def test_whatever_a_value_looks_like_it_is_shown_as_it_was_sent(body: dict[str, object]) -> None:
    stored = value(body)
    shown = reconcile([stored], region_names={}, since=None)
    assert shown == reconcile(uncut([stored]), region_names={}, since=None)


def test_only_a_plain_figure_is_cut() -> None:
    plain = value({"valueQuantity": {"value": 5.20, "unit": "mmol/L"}})
    assert plain.cut is not None
    assert plain.cut[1] == "5.2"
    assert value({"valueQuantity": {"value": 5.2}, "note": [{"text": "haemolysed"}]}).cut is None


def test_what_says_that_its_source_left_something_out_is_never_cut() -> None:
    meta = {"security": [{"system": "urn:hl7", "code": "REDACTED"}]}
    left_out = value({"valueQuantity": {"value": 5.2}, "meta": meta})
    assert left_out.cut is None
    assert withholding_sources([left_out, value({"valueQuantity": {"value": 5.2}}, "2")]) == {"barts"}


def test_no_value_note_or_time_is_in_what_many_say_alike() -> None:
    stored = value({"valueQuantity": {"value": 98765.4321, "unit": "mmol/L"}, "effectiveDateTime": "2026-11-22"})
    assert stored.cut is not None
    assert b"98765" not in stored.cut[0]
    assert b"2026-11-22" not in stored.cut[0]


def test_a_fold_keeps_the_cuts_that_reading_anew_would_make() -> None:
    statements = of_a_region()
    folded = unpack_folded(*pack_folded(statements), patient_key=KEY)
    assert folded == statements
    for statement in folded:
        is_result = statement.heading is Heading.RESULTS
        assert statement.cut == (cut_of(statement.resource_type, statement.body) if is_result else None)


def test_what_was_folded_before_cuts_were_kept_is_read_and_cut() -> None:
    header, body = (b64decode(line) for line in BEFORE.read_text().split())
    assert header[0] & ~0x80 == FOLDED
    statements = unpack_folded(header, body, patient_key=KEY)
    assert len(statements) == 8
    assert all(version(statement.body) == statement.version and statement.cut for statement in statements)
    # Folded again, nothing is lost, and the cuts are kept from then on.
    assert unpack_folded(*pack_folded(statements), patient_key=KEY) == statements


def test_the_cut_of_a_statement_that_is_taken_out_goes_with_it() -> None:
    gone = value({"valueQuantity": {"value": 98765.4321, "unit": "mmol/L"}})
    stays = value({"valueQuantity": {"value": 5.2, "unit": "g/L"}}, "2")
    both, left = (pack_folded(statements)[0] for statements in ([gone, stays], [stays]))
    assert b"98765.4321" in plain(both)
    assert b"98765.4321" not in plain(left)
    assert b"mmol/L" not in plain(left)


def plain(header: bytes) -> bytes:
    form, number = dictionary.read_prefix(header)
    return dictionary.expand(header, number) if form & 0x80 else header


def test_damaged_cuts_are_refused() -> None:
    packed = pack_cuts([(b"alike", "5"), None, (b"alike", "6")])
    assert read_cuts(packed, 3) == [(b"alike", "5"), None, (b"alike", "6")]
    with pytest.raises(Unreadable):
        read_cuts(packed, 4)
    with pytest.raises(Unreadable):
        read_cuts(packed[:9], 3)
    with pytest.raises(Unreadable):
        read_cuts(packed[:-2], 3)


def test_whoever_replaces_a_body_takes_the_cut_of_the_old_one_away() -> None:
    named = []
    for file in Path(carerecord.__file__).parent.rglob("*.py"):
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("replace"):
                given = {keyword.arg: keyword.value for keyword in call.keywords}
                if "body" in given:
                    named.append(ast.unparse(given.get("cut", ast.Constant("missing"))))
    assert named
    assert set(named) == {"None"}, "msgspec.structs.replace(statement, body=…) must say cut=None."
