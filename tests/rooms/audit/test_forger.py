"""A forger with the database's superuser, the folder of seals and days of time, but without the key that signs."""

from __future__ import annotations

import argparse
import shutil
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from carerecord import audit, database, logs
from carerecord.audit import chain, seals
from carerecord.audit.export import export, verify_offline
from carerecord.audit.sealer import Sealer, SealsLost
from carerecord.audit.seals import Folder
from carerecord.cli import witness as commands
from carerecord.settings import Settings
from tests.rooms.audit.sealed_house import SealedHouse, sealed_house
from tests.rooms.audit.test_witness import AT, event


def sealer_of(house: SealedHouse) -> Sealer:
    """As after a restart: it knows what it reads."""
    return Sealer(house.work, house.folder, house.signer, clock=lambda: house.now, mark=house.mark)


def set_back(house: SealedHouse, *, keep: int) -> None:
    """The folder as it was after so many seals."""
    (listed,) = house.folder.path.glob("*.seals")
    lines = listed.read_bytes().splitlines(keepends=True)[:keep]
    listed.write_bytes(b"".join(lines))
    last = seals.SignedSeal.read(lines[-1].decode().strip()).seal
    (leaves,) = house.folder.path.glob("*.leaves")
    leaves.write_bytes(leaves.read_bytes()[: last.size * 32])


async def test_seals_destroyed_everywhere_do_not_leave_a_chain_that_holds(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with sealed_house(settings, tmp_path) as house:
        chosen = msgspec.structs.replace(
            settings, witness_seals=str(house.folder.path), witness_keys=str(tmp_path / "keys")
        )
        asked = argparse.Namespace(stream=None, offline=None, earlier=None, keys=None, json=False)
        assert await commands.verify(chosen, asked) == 0
        await house.owner.execute("update audit.event set session = 'x' where stream = 1 and seq = 9")
        await house.relink(1)
        await house.owner.execute("truncate audit.seal")
        shutil.rmtree(house.folder.path)
        capsys.readouterr()
        assert await commands.verify(chosen, asked) == 1
        said = capsys.readouterr().out
        assert "There is no seal in the folder" in said
        assert "the chain holds" not in said


async def test_a_folder_and_database_set_back_together_are_not_sealed_anew(settings: Settings, tmp_path: Path) -> None:
    async with sealed_house(settings, tmp_path) as house:
        set_back(house, keep=1)
        await house.owner.execute("delete from audit.seal where number > 1")
        await house.owner.execute("update audit.event set session = 'x' where stream = 1 and seq = 9")
        await house.relink(1)
        with pytest.raises(SealsLost):
            await sealer_of(house).seal()


async def test_a_seal_that_was_given_out_earlier_finds_a_history_that_was_sealed_anew(
    settings: Settings, tmp_path: Path
) -> None:
    """Even where the key's own mark was set back too, as with an image of the whole machine."""
    async with sealed_house(settings, tmp_path) as house:
        given = house.folder.read_last()
        assert given is not None
        set_back(house, keep=1)
        (tmp_path / "keys" / "last-seal").unlink()
        await house.owner.execute("delete from audit.seal where number > 1")
        await house.owner.execute("update audit.event set session = 'x' where stream = 1 and seq = 9")
        await house.relink(1)
        assert (await house.verified(known=[given])).findings[0].sentence == (
            "Seal 3 is known, but the folder ends with 1: the end was taken away."
        )
        for _ in range(2):
            await sealer_of(house).seal()
            house.now += timedelta(hours=2)
        assert (await house.verified()).is_sound, "nothing inside can tell"
        (finding,) = (await house.verified(known=[given])).findings
        assert (finding.fault, finding.seq) == ("seal", 3)
        assert "set back and sealed anew" in finding.sentence


async def test_a_database_set_back_to_a_backup_and_written_on_is_named_row_by_row(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A raw copy put back, without the restore that retires its streams."""
    said: list[tuple[logs.Line, dict[str, object]]] = []
    async with sealed_house(settings, tmp_path) as house:
        await house.owner.execute("delete from audit.event where stream = 1 and seq > 18")
        await house.owner.execute("delete from audit.seal where number > 2")
        await house.relink(1)
        await house.writers[0]._drop_lease()  # It was stopped before.
        monkeypatch.setattr(logs, "say", lambda line, **fields: said.append((line, fields)))
        async with (
            database.connect(settings, "serve") as serve,
            audit.Writer.open(serve, clock=lambda: house.now) as writer,
        ):
            assert (await writer.witness(event(session="after"))).stream == 1
            await sealer_of(house).seal()
            assert said == [(logs.Line.WITNESS_BROKEN, {"stream": 1, "seq": 19})]
            assert await house.found() == [("changed", 1, 19), ("head", 1, 19), ("cut", 1, 20)]
            for _ in range(4):  # On, over the end that was sealed.
                await writer.witness(event(session="after"))
            await sealer_of(house).seal()
        assert said[-1] == (logs.Line.WITNESS_BROKEN, {"stream": 1, "seq": 23})
        assert [named for named in await house.found() if named[2] < 23] == [
            ("changed", 1, seq) for seq in range(19, 23)
        ]


async def test_events_put_in_with_past_times_do_not_fit_their_seal(settings: Settings, tmp_path: Path) -> None:
    """A look of last month, invented today at the end of a chain and sealed as true."""
    async with sealed_house(settings, tmp_path) as house:
        await house.seal()
        for seq in (10, 11):
            await house.owner.execute(
                "insert into audit.entry select patient_key, 2, $1, recorded_at - interval '30 days', kind, staff, "
                "purpose, evidence, decision, about_seq, snapshot, detail, route, session, hash, asked_at, "
                "about_stream, is_own, manner, grounds from audit.entry where stream = 2 and seq = 9",
                seq,
            )
        await house.owner.execute(
            "insert into audit.text select patient_key, digest, stream, (month - interval '1 month')::date, said "
            "from audit.text where stream = 2 on conflict do nothing"
        )
        await house.relink(2)
        assert await house.found() == [("time", 2, 10)]
        await house.seal()
        (finding,) = (await house.verified()).findings
        assert (finding.fault, finding.stream, finding.seq) == ("time", 2, 10)
        assert finding.sentence.startswith("Events 10 to 11 say to have been recorded at ")


async def test_an_event_of_the_future_is_named_and_one_of_this_minute_is_not(
    settings: Settings, tmp_path: Path
) -> None:
    async with sealed_house(settings, tmp_path) as house:
        async with (
            database.connect(settings, "serve") as serve,
            audit.Writer.open(serve, clock=lambda: house.now + timedelta(days=2)) as ahead,
        ):
            assert (await ahead.witness(event())).stream == 3
        await house.write(1)
        await house.seal()
        assert await house.found() == [("time", 3, 1)]


async def test_a_clock_set_back_over_midnight_neither_stops_the_seals_nor_muddles_them(
    settings: Settings, tmp_path: Path
) -> None:
    async with sealed_house(settings, tmp_path) as house:
        house.now = AT.replace(hour=0, minute=0, second=0) + timedelta(days=1)
        await house.write(1)
        await house.seal()
        house.now -= timedelta(minutes=3)  # yesterday again
        await house.write(2)
        await house.seal()
        await sealer_of(house).seal()
        report = await house.verified()
        assert [finding.sentence for finding in report.findings if finding.fault == "seal"] == []
        assert report.seals == 5
        house.now -= timedelta(hours=5)
        await house.write(1)
        await sealer_of(house).seal()
        (finding,) = [finding for finding in (await house.verified()).findings if finding.fault == "seal"]
        assert (finding.seq, finding.sentence) == (6, "This seal says an earlier time than the one before it.")


@pytest.mark.parametrize("lost", ["leaves", "seal"])
async def test_where_leaves_are_destroyed_the_sealed_ends_still_prove_the_chain(
    settings: Settings, tmp_path: Path, lost: str
) -> None:
    async with sealed_house(settings, tmp_path) as house:
        (listed,), (leaves,) = house.folder.path.glob("*.seals"), house.folder.path.glob("*.leaves")
        if lost == "leaves":
            leaves.write_bytes(b"")
        else:
            lines = listed.read_text().splitlines(keepends=True)
            listed.write_text(lines[0] + lines[2])
        assert {finding[0] for finding in await house.found()} == {"seal"}, "no event is accused"
        await house.owner.execute("update audit.event set session = 'x' where stream = 1 and seq = 9")
        assert ("changed", 1, 9) in await house.found()
        await house.relink(1)
        findings = (await house.verified()).findings
        changed = [each.sentence for each in findings if each.fault == "changed" and each.seq < 23]
        last = 15 if lost == "leaves" else 22
        assert [sentence.partition(":")[0] for sentence in changed] == [
            f"Events 8 to {last} do not lead to the hash that was sealed",
            *(["Events 16 to 22 do not carry the hash that was sealed"] if lost == "leaves" else []),
        ]
        await house.owner.execute("delete from audit.event where stream = 1 and seq = 10")
        assert ("missing", 1, 10) in await house.found()


async def test_of_two_events_at_one_place_that_were_not_sealed_yet_the_one_that_was_followed_is_sealed(
    settings: Settings, tmp_path: Path
) -> None:
    async with sealed_house(settings, tmp_path, is_written=False) as house:
        await house.write(9)
        await house.copy_of(5, patient_key=-7)
        columns = ", ".join(chain.COLUMNS)
        record = await house.owner.fetchrow(f"select {columns} from audit.event where patient_key = -7")
        assert record is not None
        forged = chain.Row._make(record)
        previous = await house.owner.fetchval("select hash from audit.entry where stream = 1 and seq = 4")
        await house.owner.execute(
            "update audit.entry set hash = $1 where patient_key = -7", chain.link(previous, forged)
        )
        await house.seal()
        (finding,) = [each for each in (await house.verified()).findings if each.fault != "text"]
        assert (finding.fault, finding.seq, finding.patient_key) == ("inserted", 5, -7)


@pytest.mark.parametrize(
    "spoilt",
    [
        "hash = null",
        "hash = '\\x00'",
        "hash = ''",
        "kind = null",
        "purpose = null",
        "route = null",
        "recorded_at = 'infinity'",
    ],
)
async def test_what_no_writer_could_write_stops_neither_the_seals_nor_their_verification(
    settings: Settings, tmp_path: Path, spoilt: str
) -> None:
    async with sealed_house(settings, tmp_path) as house:
        for column in ("hash", "kind", "purpose", "route"):
            await house.owner.execute(f"alter table audit.entry alter column {column} drop not null")
        checks = await house.owner.fetch(
            "select conname from pg_constraint where conrelid = 'audit.entry'::regclass and contype = 'c'"
        )
        for check in checks:
            await house.owner.execute(f"alter table audit.entry drop constraint {check['conname']}")
        for seq in (12, 23):  # sealed, and not sealed yet
            await house.owner.execute(f"update audit.entry set {spoilt} where stream = 1 and seq = {seq}")
        named = {finding[1:] for finding in await house.found()}
        assert {(1, 12), (1, 23)} <= named
        await house.write(1, writer=1)
        await house.seal()
        named = {finding[1:] for finding in await house.found()}
        assert {(1, 12), (1, 23)} <= named
        assert (0, 4) not in named, "the seal that took it holds"


async def test_seals_that_are_made_while_the_folder_is_read_are_no_finding(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To read the leaves of a year takes minutes; the sealer does not wait."""
    async with sealed_house(settings, tmp_path) as house:
        read = Folder.read

        def read_and_be_outrun(folder: Folder) -> object:
            listed = list(read(folder))
            house.folder.path.rename(tmp_path / "as-read")
            shutil.copytree(tmp_path / "as-read", house.folder.path)
            outrun.append(True)
            return iter(listed)

        outrun: list[bool] = []
        last = house.folder.read_last()
        assert last is not None
        monkeypatch.setattr(Folder, "read", read_and_be_outrun)
        async with database.connect(settings, "witness") as db:
            fetchrow = db.fetchrow

            async def seal_after(*asked: object) -> object:
                row = await fetchrow(*asked)
                await house.seal()
                return row

            monkeypatch.setattr(db, "fetchrow", seal_after)
            report = await audit.verify(db, seals=Folder(house.folder.path), trusted=house.trusted)
        assert outrun
        assert report.findings == ()


async def test_a_copy_in_the_database_that_is_another_seal_is_named(settings: Settings, tmp_path: Path) -> None:
    async with sealed_house(settings, tmp_path) as house:
        await house.owner.execute(
            "update audit.seal set signed = (select signed from audit.seal where number = 1) where number = 3"
        )
        assert ("seal", 0, 3) in await house.found()
        await house.owner.execute("update audit.seal set signed = 'none' where number = 3")
        assert ("seal", 0, 3) in await house.found()


async def test_a_part_of_an_export_does_not_pass_for_the_whole(settings: Settings, tmp_path: Path) -> None:
    async with sealed_house(settings, tmp_path) as house:
        async with database.connect(settings, "witness") as db:
            await export(db, tmp_path / "out", seals=house.folder, public=house.trusted)
        assert verify_offline(tmp_path / "out", house.trusted).is_sound
        (tmp_path / "out" / "events" / "stream-0002.jsonl.gz").unlink()
        named = {(each.fault, each.stream) for each in verify_offline(tmp_path / "out", house.trusted).findings}
        assert named == {("cut", 2)}
        alone = verify_offline(tmp_path / "out", house.trusted, stream=1)
        assert (alone.is_sound, alone.streams, alone.events) == (True, 1, 24)
        (tmp_path / "out" / "heads.json").unlink()
        assert not verify_offline(tmp_path / "out", house.trusted, stream=1).is_sound
        shutil.rmtree(tmp_path / "out" / "seals")
        assert not verify_offline(tmp_path / "out", house.trusted, stream=1).is_sound


async def test_a_month_of_events_or_of_texts_taken_out_whole_is_named(settings: Settings, tmp_path: Path) -> None:
    async with sealed_house(settings, tmp_path) as house:
        await house.owner.execute("select audit.make_partitions($1)", AT.date())
        names = {row[0] for row in await house.owner.fetch("select inhrelid::regclass::text from pg_inherits")}
        held = next(name for name in sorted(names) if name.startswith("audit.e") and name.endswith(f"{AT:%Y_%m}"))
        await house.owner.execute(f"alter table audit.text detach partition audit.text_{AT:%Y_%m}")
        assert {finding[0] for finding in await house.found()} == {"text"}
        await house.owner.execute(f"alter table audit.entry detach partition {held}")
        named = [finding for finding in await house.found() if finding[0] == "cut"]
        assert named == [("cut", 1, 1), ("cut", 1, 23), ("cut", 2, 1)], "sealed, and not sealed yet"


@pytest.mark.parametrize(
    "change",
    ["is_own = true", "staff = '{}'", "decision = '{}'", "evidence = '{}', grounds = null", "evidence = '{}'"],
)
async def test_what_stands_in_a_row_beside_its_digests_says_nothing_else(
    settings: Settings, tmp_path: Path, change: str
) -> None:
    """These columns are not hashed: what is, is the digest of what they say."""
    async with sealed_house(settings, tmp_path) as house:
        await house.owner.execute(f"update audit.entry set {change} where stream = 1 and seq = 9")
        await house.relink(1)
        assert (1, 9) in {finding[1:] for finding in await house.found()}
