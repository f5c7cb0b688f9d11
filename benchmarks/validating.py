"""What the FHIR validator refuses of what HL7's own refuses, and how fast it reads: on published resources."""

from __future__ import annotations

import json
import os
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.promise import ROOT, Benchmark, Promise
from carerecord.fhir.validate import validate

RECORDS = 12
# This case tells the other validator not to look into what a resource contains: the same bytes are wrong otherwise.
SETTING = "contained-resource-bad-id-ignore"
PROMISES = (
    Promise(name="invalid_refused", area="intake", says="Share of published invalid R4 JSON refused.", at_least=0.85),
    Promise(name="valid_refused", area="intake", says="Published valid R4 resources that are refused.", at_most=0),
    Promise(name="validated_a_second", area="intake", says="Resources validated in a second of processor time."),
)


def measure() -> dict[str, tuple[float, str]]:
    folder = Path(os.environ.get("CARERECORD_FOREIGN_DATA") or ROOT.parent / "shared" / "data")
    if not (folder / "fhir-conformance.tar.xz").exists():
        return {}
    files = dict(_json_of(folder / "fhir-conformance.tar.xz"))
    cases: list[dict[str, Any]] = json.loads(files["validator-r4/_expected.json"])
    judged = [(case, files[f"validator-r4/{case['file']}"]) for case in cases if case["file"].endswith(".json")]
    wrong = [content for case, content in judged if case["errors"]]
    right = [content for case, content in judged if not case["errors"] and case["name"] != SETTING]
    refused = sum(bool(validate(content)) for content in wrong)
    alarms = sum(bool(validate(content)) for content in right)
    count, seconds = _timed(folder / "synthea-r4-2019.tar.xz")
    return {
        "invalid_refused": (round(refused / len(wrong), 3), f"{refused} of {len(wrong)}"),
        "valid_refused": (alarms, f"of {len(right)}"),
        "validated_a_second": (round(count / seconds), f"{count:,} resources of {RECORDS} whole records"),
    }


def _json_of(archive: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(archive) as opened:
        for member in opened:
            if member.isfile() and member.name.endswith(".json") and (content := opened.extractfile(member)):
                yield member.name.partition("/")[2], content.read()


def _timed(archive: Path) -> tuple[int, float]:
    contents = [content for _, (_, content) in zip(range(RECORDS), _json_of(archive), strict=False)]
    for content in contents:
        validate(content)
    since = time.process_time()
    for content in contents:
        validate(content)
    seconds = time.process_time() - since
    return sum(content.count(b'"resource":') for content in contents), seconds


BENCHMARK = Benchmark(promises=PROMISES, measure=measure)
