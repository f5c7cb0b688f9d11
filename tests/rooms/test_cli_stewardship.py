"""The hand of the desks on the command line: objections, opt-outs, switches, and what neighbours' launches rest on."""

from __future__ import annotations

import asyncio
import io
import json
from datetime import timedelta
from pathlib import Path

import pytest

from carerecord import assembly, cli, clock, database, intake
from carerecord.organisations import read_region
from carerecord.settings import Settings
from tests.system import REGION

BELA = (
    b"MSH|^~\\&|CERNER|R1H|CARERECORD|LONDON|20261122120100||ADT^A28|NEW1|P|2.4\rEVN|A28|20261122120100\r"
    b"PID|1||78^^^R1H^MRN~9990000018^^^NHS^NH||Example^Bela||19700101|F\r"
)
WHO = "9990000018\n1970-01-01\n"


@pytest.fixture
def steward(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The environment of somebody who looks after a record that knows one person."""
    (tmp_path / "region.toml").write_text(REGION.split("[[neighbour]]")[0])
    monkeypatch.setenv("CARERECORD_DATABASE", settings.database)
    monkeypatch.setenv("CARERECORD_HOME", str(settings.home))
    monkeypatch.setenv("CARERECORD_REGION", str(tmp_path / "region.toml"))

    async def receive() -> None:
        await assembly.prepare(settings)
        async with database.connect(settings, "listen") as db:
            region = read_region(tmp_path / "region.toml")
            taking = intake.Intake(db, region, settings, clock=clock.now, random_key=clock.random_key)
            await taking.receive(BELA, received_at=clock.now())
            await taking.close()

    asyncio.run(receive())
    return settings


def test_an_objection_is_received_listed_decided_and_withdrawn_without_a_number_on_the_command_line(
    steward: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(WHO))
    assert cli.main(["objection", "receive", "--scope", "heading", "--value", "RESULTS", "--by", "Ada Obi"]) == 0
    reference = capsys.readouterr().out.split()[0]
    assert cli.main(["objection", "list", "--by", "Ada Obi", "--json"]) == 0
    [listed] = json.loads(capsys.readouterr().out)
    assert (listed["reference"], listed["state"], listed["value"]) == (reference, "weighed", "RESULTS")
    assert "9990000018" not in json.dumps(listed)
    assert cli.main(["objection", "decide", reference, "--overruled", "--reason", "no", "--by", "Cai Jones"]) == 2
    assert "Say why" in capsys.readouterr().err
    decided = ["objection", "decide", reference, "--upheld", "--reason", "She is at risk.", "--by", "Cai Jones"]
    assert cli.main(decided) == 0
    assert "upheld" in capsys.readouterr().out
    assert cli.main(["objection", "withdraw", reference, "--reason", "She telephoned.", "--by", "Ada Obi"]) == 0
    capsys.readouterr()
    assert cli.main(["objection", "list", "--all", "--by", "Ada Obi"]) == 0
    assert "withdrawn" in capsys.readouterr().out


@pytest.mark.parametrize("typed", ["", "9990000018\n", "9990000018\n01/01/1970\n"])
def test_a_person_who_is_not_named_whole_is_asked_for_again(
    steward: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert cli.main(["objection", "receive", "--by", "Ada Obi"]) == 2
    said = capsys.readouterr().err
    assert "standard input" in said
    assert "9990000018" not in said


def test_a_switch_takes_two_accounts_and_is_listed(steward: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["switch", "list"]) == 0
    assert "Nothing is cut" in capsys.readouterr().out
    asked = ["switch", "cut", "route", "sign-in", "--by", "Ada Obi", "--because", "The provider is attacked."]
    assert cli.main(asked) == 0
    reference = capsys.readouterr().out.split(":")[0]
    assert cli.main(["switch", "agree", reference, "--by", "Bea Patel"]) == 2  # Another name, the same account.
    assert "second person" in capsys.readouterr().err
    assert cli.main(["switch", "list"]) == 0
    assert f"cut route sign-in, asked by Ada Obi: {reference}" in capsys.readouterr().out
    assert cli.main(["switch", "withdraw", reference, "--by", "Ada Obi"]) == 0
    assert cli.main(["switch", "cut", "organisation", "ZZZ", "--by", "Ada Obi", "--because", "A mistake."]) == 2
    assert "no such organisation" in capsys.readouterr().err


def test_a_list_of_opt_outs_is_imported_or_refused_by_its_line(
    steward: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "list.csv").write_text("9990000018\n9990000026\n")
    assert cli.main(["objection", "opt-out", "import", str(tmp_path / "list.csv"), "--by", "Ada Obi"]) == 0
    assert capsys.readouterr().out.startswith("2 numbers")
    (tmp_path / "list.csv").write_text("9990000018\nnobody\n")
    assert cli.main(["objection", "opt-out", "import", str(tmp_path / "list.csv"), "--by", "Ada Obi"]) == 2
    assert "line 2" in capsys.readouterr().err


def test_shares_of_a_month_are_said_for_every_neighbour(steward: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["evidence", "shares", "--month", "2026-11"]) == 0
    assert capsys.readouterr().out == "There is no neighbour.\n"
    with pytest.raises(SystemExit):
        cli.main(["evidence", "shares", "--month", "November"])


def test_a_person_is_listed_by_a_reference_and_taken_off(
    steward: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    until = (clock.now() + timedelta(days=30)).date().isoformat()
    monkeypatch.setattr("sys.stdin", io.StringIO(WHO))
    because = ["--because", "In the news every evening", "--by", "Ada Obi"]
    assert cli.main(["listed", "add", "--until", until, *because]) == 0
    reference = capsys.readouterr().out.split()[0]
    assert cli.main(["listed", "list", "--by", "Ada Obi", "--json"]) == 0
    said = capsys.readouterr().out
    assert [each["because"] for each in json.loads(said)] == ["In the news every evening"]
    assert "9990000018" not in said
    assert cli.main(["listed", "remove", "nonsense", *because]) == 2
    assert cli.main(["listed", "remove", reference, *because]) == 0
    assert cli.main(["listed", "list", "--by", "Ada Obi"]) == 0
    assert "Nobody is listed" in capsys.readouterr().out


def test_a_request_without_proof_waits_and_is_extended_once(
    steward: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(WHO))
    assert cli.main(["subject-access", "open", "--requester", "a solicitor", "--by", "Ada Obi"]) == 0
    said = capsys.readouterr().out
    number = said.split()[0]
    assert "clock stands" in said
    assert cli.main(["subject-access", "worklist", number, "--by", "Ada Obi"]) == 2
    identify = ["subject-access", "identify", number, "--identity-check", "Passport seen", "--by", "Ada Obi"]
    assert cli.main(identify) == 0
    extend = ["subject-access", "extend", number, "--because", "Nineteen volumes", "--by", "Ada Obi"]
    assert [cli.main(extend), cli.main(extend)] == [0, 2]
    assert "extended before" in capsys.readouterr().err
