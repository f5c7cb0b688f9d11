"""A change of policy is tried on the looks that people really took: who gains, who loses, and how often."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from carerecord import access, assembly, audit, cli, clock, database
from carerecord.access import SHIPPED
from carerecord.access.policies import compile_texts, shipped_texts
from carerecord.disclosure.sight import decision_words
from carerecord.model import Evidence, EvidenceClass, Purpose, Staff
from carerecord.settings import Settings
from tests.system import REGION

NHS_NUMBER = "9990000018"
CONSULTANT = Staff(
    user_id="555000000001", name="Amara Okafor", role_code="S8000:G8000:R8000", role="clinician",
    role_name="Clinical Practitioner", organisation="RTH", organisation_name="Oxford University Hospitals",
)  # fmt: skip
CLERK = msgspec.structs.replace(CONSULTANT, user_id="555000000002", role="admin", role_code="S8000:G8000:R8008")
WORKER = msgspec.structs.replace(CONSULTANT, user_id="555000000003", role="social-worker", activities=("B0083",))
APPOINTMENT = Evidence(kind=EvidenceClass.APPOINTMENT, id="A1", said_by="RTH")
NONE = Evidence(kind=EvidenceClass.NONE)
DECLARED = Evidence(kind=EvidenceClass.DECLARED, reason="Phoned by the ward", said_by="reader")
LOOKS = (
    [(CONSULTANT, APPOINTMENT, "launch", "opened")] * 3
    + [(CONSULTANT, DECLARED, "launch", "opened")] * 2
    + [(CLERK, NONE, "sign-in", "refused"), (WORKER, NONE, "sign-in", "refused")]
)


async def take_looks(settings: Settings) -> None:
    """As the door writes them; and what is no question of the policies: a search, and what was shown."""
    await assembly.prepare(settings)
    async with database.connect(settings, "serve") as db, audit.Writer.open(db) as witness:
        for number, (staff, evidence, route, kind) in enumerate(LOOKS, start=1):
            opened = await witness.witness(event(kind, staff, evidence, route, patient_key=number))
            if kind == "opened":
                shown = event("shown", staff, evidence, route, patient_key=number)
                await witness.witness(msgspec.structs.replace(shown, about=opened))
        await witness.witness(event("searched", CLERK, NONE, "sign-in", patient_key=0))


def event(kind: str, staff: Staff, evidence: Evidence, route: str, *, patient_key: int) -> audit.Event:
    decision = access.decide(
        access.Question.of(staff, evidence=evidence, organisation_in_agreement=True, route=route, purpose=Purpose.TREAT)
    )
    return audit.Event(
        kind=kind, patient_key=patient_key, staff=staff, purpose=Purpose.TREAT, evidence=evidence,
        decision=decision_words(decision), detail={"nhs_number": NHS_NUMBER}, route=route, session="s", at=clock.now(),
    )  # fmt: skip


async def asked(settings: Settings, *, days: int = 30) -> list[audit.Asked]:
    now = clock.now() + timedelta(minutes=1)
    async with database.connect(settings, "witness") as db:
        return await audit.list_asked(db, since=now - timedelta(days=days), until=now)


async def test_the_audit_counts_what_was_asked_and_names_nobody(settings: Settings) -> None:
    await take_looks(settings)
    found = await asked(settings)
    assert [(each.role, each.evidence, each.route, each.was_opened, each.looks) for each in found] == [
        ("clinician", "appointment", "launch", True, 3),
        ("clinician", "declared", "launch", True, 2),
        ("admin", "none", "sign-in", False, 1),
        ("social-worker", "none", "sign-in", False, 1),
    ]
    assert found[3].activities == ("B0083",)
    said = msgspec.json.encode(found).decode()
    assert not any(word in said for word in (NHS_NUMBER, CONSULTANT.user_id, CONSULTANT.name))
    assert await asked(settings, days=0) == []


async def test_the_same_policy_decides_every_look_as_it_was_decided(settings: Settings) -> None:
    await take_looks(settings)
    same = access.compare(await asked(settings), SHIPPED, SHIPPED, in_agreement=lambda code: code == "RTH")
    assert (same.looks, same.kinds, same.looks_changed, same.unlike_the_audit) == (7, 4, 0, 0)
    assert same.by_readers == same.on_paper == ()


async def test_who_loses_and_who_gains_is_said_with_the_looks_that_it_concerns(settings: Settings) -> None:
    await take_looks(settings)
    texts = shipped_texts()
    stricter = compile_texts(
        texts
        | {
            "relationship.cedar": texts["relationship.cedar"].replace(
                'context.evidence == "declared" && context.behind == "launch" };', "false };"
            ),
            "policy.toml": texts["policy.toml"].replace(
                'labels = ["social-care", "safeguarding", "third-party"]',
                'labels = ["social-care", "safeguarding", "third-party"]\nlimit = "Less."',
            ),
        }
    )
    found = access.compare(await asked(settings), SHIPPED, stricter, in_agreement=lambda code: code == "RTH")
    assert (found.looks_changed, found.looks_losing, found.looks_gaining) == (2, 2, 0)
    lost = found.by_readers[0]
    assert (lost.role, lost.organisation, lost.evidence, lost.before) == ("clinician", "RTH", "declared", "permit")
    assert lost.looks == 2
    assert "LETTERS" in lost.headings_lost
    assert {each.evidence for each in found.on_paper} == {"declared"}
    back = access.compare(await asked(settings), stricter, SHIPPED, in_agreement=lambda code: code == "RTH")
    assert (back.looks_gaining, back.looks_losing, back.unlike_the_audit) == (2, 0, 2)


def test_the_command_replays_the_audit_under_a_changed_file_and_speaks_json(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(take_looks(settings))
    (tmp_path / "region.toml").write_text(REGION.split("[[neighbour]]")[0])
    for name, value in (("DATABASE", settings.database), ("HOME", settings.home), ("REGION", tmp_path / "region.toml")):
        monkeypatch.setenv(f"CARERECORD_{name}", str(value))
    changed = tmp_path / "changed"
    changed.mkdir()
    matrix = shipped_texts()["policy.toml"]
    parts = 'parts = ["mental-health-in-brief", "social-care-in-brief", "safeguarding-flag"]'
    assert parts in matrix
    (changed / "policy.toml").write_text(matrix.replace(parts, 'parts = ["social-care-in-brief", "safeguarding-flag"]'))

    assert cli.main(["policy", "what-if", "shipped", str(changed), "--json"]) == 0
    said = capsys.readouterr()
    assert "4 kinds of question" in said.err
    found = json.loads(said.out)
    assert found["looks"] == 7
    consultant = next(each for each in found["by_readers"] if each["evidence"] == "appointment")
    assert consultant["labels_lost"]["PLANS"] == ["mental-health"]
    assert NHS_NUMBER not in said.out
    assert "555000000001" not in said.out

    assert cli.main(["policy", "what-if", "shipped", "shipped"]) == 0
    assert "Nobody would gain or lose anything." in capsys.readouterr().out
    assert cli.main(["policy", "what-if", "shipped", str(tmp_path / "nowhere")]) == 2
    assert "is not a folder" in capsys.readouterr().err
    since = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    assert cli.main(["policy", "what-if", "shipped", "in-force", "--since", since, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["looks"] == 0


def test_the_command_explains_a_refusal_and_a_permission(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (("DATABASE", settings.database), ("HOME", settings.home)):
        monkeypatch.setenv(f"CARERECORD_{name}", str(value))
    assert cli.main(["policy", "explain", "--role", "clinician", "--evidence", "none", "--route", "sign-in"]) == 0
    assert capsys.readouterr().out.startswith("The record opens only if you declare an emergency.")
    arguments = ["policy", "explain", "--role", "social-worker", "--evidence", "emergency", "--json"]
    assert cli.main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "deny"
    assert cli.main([*arguments, "--activity", "B0083"]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "permit"
    assert cli.main([*arguments, "--at", "2026-11-22T09:12"]) == 0
    assert json.loads(capsys.readouterr().out)["policy_version"] == SHIPPED.version
    with pytest.raises(SystemExit):
        cli.main(["policy", "explain", "--role", "clinician", "--evidence", "rumour"])
    assert "rumour" in capsys.readouterr().err
