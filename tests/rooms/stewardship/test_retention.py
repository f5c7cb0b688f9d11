"""Retention: what falls due when, by data; and nothing goes by itself."""

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec
import pytest

from carerecord import cli, clock, database
from carerecord.settings import Settings
from carerecord.stewardship import retention
from carerecord.stewardship.retention_rules import OwnRule, due_on
from tests.rooms.stewardship.removals import held
from tests.safety.ward import ARTHUR, JOAN, PRACTICE, REGION, but, letter, open_ward, visit, wrote
from tests.system import REGION as REGION_FILE

SCHEDULE = retention.read_schedule()
LONG_AGO = "20100305120000"
CHILD, SEVENTEEN = date(2005, 6, 1), date(2000, 1, 1)


@pytest.mark.parametrize(
    ("kind", "last", "born", "died", "due"),
    [
        ("hospital", date(2010, 3, 5), date(1948, 3, 12), None, date(2018, 3, 5)),
        ("laboratory", date(2012, 2, 29), date(1948, 3, 12), None, date(2020, 2, 29)),
        ("community", date(2012, 2, 29), None, date(2012, 3, 1), date(2020, 2, 29)),
        ("hospital", date(2010, 3, 5), CHILD, None, date(2030, 6, 1)),  # a child: the 25th birthday is later
        ("hospital", date(2017, 5, 1), SEVENTEEN, None, date(2026, 1, 1)),  # 17 then: the 26th birthday
        ("hospital", date(2018, 5, 1), SEVENTEEN, None, date(2026, 5, 1)),  # 18 then: eight years, as an adult
        ("hospital", date(2010, 3, 5), CHILD, date(2010, 4, 1), date(2018, 4, 1)),  # a child who died
        ("mental-health", date(2010, 3, 5), date(1948, 3, 12), None, date(2030, 3, 5)),
        ("mental-health", date(2010, 3, 5), date(1948, 3, 12), date(2012, 1, 1), date(2022, 1, 1)),
        ("practice", date(1990, 3, 5), date(1948, 3, 12), None, None),  # while the person lives
        ("practice", date(1990, 3, 5), date(1948, 3, 12), date(2014, 2, 28), date(2024, 2, 28)),
        ("ambulance", date(2012, 2, 29), date(1948, 3, 12), None, date(2022, 3, 1)),
    ],
)
def test_what_falls_due_when(kind: str, last: date, born: date | None, died: date | None, due: date | None) -> None:
    rule = SCHEDULE.rule_of(kind, "any")
    assert due_on(rule, last_contact=last, birth_date=born, died_on=died) == due


def test_a_source_may_keep_less_and_never_more() -> None:
    own = {"short": OwnRule(years=2, basis="agreed"), "long": OwnRule(years=30, basis="wished")}
    schedule = msgspec.structs.replace(SCHEDULE, own=own)
    assert [schedule.rule_of("hospital", source).years for source in ("short", "long", "other")] == [2, 8, 8]
    assert schedule.rule_of("practice", "short").years == 2


def test_every_rule_names_its_basis_and_the_schedule_its_review() -> None:
    assert all(rule.basis for rule in SCHEDULE.rule)
    assert SCHEDULE.source
    assert SCHEDULE.review_by > date(2026, 1, 1)
    assert SCHEDULE.rule[-1].kinds == ("*",)


def test_what_is_due_is_listed_and_goes_only_by_two(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: object
) -> None:
    import asyncio
    from pathlib import Path

    file = Path(str(tmp_path)) / "region.toml"
    file.write_text(REGION_FILE.split("[[neighbour]]")[0])
    monkeypatch.setenv("CARERECORD_DATABASE", settings.database)
    monkeypatch.setenv("CARERECORD_HOME", str(settings.home))
    monkeypatch.setenv("CARERECORD_REGION", str(file))
    assert cli.main(["removal", "due"]) == 0
    assert "Nothing is due" in capsys.readouterr().out
    assert cli.main(["removal", "due", "--apply", "--by", "Ann"]) == 2
    assert "at the records desk" in capsys.readouterr().err
    assert cli.main(["removal", "due", "--apply", "--by", "Ann", "--agreed-by", "Bo"]) == 2
    assert "at the records desk" in capsys.readouterr().err
    monkeypatch.setenv("CARERECORD_RETENTION_GUARDIAN", "Dr B Guardian")
    assert cli.main(["removal", "due", "--apply", "--by", "Ann"]) == 0
    assert "0 identities were withdrawn" in capsys.readouterr().out

    async def listed() -> None:
        async with open_ward(settings) as ward:
            await ward.hear(
                wrote("ADT^A01", visit("V1"), at=LONG_AGO),
                wrote("ADT^A01", visit("V2"), about=ARTHUR),
                letter("D1", "Long ago.", by=PRACTICE, about=but(JOAN, number="P1"), at=LONG_AGO),
            )
            assert await held(ward, await ward.key_of(JOAN))
        async with database.connect(settings, "remove") as db:
            due = await retention.list_due(db, REGION, SCHEDULE, at=clock.now())
            assert [(each.source, each.since) for each in due] == [
                ("barts", date(2018, 3, 5)),
                ("marsh-lane", date(2018, 3, 5)),  # of no kind in this region, so of the last class
            ]
            earlier = datetime(2018, 3, 4, tzinfo=UTC)
            assert await retention.list_due(db, REGION, SCHEDULE, at=earlier) == []
            assert retention.counted(due)["barts", SCHEDULE.rule[-1].name] == 1

    asyncio.run(listed())
