"""The operator's hand: each command against a real database, as its own process would run it."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from carerecord import assembly, audit, cli, clock, database, intake
from carerecord.cli import inbox
from carerecord.model import OriginalReference, Outcome, Problem
from carerecord.organisations import read_region
from carerecord.sensitivity import ListDoesNotFit
from carerecord.settings import Settings
from tests.system import REGION

NOT_YET = (
    b"MSH|^~\\&|CERNER|R1H|CARERECORD|LONDON|20261122120000||ADT^A17|SWAP1|P|2.4\rPID|1||77^^^R1H^MRN||Example^Anna\r"
)
GOOD = (
    b"MSH|^~\\&|CERNER|R1H|CARERECORD|LONDON|20261122120100||ADT^A28|NEW1|P|2.4\rEVN|A28|20261122120100\r"
    b"PID|1||78^^^R1H^MRN~9990000018^^^NHS^NH||Example^Bela||19700101|F\r"
)


@pytest.fixture
def operator(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The environment of an operator whose record holds one good message and one that is not translated yet."""
    (tmp_path / "region.toml").write_text(REGION.split("[[neighbour]]")[0])
    monkeypatch.setenv("CARERECORD_DATABASE", settings.database)
    monkeypatch.setenv("CARERECORD_HOME", str(settings.home))
    monkeypatch.setenv("CARERECORD_REGION", str(tmp_path / "region.toml"))

    chosen = msgspec.structs.replace(settings, region=tmp_path / "region.toml")
    asyncio.run(assembly.prepare(chosen))
    hear(chosen, NOT_YET, GOOD)
    return chosen


def hear(operator: Settings, *messages: bytes) -> list[intake.Receipt]:
    async def receive() -> list[intake.Receipt]:
        async with database.connect(operator, "listen") as db:
            region = read_region(operator.region)
            taking = intake.Intake(db, region, operator, clock=clock.now, random_key=clock.random_key)
            receipts = [await taking.receive(message, received_at=clock.now()) for message in messages]
            await taking.close()
        return receipts

    return asyncio.run(receive())


def looks(operator: Settings) -> list[audit.StoredEvent]:
    """What the operator did, as the audit has it."""

    async def read() -> list[audit.StoredEvent]:
        async with database.connect(operator, "work") as db:
            return [event for event in await audit.read_events(db) if event.route == "command-line"]

    return asyncio.run(read())


def test_an_operator_gives_a_reason_or_is_shown_nothing(operator: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["inbox", "show", "20261122-1"])
    assert "--because" in capsys.readouterr().err
    assert cli.main(["inbox", "show", "20261122-1", "--because", " "]) == 2
    said = capsys.readouterr()
    assert (said.out, "No reason was given" in said.err) == ("", True)
    assert looks(operator) == []


def test_the_inbox_lists_shows_and_replays(operator: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["inbox", "list"]) == 0
    listed = capsys.readouterr().out
    assert "ADT^A17" in listed
    assert "not translated yet" in listed
    reference = listed.split()[0]

    assert cli.main(["inbox", "show", reference, "--because", "It does not translate."]) == 0
    assert "PID|1||77^^^R1H^MRN" in capsys.readouterr().out
    (look,) = looks(operator)
    assert (look.kind, look.detail["because"], look.detail["original"]) == (
        "examined",
        "It does not translate.",
        reference,
    )

    assert cli.main(["inbox", "replay", reference]) == 0
    assert capsys.readouterr().out.startswith(f"{reference}: untranslated")
    assert cli.main(["inbox", "show", reference, "--because", "It does not translate."]) == 0
    assert "attempt 1" in capsys.readouterr().out


def test_the_inbox_speaks_json_and_narrows(operator: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["inbox", "list", "--json", "--outcome", "untranslated", "--source", "barts"]) == 0
    assert [item["control_id"] for item in json.loads(capsys.readouterr().out)] == ["SWAP1"]
    assert cli.main(["inbox", "list", "--outcome", "waiting"]) == 0
    assert capsys.readouterr().out == "Nothing waits.\n"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('service = "sexual-helth"', "sexual-helth is no service"),
        ('units = [["W7", "terminations"]]', "terminations is no service"),
        ('confidentiality = "secret"', "secret is no mark of confidentiality"),
    ],
)
def test_a_misspelt_service_or_mark_guards_nothing_and_is_told(
    operator: Settings, line: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    region = operator.region.read_text()
    operator.region.write_text(region.replace('id = "barts"', f'id = "barts"\n{line}'))
    assert cli.main(["region"]) == 2
    assert told in capsys.readouterr().err
    with pytest.raises(ListDoesNotFit, match=told):
        hear(operator)


def test_a_list_of_the_inbox_that_is_cut_says_so(operator: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    hear(operator, NOT_YET.replace(b"SWAP1", b"SWAP2"))
    assert cli.main(["inbox", "list", "--limit", "1"]) == 0
    cut = capsys.readouterr()
    assert (len(cut.out.splitlines()), "more than these 1" in cut.err) == (1, True)
    assert cli.main(["inbox", "list", "--limit", "2"]) == 0
    whole = capsys.readouterr()
    assert (len(whole.out.splitlines()), whole.err) == (2, "")


def test_the_inbox_is_listed_from_a_day_on(operator: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    today = datetime.now(UTC).date()
    assert cli.main(["inbox", "list", "--since", (today - timedelta(days=1)).isoformat()]) == 0
    assert "ADT^A17" in capsys.readouterr().out
    assert cli.main(["inbox", "list", "--since", (today + timedelta(days=1)).isoformat()]) == 0
    assert capsys.readouterr().out == "Nothing waits.\n"


def test_a_misspelt_source_is_no_empty_inbox(operator: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["inbox", "list", "--source", "nel-patology"]) == 2
    said = capsys.readouterr()
    assert (said.out, "nel-pathology" in said.err) == ("", True)
    assert cli.main(["inbox", "list", "--source", "unknown"]) == 0
    assert capsys.readouterr().out == "Nothing waits.\n"


@pytest.mark.parametrize("asked", [["--limit", "-5"], ["--limit", "0"], ["--since", "yesterday"]])
def test_a_list_that_cannot_be_is_not_begun(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["inbox", "list", *asked])
    assert asked[0] in capsys.readouterr().err


def test_a_message_that_is_not_there_is_said(operator: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["inbox", "show", "20261122-99999", "--because", "It is named in a call."]) == 1
    assert "inbox list" in capsys.readouterr().err
    assert cli.main(["inbox", "replay", "20261122-99999"]) == 1
    with pytest.raises(SystemExit):
        cli.main(["inbox", "show", "xyz", "--because", "x"])
    assert "such as 20261122-7" in capsys.readouterr().err


def test_a_setting_that_does_not_fit_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARERECORD_LISTEN_PORT", "abc")
    assert cli.main(["region"]) == 2
    assert "CARERECORD_LISTEN_PORT: Expected `int`" in capsys.readouterr().err


def test_what_stopped_a_message_is_listed_before_what_was_noticed() -> None:
    noticed = Problem(segment="MSH", field="MSH-7", rule="date and time", sentence="Noticed.", fatal=False)
    stopped = Problem(segment="PID", field="PID-3", rule="required", sentence="Stopped.", fatal=True)
    item = intake.Unsettled(
        reference=OriginalReference(date(2026, 11, 22), 7), source="barts", control_id="1", message_type="ADT^A08",
        received_at=datetime(2026, 11, 22, tzinfo=UTC), outcome=Outcome.REFUSED, attempts=0,
        problems=(noticed, stopped),
    )  # fmt: skip
    assert inbox.line_of(item).endswith("Stopped.")


def test_an_untouched_audit_verifies(operator: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["witness", "verify", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["findings"] == []


def test_what_is_backed_up_is_restored(operator: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "record.backup"
    assert cli.main(["backup", str(path)]) == 0
    assert path.stat().st_size > 0
    assert cli.main(["restore", str(path)]) == 2, "a record that holds something is not overwritten"
    assert cli.main(["restore", str(path), "--replace"]) == 0
    kept, restored = looks(operator)
    assert (kept.kind, kept.detail["what"], restored.kind, restored.detail["what"]) == (
        *("exported", "backup"),
        *("administered", "restore"),
    )
    assert restored.stream != kept.stream, "a chain that may be sealed further than the backup knows is not continued"
    capsys.readouterr()
    assert cli.main(["inbox", "list", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 1


def test_the_region_and_the_matrix_are_printed(operator: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["region", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sources"] == ["barts", "nel-pathology", "anyone"]
    assert cli.main(["policy"]) == 0
    assert re.search(r"administrator \| shown \| not shown", capsys.readouterr().out)


def test_whoever_reads_only_the_beginning_of_a_list_is_told_nothing_else(operator: Settings) -> None:
    hear(operator, *(NOT_YET.replace(b"SWAP1", b"SWAP%d" % number) for number in range(2, 700)))
    listed = subprocess.run(
        f"{sys.executable} -m carerecord inbox list --limit 1000 | head -1", shell=True, capture_output=True, text=True
    )
    assert ("ADT^A17" in listed.stdout, listed.stderr) == (True, "")


def test_a_region_that_does_not_fit_is_a_sentence(
    operator: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CARERECORD_REGION", "nowhere.toml")
    assert cli.main(["region"]) == 2
    assert "CARERECORD_REGION" in capsys.readouterr().err


def test_a_wrong_merge_is_found_undone_and_made_again_by_what_is_printed(
    operator: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    other = GOOD.replace(b"NEW1", b"NEW2").replace(b"78^^^R1H^MRN~9990000018^^^NHS^NH", b"79^^^R1H^MRN")
    merge = GOOD.replace(b"A28", b"A40").replace(b"NEW1", b"MERGE1") + b"MRG|79^^^R1H^MRN\r"
    _, merged = hear(operator, other, merge)
    because = ["--because", "The hospital says that it merged the wrong two."]
    assert cli.main(["patient-index", "show", str(merged.reference), *because, "--json"]) == 0
    stays, goes = json.loads(capsys.readouterr().out)
    assert (stays["number"], goes["number"], goes["rule"]) == ("78", "79", "A40")
    assert cli.main(["patient-index", "show", str(merged.reference), *because]) == 0
    person, identity = str(goes["patient_key"]), str(goes["identity_key"])
    assert f"{person}/{identity}/{goes['seq']}" in capsys.readouterr().out, "what a recall is asked by"

    decided = ["--by", "A. Operator", "--reason", "The hospital took it back."]
    assert cli.main(["patient-index", "unlink", person, identity, *decided]) == 0
    alone = re.search(r"is person (\d+) now", capsys.readouterr().out)
    assert alone
    assert cli.main(["patient-index", "show", str(merged.reference), *because, "--json"]) == 0
    assert [each["number"] for each in json.loads(capsys.readouterr().out)] == ["78"]

    assert cli.main(["patient-index", "link", alone[1], identity, "--to", person, *decided]) == 0
    capsys.readouterr()
    assert cli.main(["patient-index", "show", str(merged.reference), *because, "--json"]) == 0
    assert [each["number"] for each in json.loads(capsys.readouterr().out)] == ["78", "79"]
    assert [(look.kind, look.detail["what"]) for look in looks(operator)] == [
        *[("examined", "links")] * 2,
        ("administered", "unlink"),
        ("examined", "links"),
        ("administered", "link"),
        ("examined", "links"),
    ]


def test_what_is_of_nobody_has_no_links(operator: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    (refused,) = hear(operator, b"MSH|^~\\&|CERNER|R1H|C|L|20261122120000||ADT^A28|N1|P|2.4\r")
    assert cli.main(["patient-index", "show", str(refused.reference), "--because", "A call."]) == 1
    assert "of nobody" in capsys.readouterr().err


def test_a_link_that_is_not_there_cannot_be_undone(operator: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["patient-index", "unlink", "1", "2", "--by", "A. Operator", "--reason", "a test"]) == 2
    assert capsys.readouterr().err
