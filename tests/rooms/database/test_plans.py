"""What is asked all day is answered by index, however much is held: plans of the roles that ask, on large tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

from carerecord import database, intake, patient_index, record
from carerecord.database import Database
from carerecord.record import fold
from carerecord.settings import Settings

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
IDENTITIES = 200_000
PATIENTS, ROWS_EACH = 20_000, 10
STRETCH = 2_000

FILL_INDEX = f"""
    insert into patient_index.identity
    select n, n, n, 'barts', 'barts:MRN', 'M' || n, '999' || n, true, '{{}}', now()
    from generate_series(1, {IDENTITIES}) n;
    insert into patient_index.member select n, n, n from generate_series(1, {IDENTITIES}) n;
    insert into patient_index.identifier select 'M' || n, 'barts:MRN', n, n from generate_series(1, {IDENTITIES}) n;
    insert into patient_index.nhs_number select '999' || n, n, n from generate_series(1, {IDENTITIES}) n;
    analyze;
"""
FILL_LOG = f"""
    insert into record.log (patient_key, identity_key, source, original_day, original_seq, received_at, statement_count,
                            header, body)
    select n % {PATIENTS} * 7919, 1, 'barts', '2026-11-22', n, '{NOW:%Y-%m-%d %H:%M}Z', 1, '', ''
    from generate_series(1, {PATIENTS * ROWS_EACH}) n
"""


async def plan(db: Database, query: str, *arguments: object, run: bool = False) -> list[dict[str, Any]]:
    """Every node of the plan. `run` really asks, and counts what each node read."""
    (row,) = await db.fetch(f"explain ({'analyze, ' if run else ''}format json) {query}", *arguments)
    return list(_nodes(json.loads(row[0])[0]["Plan"]))


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node.get("Plans", ()):
        yield from _nodes(inner)


def tables_read_whole(nodes: list[dict[str, Any]]) -> set[str]:
    return {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"}


def rows_read(nodes: list[dict[str, Any]]) -> float:
    scans = [node for node in nodes if "Relation Name" in node]
    return sum((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"] for node in scans)


async def test_patients_are_found_by_index_among_many(settings: Settings) -> None:
    async with database.connect(settings, "owner") as owner, database.connect(settings, "listen") as listen:
        await owner.execute(FILL_INDEX)
        names = [f"M{number}" for number in range(1, 41)]
        systems, numbers = ["barts:MRN"] * len(names), [f"999{number}" for number in range(1, 41)]
        queries = database.queries(patient_index.__name__)
        found = await plan(listen, queries["find_identities"], systems, names, run=True)
        concerned = await plan(listen, queries["find_concerned"], systems, names, numbers, run=True)
        written = await plan(listen, queries["write"], [], *[[]] * 7, [], *[[]] * 3)
        for nodes in (found, concerned, written):
            assert tables_read_whole(nodes) == set()
        assert rows_read(found) <= 2 * len(names)
        assert rows_read(concerned) <= 10 * len(names)


async def test_a_batch_is_kept_by_index_among_many(settings: Settings) -> None:
    async with database.connect(settings, "owner") as owner, database.connect(settings, "listen") as listen:
        await owner.execute(FILL_INDEX)
        arriving = (date(2026, 11, 22), 1, "barts", "M1", 1, b"", b"h" * 16, NOW, "recorded", "ADT^A01", None, 5, 5)
        newer, appended = (5, 5, b"{}", NOW), (5, 5, "barts", date(2026, 11, 22), 1, NOW, 1, b"", b"")
        keep = database.queries(intake.__name__)["keep"]
        nodes = await plan(listen, keep, [arriving], [newer], [appended], [5], [5], [NOW], [], run=True)
        assert tables_read_whole(nodes) == set()
        assert rows_read(nodes) <= 4
        assert await owner.fetchval("select count(*) from record.log") == 1


async def test_looking_for_who_is_to_be_folded_reads_a_stretch_and_not_the_whole_log(settings: Settings) -> None:
    async with database.connect(settings, "owner") as owner, database.connect(settings, "work") as work:
        await owner.execute(FILL_LOG)
        queries = database.queries(record.__name__)
        first, last = -(2**63), PATIENTS * 7919
        end = await work.fetchval(queries["find_stretch_end"], first, STRETCH)
        ending = await plan(work, queries["find_stretch_end"], first, STRETCH, run=True)
        picking = await plan(work, queries["pick_patients"], ROWS_EACH + 1, NOW, 100, first, end, run=True)
        assert tables_read_whole(ending) | tables_read_whole(picking) == set()
        assert rows_read(ending) <= STRETCH + 1
        assert rows_read(picking) <= STRETCH + 2 * ROWS_EACH + 200
        assert (
            len(await work.fetch(queries["pick_patients"], ROWS_EACH, datetime(1999, 1, 1, tzinfo=UTC), 9, end, last))
            == 9
        )
        going, looks = fold.Round(), 0
        while not looks or going.after > first:
            looks += 1
            assert not await fold.fold_some(
                work, patients_max=9, at=NOW, rows_min=ROWS_EACH + 1, stretch_rows=STRETCH * 10, going=going
            )
        assert looks == PATIENTS * ROWS_EACH // (STRETCH * 10)
