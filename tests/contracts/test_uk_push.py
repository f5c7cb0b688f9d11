"""Every R4 example that UK programmes published, pushed as it is: stored, or refused with the path of each error.

Resources come one by one, as the examples are; those inside Bundles of any type are each an entry of a batch of their
own. Nothing is parked, nothing is lost, and what is refused says where.
"""

from __future__ import annotations

import json
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from carerecord import clock
from carerecord.fhir.definitions import definitions
from carerecord.model import Outcome, Source
from carerecord.settings import Settings
from tests.pushed import pushing

pytestmark = pytest.mark.foreign

SOURCE = Source(id="gp-mile-end", organisation="Y99101", name="Mile End Green Surgery", kind="practice")


@pytest.fixture(scope="module")
def examples(foreign_data: Path) -> list[tuple[str, dict[str, Any], bytes]]:
    found = []
    with tarfile.open(foreign_data / "uk-fhir-r4.tar.xz") as files:
        for member in sorted(files.getmembers(), key=lambda each: each.name):
            opened = files.extractfile(member) if member.name.endswith(".json") and "stu3" not in member.name else None
            if opened is None:
                continue
            content = opened.read()
            try:
                resource = json.loads(content)
            except ValueError:
                continue
            if isinstance(resource, dict) and resource.get("resourceType") in definitions().resources:
                found.append((member.name, resource, content))
    return found


async def test_each_example_is_stored_or_refused_with_its_paths(
    settings: Settings, examples: list[tuple[str, dict[str, Any], bytes]]
) -> None:
    outcomes: Counter[str] = Counter()
    async with pushing(settings) as it:
        for name, resource, content in examples:
            kind = "" if resource["resourceType"] == "Bundle" else resource["resourceType"]
            answer = await it.house.intake.push(
                content, source=SOURCE, how="POST", resource_type=kind, own_id="", received_at=clock.now()
            )
            for push in answer.pushes:
                assert push is not None
                outcomes[f"{'Bundle' if not kind else 'resource'} {push.outcome}"] += 1
                assert push.outcome is not Outcome.PARKED, name
                if push.outcome is Outcome.REFUSED:
                    assert any(problem.fatal for problem in push.problems), name
                    assert all(
                        problem.field or problem.rule in ("structure", "too-costly") for problem in push.problems
                    )
                elif push.outcome is Outcome.RECORDED:
                    assert push.resources, name
        kept = await it.kept()
    assert len({row["content_hash"] for row in kept}) == len({content for _, _, content in examples})
    print(dict(outcomes))
    assert outcomes["resource recorded"] > 20
    assert sum(outcomes.values()) == len(examples) > 250


async def test_each_resource_of_the_bundles_is_stored_or_refused_with_its_paths(
    settings: Settings, examples: list[tuple[str, dict[str, Any], bytes]]
) -> None:
    """Whatever a Bundle was for, what it holds is one resource after the other, as a batch would bring them."""
    outcomes: Counter[str] = Counter()
    async with pushing(settings) as it:
        for name, bundle, _ in examples:
            if bundle["resourceType"] != "Bundle":
                continue
            entries = [
                {
                    **({"fullUrl": entry["fullUrl"]} if "fullUrl" in entry else {}),
                    "resource": entry["resource"],
                    "request": {"method": "POST", "url": entry["resource"]["resourceType"]},
                }
                for entry in bundle.get("entry", [])
                if "resource" in entry and "resourceType" in entry["resource"]
            ]
            # The patient first, as one who sends a batch must.
            entries.sort(key=lambda entry: entry["resource"]["resourceType"] != "Patient")
            if not entries:
                continue
            sent = json.dumps({"resourceType": "Bundle", "type": "batch", "entry": entries}).encode()
            answer = await it.house.intake.push(
                sent, source=SOURCE, how="POST", resource_type="", own_id="", received_at=clock.now()
            )
            assert answer.is_batch, name
            assert len(answer.pushes) == len(entries)
            for push in answer.pushes:
                assert push is not None
                outcomes[push.outcome] += 1
                assert push.outcome is not Outcome.PARKED, name
                assert (push.outcome is Outcome.REFUSED) == any(problem.fatal for problem in push.problems), name
    print(dict(outcomes))
    assert outcomes[Outcome.RECORDED] > 250
    assert sum(outcomes.values()) > 900
