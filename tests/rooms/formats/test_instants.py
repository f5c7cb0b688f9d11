"""Dates and times: precision as sent, local time of the source, and the days on which the clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from carerecord.formats.hl7v2.instants import parse_birth_date, parse_instant

LONDON = "Europe/London"


@pytest.mark.parametrize(
    ("sent", "text", "at"),
    [
        ("20261112", "2026-11-12", datetime(2026, 11, 12, tzinfo=UTC)),
        ("20260712", "2026-07-12", datetime(2026, 7, 11, 23, tzinfo=UTC)),
        ("2026-11", "2026-11", datetime(2026, 11, 1, tzinfo=UTC)),
        ("202611", "2026-11", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026", "2026", datetime(2026, 1, 1, tzinfo=UTC)),
        ("202611120830", "2026-11-12T08:30:00+00:00", datetime(2026, 11, 12, 8, 30, tzinfo=UTC)),
        ("202607120830", "2026-07-12T08:30:00+01:00", datetime(2026, 7, 12, 7, 30, tzinfo=UTC)),
        ("20260712083015.125", "2026-07-12T08:30:15.125+01:00", datetime(2026, 7, 12, 7, 30, 15, 125000, UTC)),
        ("20260712083015+0000", "2026-07-12T08:30:15+00:00", datetime(2026, 7, 12, 8, 30, 15, tzinfo=UTC)),
        ("20260712083015-0530", "2026-07-12T08:30:15-05:30", datetime(2026, 7, 12, 14, 0, 15, tzinfo=UTC)),
        ("2026-07-12 08:30:15", "2026-07-12T08:30:15+01:00", datetime(2026, 7, 12, 7, 30, 15, tzinfo=UTC)),
        ("2026-07-12T08:30:15Z", "2026-07-12T08:30:15+00:00", datetime(2026, 7, 12, 8, 30, 15, tzinfo=UTC)),
        ("2026071208", "2026-07-12T08:00:00+01:00", datetime(2026, 7, 12, 7, tzinfo=UTC)),
        ("20000101+", "2000-01-01", datetime(2000, 1, 1, tzinfo=UTC)),
        # The night the clocks go back: 01:30 comes twice and is taken as the first.
        ("202610250130", "2026-10-25T01:30:00+01:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("202610250230", "2026-10-25T02:30:00+00:00", datetime(2026, 10, 25, 2, 30, tzinfo=UTC)),
        # Before the railways a town had its own time; no offset of FHIR can say it.
        ("184001011200", "1840-01-01T12:01:15+00:00", datetime(1840, 1, 1, 12, 1, 15, tzinfo=UTC)),
    ],
)
def test_an_instant_keeps_its_precision_and_knows_its_zone(sent: str, text: str, at: datetime) -> None:
    instant = parse_instant(sent, LONDON)
    assert instant is not None
    assert (instant.text, instant.at) == (text, at)


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "soon",
        "2026-13",
        "20261312",
        "20260230",
        "2026111209301",
        "20261112250000",
        "99990101",
        "00010101",
        "２０２６",
    ],
)
def test_what_is_no_date_is_none(sent: str) -> None:
    assert parse_instant(sent, LONDON) is None


def test_a_source_elsewhere_has_its_own_clock() -> None:
    instant = parse_instant("202607120830", "Europe/Paris")
    assert instant is not None
    assert instant.at == datetime(2026, 7, 12, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sent", "born"),
    [
        ("19250704", date(1925, 7, 4)),
        ("19250704000000", date(1925, 7, 4)),
        ("19250704044401", date(1925, 7, 4)),
        ("19800601235959", date(1980, 6, 1)),
        # Local midnight of a summer's day, sent as the instant it is.
        ("19250703230000+0000", date(1925, 7, 4)),
        ("20260630230000Z", date(2026, 7, 1)),
        ("19800101000000+0000", date(1980, 1, 1)),
        # Not a midnight: the day is the one that was written.
        ("19880818112600+0215", date(1988, 8, 18)),
    ],
)
def test_a_day_of_birth_does_not_move_with_the_clocks(sent: str, born: date) -> None:
    assert parse_birth_date(sent, LONDON) == born


@pytest.mark.parametrize("sent", ["1980", "198001", "unknown", "19800230"])
def test_a_birth_date_without_its_day_is_none(sent: str) -> None:
    assert parse_birth_date(sent, LONDON) is None
