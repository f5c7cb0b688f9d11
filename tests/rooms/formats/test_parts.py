"""What of an original one statement was made of."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import msgspec
import pytest

from carerecord.fhir.references import local_id
from carerecord.formats import hl7v2
from carerecord.formats.document import Dropped, pack
from carerecord.formats.parts import Part, lines_of
from carerecord.model import Heading, Original, Reading, Source
from tests.house import message

AT = datetime(2026, 11, 22, 9, 12, tzinfo=UTC)
BARTS = Source(id="barts", organisation="R1H", name="Barts Health")
PANEL = (
    "OBR|1||L1|UE^Urea and electrolytes|||202611090640||||||||||||||||||F",
    "NTE|1||Haemolysed",
    "OBX|1|NM|K^Potassium||6.1|mmol/L|3.5-5.3|H|||F",
    "OBX|2|NM|NA^Sodium||140|mmol/L|133-146||||F",
    "NTE|1||Taken from the arm with the drip",
    "OBR|2||L2|FBC^Full blood count|||202611090640||||||||||||||||||F",
    "OBX|1|NM|HB^Haemoglobin||92|g/L|115-165|L|||F",
)


def heard(*lines: str, kind: str = "ORU^R01") -> tuple[Original, Reading]:
    original = Original(source="barts", content=message(kind, "c1", *lines), received_at=AT)
    return original, hl7v2.translate(original, source=BARTS)


def shown(original: Original, reading: Reading, named: str, source: Source = BARTS) -> tuple[str, ...]:
    (found,) = [each for each in reading.statements if named.encode() in each.body]
    part = Part(resource_type=found.resource_type, local_id=found.local_id, heading=found.heading)
    return lines_of(original, [part], source=source)


def unnumbered(line: str) -> str:
    return re.sub(r"^([A-Z0-9]{3}\|)\d+\|", r"\1|", line)


@pytest.mark.parametrize(
    ("named", "lines"),
    [
        ('"Potassium"', (2,)),
        ('"Sodium"', (3, 4)),
        ('"conclusion"', (0, 1)),
        ('"Haemoglobin"', (6,)),
    ],
)
def test_a_result_is_made_of_its_own_lines_and_a_report_of_its_own(named: str, lines: tuple[int, ...]) -> None:
    original, reading = heard(*PANEL)
    assert shown(original, reading, named) == tuple(unnumbered(PANEL[line]) for line in lines)


def test_every_statement_of_a_message_has_lines_and_none_of_them_says_whose_it_is() -> None:
    original, reading = heard(
        "PV1|1|I|BAY 4^A^2^RLH|||||||300|||||||||V1|||||||||||||||||||||||||20261109",
        "PV2|||^Chest pain",
        "AL1|1|DA|^Penicillin|SV|Rash",
        "AL1|2|DA|^Latex",
        "DG1|1||195967001^Asthma^SCT",
        "DG1|2||22298006^Heart attack^SCT",
        kind="ADT^A01",
    )
    assert len(reading.statements) == 5
    told: list[str] = []
    for each in reading.statements:
        part = Part(resource_type=each.resource_type, local_id=each.local_id, heading=each.heading)
        lines = lines_of(original, [part], source=BARTS)
        assert lines
        told += lines
    assert sorted(line[:3] for line in told) == ["AL1", "AL1", "DG1", "DG1", "PV1", "PV2"]


def test_a_result_in_a_message_of_a_thousand_lines_is_found_with_few_translations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Measured in lines that are translated again, not in time: a long message must not hold up everybody else."""
    original, reading = heard(PANEL[0], *(f"OBX|{n}|NM|X{n}^Thing {n}||{n}|||||F" for n in range(1, 1001)))
    translated: list[int] = []

    def counting(original: Original, *, source: Source) -> Reading:
        translated.append(original.content.count(b"\r"))
        return translate(original, source=source)

    translate = hl7v2.translate
    monkeypatch.setattr(hl7v2, "translate", counting)
    assert shown(original, reading, '"Thing 777"') == ("OBX||NM|X777^Thing 777||777|||||F",)
    assert sum(translated) < 6 * 1000


def test_of_a_sensitivity_the_line_of_the_organism_is_not_shown_which_is_a_line_of_its_own() -> None:
    """The organism stands in the sensitivity's own words; its own line may be hidden while this is shown."""
    original, reading = heard(
        "OBR|1||M1|CUL^Culture|||202611090640||||||||||||||||||F",
        "OBX|1|CE|ORG^Organism|1|ECOLI^Escherichia coli||||||F",
        "OBR|2||M1|SENS^Sensitivities|||202611090640||||||||||||||||||F|ORG^1^Escherichia coli",
        "OBX|1|ST|TRIM^Trimethoprim|1|R||||||F",
    )
    assert shown(original, reading, '"Trimethoprim"') == ("OBX||ST|TRIM^Trimethoprim|1|R||||||F",)


def test_of_a_push_one_resource_is_shown_without_the_person_inside_it() -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": f"urn:uuid:{name}",
                "resource": {
                    "resourceType": "Condition",
                    "id": name,
                    "code": {"text": name},
                    "contained": [{"resourceType": "Patient", "id": "p", "name": [{"family": "HARTLEY"}]}],
                    "subject": {"reference": "#p"},
                },
                "request": {"method": "PUT", "url": f"Condition/{name}"},
            }
            for name in ("asthma", "hidden")
        ],
    }
    content = json.dumps(bundle).encode()
    part = Part(resource_type="Condition", local_id=local_id("barts", "Condition", "asthma"), heading=Heading.PROBLEMS)
    lines = lines_of(Original(source="barts", content=content, received_at=AT), [part], source=BARTS)
    assert msgspec.json.decode("".join(lines)) == {
        "resourceType": "Condition",
        "id": "asthma",
        "code": {"text": "asthma"},
        "subject": {"reference": "#p"},
    }


def test_of_a_dropped_document_is_shown_what_was_said_of_it() -> None:
    sidecar = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {"resource": {"resourceType": "Patient", "name": [{"family": "HARTLEY"}]}},
            {"resource": {"resourceType": "DocumentReference", "id": "d1", "description": "Clinic letter"}},
        ],
    }
    content = pack(Dropped("letter.pdf", json.dumps(sidecar).encode(), b"%PDF-1.7"))
    part = Part(resource_type="DocumentReference", local_id="x", heading=Heading.LETTERS)
    lines = lines_of(Original(source="barts", content=content, received_at=AT), [part], source=BARTS)
    assert '"description": "Clinic letter"' in "\n".join(lines)
    assert "HARTLEY" not in "\n".join(lines)


@pytest.mark.parametrize("content", [b"{", b'{"resourceType":"Bundle","entry":3}', b"nothing", b"\xff\xfe", b""])
def test_what_cannot_be_read_shows_nothing(content: bytes) -> None:
    part = Part(resource_type="Condition", local_id="x", heading=Heading.PROBLEMS)
    assert lines_of(Original(source="barts", content=content, received_at=AT), [part], source=BARTS) == ()
