"""Whoever can write the whole database, chains and heads with it, cannot rewrite what was sealed: each row is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from carerecord import audit, database, logs
from carerecord.audit import keys, sealer, seals
from carerecord.audit.sealer import Sealer, SealsLost
from carerecord.settings import Settings
from tests.rooms.audit.sealed_house import sealed_house
from tests.rooms.audit.test_verify import COLUMNS
from tests.rooms.audit.test_witness import event


async def test_a_sealed_audit_holds_and_what_is_not_sealed_yet_hangs_on_its_chain(
    settings: Settings, tmp_path: Path
) -> None:
    async with sealed_house(settings, tmp_path) as house:
        report = await house.verified()
        assert (report.events, report.seals, report.sealed_events, report.findings) == (33, 3, 31, ())
        await house.owner.execute("update audit.event set session = 'x' where stream = 1 and seq = 24")
        assert await house.found() == [("changed", 1, 24)]


@pytest.mark.parametrize("column", [column for column in COLUMNS if column != "hash"])
async def test_a_change_of_any_column_with_the_whole_chain_made_anew_is_found_by_its_row(
    settings: Settings, tmp_path: Path, column: str
) -> None:
    async with sealed_house(settings, tmp_path) as house:
        digest = column in ("manner", "grounds")
        value = "sha256('another')" if digest else COLUMNS[column]
        await house.owner.execute(f"update audit.entry set {column} = {value} where stream = 1 and seq = 9")
        await house.relink(1)
        # The chain alone does not show it, but that no text stands under a digest.
        assert {finding.fault.value for finding in (await house.verified(seals=False)).findings} == (
            {"text"} if digest else set()
        )
        report = await house.verified()
        row, chain = (finding for finding in report.findings if finding.seq < 22)
        assert (row.fault, row.seq, row.column) == ("changed", 9, column)
        assert (chain.fault, chain.column) == ("changed", "hash")
        assert "Events 10 to 22" in chain.sentence


async def test_a_change_of_what_was_like_nothing_nearby_is_found_without_its_column(
    settings: Settings, tmp_path: Path
) -> None:
    async with sealed_house(settings, tmp_path, is_written=False) as house:
        await house.writers[0].witness(event(detail={"said": "once"}))
        await house.seal()
        await house.owner.execute("update audit.event set detail = '{}'")
        await house.relink(1)
        (row, _) = (await house.verified()).findings
        assert (row.fault, row.seq, row.column) == ("changed", 1, None)
        assert row.sentence == "Event 1 was changed after it was sealed."


@pytest.mark.parametrize("seq", [1, 7, 8, 22])
async def test_first_and_last_rows_of_seals_are_held_too(settings: Settings, tmp_path: Path, seq: int) -> None:
    async with sealed_house(settings, tmp_path) as house:
        await house.owner.execute("update audit.event set session = 'no one' where stream = 1 and seq = $1", seq)
        await house.relink(1)
        assert (await house.found())[0] == ("changed", 1, seq)


async def test_a_hash_changed_alone_is_named(settings: Settings, tmp_path: Path) -> None:
    async with sealed_house(settings, tmp_path) as house:
        await house.owner.execute("update audit.event set hash = sha256(hash) where stream = 2 and seq = 3")
        (finding,) = (await house.verified()).findings
        assert (finding.stream, finding.seq, finding.column) == (2, 3, "hash")


async def test_a_row_moved_to_another_patient_is_named_as_that(settings: Settings, tmp_path: Path) -> None:
    async with sealed_house(settings, tmp_path) as house:
        await house.owner.execute("update audit.event set patient_key = 999 where stream = 1 and seq = 12")
        await house.relink(1)
        finding = (await house.verified()).findings[0]
        assert (finding.fault, finding.seq, finding.column, finding.patient_key) == ("changed", 12, "patient_key", 999)


async def test_rows_exchanged_are_named_with_where_they_belong(settings: Settings, tmp_path: Path) -> None:
    async with sealed_house(settings, tmp_path) as house:
        await house.owner.execute(
            "update audit.event set seq = case seq when 3 then -9 else -3 end where stream = 1 and seq in (3, 9)"
        )
        await house.owner.execute("update audit.event set seq = -seq where seq < 0")
        await house.relink(1)
        moved = [finding for finding in (await house.verified()).findings if finding.fault == "moved"]
        assert [(finding.seq, finding.sentence) for finding in moved] == [
            (3, "Event 3 was moved: it was sealed as event 9."),
            (9, "Event 9 was moved: it was sealed as event 3."),
        ]


async def test_a_row_moved_into_another_stream_is_named_in_both(settings: Settings, tmp_path: Path) -> None:
    async with sealed_house(settings, tmp_path) as house:
        await house.owner.execute(
            "update audit.event set stream = 2, seq = 5, patient_key = patient_key where stream = 1 and seq = 5"
        )
        report = await house.verified()
        assert ("missing", 1, 5) in [(each.fault, each.stream, each.seq) for each in report.findings]
        (moved,) = [each for each in report.findings if each.stream == 2]
        assert (moved.fault, moved.seq) == ("moved", 5)
        assert moved.sentence == "Event 5 was moved: it was sealed as event 5 of stream 1."


async def test_a_row_taken_out_with_the_others_moved_up_is_found_by_its_place(
    settings: Settings, tmp_path: Path
) -> None:
    async with sealed_house(settings, tmp_path) as house:
        await house.owner.execute("delete from audit.event where stream = 1 and seq = 10")
        await house.owner.execute("update audit.event set seq = -(seq - 1) where stream = 1 and seq > 10")
        await house.owner.execute("update audit.event set seq = -seq where seq < 0")
        await house.relink(1)
        assert (await house.verified(seals=False)).is_sound
        report = await house.verified()
        first = report.findings[0]
        assert (first.fault, first.seq) == ("moved", 10)
        assert first.sentence == "Event 10 was moved: it was sealed as event 11."


async def test_a_row_put_in_with_the_others_moved_down_is_found(settings: Settings, tmp_path: Path) -> None:
    async with sealed_house(settings, tmp_path) as house:
        await house.owner.execute("update audit.event set seq = -(seq + 1) where stream = 1 and seq >= 10")
        await house.owner.execute("update audit.event set seq = -seq where seq < 0")
        await house.copy_of(3, seq=10, session="{}")
        await house.relink(1)
        assert (await house.verified(seals=False)).is_sound
        named = {(finding.fault.value, finding.seq) for finding in (await house.verified()).findings}
        assert ("changed", 10) in named
        assert ("moved", 11) in named


async def test_a_second_row_at_one_place_is_the_one_that_was_put_in(settings: Settings, tmp_path: Path) -> None:
    async with sealed_house(settings, tmp_path) as house:
        for patient_key in (-5, 500_000):
            await house.copy_of(6, patient_key=patient_key)
            assert await house.found() == [("inserted", 1, 6)]
            await house.owner.execute("delete from audit.event where patient_key = $1", patient_key)


async def test_a_row_taken_out_is_named(settings: Settings, tmp_path: Path) -> None:
    async with sealed_house(settings, tmp_path) as house:
        await house.owner.execute("delete from audit.event where stream = 1 and seq in (4, 5)")
        assert await house.found() == [("missing", 1, 4)]


async def test_a_tail_cut_off_with_its_head_set_back_is_named(settings: Settings, tmp_path: Path) -> None:
    async with sealed_house(settings, tmp_path) as house:
        await house.owner.execute("delete from audit.event where stream = 1 and seq > 18")
        await house.relink(1)
        assert (await house.verified(seals=False)).is_sound
        assert await house.found() == [("head", 1, 18), ("cut", 1, 19)]


async def test_a_stream_dropped_whole_is_named(settings: Settings, tmp_path: Path) -> None:
    async with sealed_house(settings, tmp_path) as house:
        await house.owner.execute("delete from audit.event where stream = 2")
        await house.owner.execute("delete from audit.stream where stream = 2")
        assert (await house.verified(seals=False)).is_sound
        assert await house.found() == [("cut", 2, 1), ("head", 2, 9)]


async def test_everything_dropped_is_named(settings: Settings, tmp_path: Path) -> None:
    async with sealed_house(settings, tmp_path) as house:
        await house.owner.execute("truncate audit.entry, audit.stream, audit.seal")
        assert (await house.verified(seals=False)).is_sound
        assert [finding[1:] for finding in await house.found() if finding[0] == "cut"] == [(1, 1), (2, 1)]


async def test_seals_forged_with_another_key_are_not_believed(settings: Settings, tmp_path: Path) -> None:
    async with sealed_house(settings, tmp_path) as house:
        await house.owner.execute("update audit.event set session = 'x' where stream = 1 and seq = 9")
        await house.relink(1)
        await house.owner.execute("truncate audit.seal")
        for path in house.folder.path.iterdir():
            path.unlink()
        forger = keys.FileSigner(tmp_path / "other")
        forger.make(at=house.now)
        await Sealer(house.work, house.folder, forger, clock=lambda: house.now).seal()
        finding = (await house.verified()).findings[0]
        assert (finding.fault, finding.sentence) == (
            "seal",
            "No seal is signed by a key that you trust: all of them are forged.",
        )


async def test_seals_forged_behind_true_ones_are_not_believed(settings: Settings, tmp_path: Path) -> None:
    async with sealed_house(settings, tmp_path) as house:
        forger = keys.FileSigner(tmp_path / "other")
        key = forger.make(at=house.now)
        last = house.folder.read_last()
        assert last is not None
        forged = seals.SignedSeal.read(
            await keys.sign_compact(forger, key, keys.unbase64url(last.signed.split(".")[1]))
        )
        house.folder.write(forged, [])
        assert ("seal", 0, 3) in await house.found()


async def test_a_seal_or_a_leaf_that_was_changed_or_taken_away_is_named(settings: Settings, tmp_path: Path) -> None:
    async with sealed_house(settings, tmp_path) as house:
        (listed,), (leaves,) = house.folder.path.glob("*.seals"), house.folder.path.glob("*.leaves")
        whole, lines = leaves.read_bytes(), listed.read_text().splitlines(keepends=True)
        leaves.write_bytes(whole[: 9 * 32] + bytes([whole[9 * 32] ^ 1]) + whole[9 * 32 + 1 :])
        assert await house.found() == [("seal", 0, 2)]
        leaves.write_bytes(whole[: 20 * 32])
        assert await house.found() == [("seal", 0, 3)]
        leaves.write_bytes(whole)
        listed.write_text("".join((lines[0], lines[2])))
        assert ("seal", 0, 2) in await house.found()
        listed.write_text("".join(lines[:2]))
        assert await house.found() == [("seal", 0, 3)], "the database's copy says that there was one more"
        listed.write_text("".join((lines[0], lines[1].replace("A", "B", 1), lines[2])))
        assert ("seal", 0, 2) in await house.found()
        listed.write_text("".join(lines))
        assert await house.found() == []


async def test_what_a_crash_left_half_written_is_passed_over(settings: Settings, tmp_path: Path) -> None:
    async with sealed_house(settings, tmp_path) as house:
        (listed,), (leaves,) = house.folder.path.glob("*.seals"), house.folder.path.glob("*.leaves")
        for path, torn in ((leaves, b"\x01" * 40), (listed, b"eyJhbGciOiJFZDI1NTE5Iiwia2")):
            with path.open("ab") as file:
                file.write(torn)
        again = Sealer(house.work, house.folder, house.signer, clock=lambda: house.now)
        await again.seal()
        report = await house.verified()
        assert (report.seals, report.sealed_events, report.findings) == (4, 33, ())


async def test_where_the_folder_cannot_be_written_the_witness_goes_on_and_it_is_said(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with sealed_house(settings, tmp_path, is_written=False) as house:
        house.folder.path.parent.joinpath("seals").write_text("a file where the folder should be")
        await house.write(3)
        with pytest.raises(OSError):
            await house.sealer.seal()
        assert await sealer.are_seals_late(house.work, settings, at=house.now)
        house.folder.path.unlink()
        await house.write(1)
        await house.seal()
        assert not await sealer.are_seals_late(house.work, settings, at=house.now)
        report = await house.verified()
        assert (report.sealed_events, report.findings) == (4, ())


async def test_a_folder_that_lost_its_end_is_not_sealed_into(settings: Settings, tmp_path: Path) -> None:
    async with sealed_house(settings, tmp_path) as house:
        (listed,) = house.folder.path.glob("*.seals")
        listed.write_text("".join(listed.read_text().splitlines(keepends=True)[:2]))
        with pytest.raises(SealsLost):
            await Sealer(house.work, house.folder, house.signer, clock=lambda: house.now).seal()


async def test_the_sealer_says_within_a_minute_that_a_chain_was_made_anew(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[logs.Line, dict[str, object]]] = []
    monkeypatch.setattr(logs, "say", lambda line, **fields: said.append((line, fields)))
    async with sealed_house(settings, tmp_path) as house:
        await house.owner.execute("update audit.event set session = 'x' where stream = 1 and seq = 9")
        await house.relink(1)
        await house.seal()
        assert (logs.Line.WITNESS_BROKEN, {"stream": 1, "seq": 23}) in said
        said.clear()
        await house.owner.execute("delete from audit.event where stream = 2 and seq > 4")
        await house.relink(2)
        await house.seal()
        assert said == [(logs.Line.WITNESS_BROKEN, {"stream": 2, "seq": 4})]


async def test_an_event_missing_before_it_was_sealed_keeps_its_place(settings: Settings, tmp_path: Path) -> None:
    async with sealed_house(settings, tmp_path, is_written=False) as house:
        await house.write(9)
        await house.owner.execute("delete from audit.event where seq = 4")
        await house.seal()
        await house.write(3)
        await house.seal()
        report = await house.verified()
        assert report.sealed_events == 12
        await house.copy_of(3, seq=4)
        assert ("inserted", 1, 4) in await house.found()


async def test_many_events_are_sealed_in_portions_and_none_is_left_out(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealer, "EVENTS_MAX", 7)
    monkeypatch.setattr(sealer, "ROWS_AT_ONCE", 3)
    async with sealed_house(settings, tmp_path, is_written=False) as house:
        await house.write(20)
        await house.write(11, writer=1)
        await house.seal()
        report = await house.verified()
        assert (report.seals, report.sealed_events, report.findings) == (5, 31, ())
        await house.owner.execute("update audit.event set session = 'x' where stream = 2 and seq = 2")
        assert await house.found() == [("changed", 2, 2)]


async def test_a_restored_database_begins_new_streams_and_what_it_lacks_is_named(
    settings: Settings, tmp_path: Path
) -> None:
    async with sealed_house(settings, tmp_path) as house:
        await house.owner.execute("delete from audit.event where stream = 1 and seq > 18")
        await house.relink(1)
        await audit.retire_streams(house.owner)
        async with (
            database.connect(settings, "serve") as serve,
            audit.Writer.open(serve, clock=lambda: house.now) as writer,
        ):
            assert (await writer.witness(event())).stream == 3
        await house.seal()
        assert await house.found() == [("head", 1, 18), ("cut", 1, 19)]
