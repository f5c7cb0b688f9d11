"""What was removed stays removed: through a kill at any step, a restore of an older backup, and a resend after it."""

from __future__ import annotations

import asyncio
import resource
from pathlib import Path

import msgspec
import pytest

from carerecord import assembly, audit, cli, clock, database
from carerecord.database import backup
from carerecord.model import Outcome
from carerecord.record import rewrite
from carerecord.settings import Settings
from carerecord.stewardship import removal, removal_ledger
from carerecord.stewardship.administration import ACTS
from carerecord.stewardship.notices import reference_of
from carerecord.stewardship.proposals import Kind, Proposal, Proposals
from carerecord.stewardship.removal_ledger import LedgerDamaged, RemovalsMissing
from tests.house import OXFORD
from tests.rooms.stewardship.removals import (
    complete,
    find_letter,
    held,
    ledger_of,
    prove,
    remove,
    the,
    withdraw,
)
from tests.safety.ward import JOAN, REGION, letter, open_ward, visit, wrote

SECRET = "The patient told us in confidence of the quarrel with her neighbour about the hedge."
LETTER = letter("D1", SECRET)
OTHER = "Seen in the valve clinic, all well, to come again in a year from now."
OTHER_LETTER = letter("D2", OTHER)


async def replay(settings: Settings) -> int:
    entries = removal_ledger.read(ledger_of(settings))
    async with database.connect(settings, "owner") as db, audit.Writer.open(db) as writer:
        return await removal.replay(db, writer, entries, ledger=ledger_of(settings), at=clock.now())


async def test_an_older_backup_does_not_bring_it_back(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "older.backup"
    async with open_ward(settings) as ward:
        await ward.hear(LETTER, OTHER_LETTER)
        await ward.fold()
        await backup.backup(settings, file)
        key = await ward.key_of(JOAN)
        (entry,) = await remove(settings, the(await find_letter(ward, key, SECRET)))
    await backup.restore(settings, file, replace=True, then=lambda chosen: replay(chosen))
    async with open_ward(settings) as ward:
        words = (await ward.summary()).words
        assert SECRET not in words
        assert "valve clinic" in words
        assert (await prove(settings, entry)).holds
        again = await ward.intake.receive(LETTER, received_at=clock.now())
        assert (again.outcome, again.is_repeat) == (Outcome.RECORDED, True)
        assert SECRET not in (await ward.summary()).words
    assert await replay(settings) == 0


async def test_what_came_and_went_since_the_backup_is_not_taken_in_again(settings: Settings, tmp_path: Path) -> None:
    """After a restore the sources send again what came since the backup: the removed message is known all the same,
    and no new message gets its number."""
    file = tmp_path / "older.backup"
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V1")))
        await backup.backup(settings, file)
        await ward.hear(LETTER)
        key = await ward.key_of(JOAN)
        statement = await find_letter(ward, key, SECRET)
        (entry,) = await remove(settings, the(statement))
    await backup.restore(settings, file, replace=True, then=lambda chosen: replay(chosen))
    async with open_ward(settings) as ward:
        again = await ward.intake.receive(LETTER, received_at=clock.now())
        assert again.is_repeat
        await ward.hear(OTHER_LETTER)
        assert await ward.owner.fetchval("select min(seq) from intake.original where seq > 1") > statement.original.seq
        words = (await ward.summary()).words
        assert SECRET not in words
        assert "valve clinic" in words
        assert (await prove(settings, entry)).holds


async def test_nothing_is_heard_or_shown_before_the_ledger_is_replayed(settings: Settings, tmp_path: Path) -> None:
    """A restore that was made with PostgreSQL's own tools, or killed before its end."""
    file = tmp_path / "older.backup"
    async with open_ward(settings) as ward:
        await ward.hear(LETTER)
        await backup.backup(settings, file)
        await remove(settings, the(await find_letter(ward, await ward.key_of(JOAN), SECRET)))
    await backup.restore(settings, file, replace=True)
    with pytest.raises(RemovalsMissing, match="1 removals"):
        async with open_ward(settings):
            pass
    with pytest.raises(RemovalsMissing):
        await assembly.prepare_to_run(settings)
    for role in ("listen", "serve"):
        async with database.connect(settings, role) as db:
            with pytest.raises(RemovalsMissing):
                await removal_ledger.check(db, settings)
    assert await replay(settings) == 1
    async with open_ward(settings) as ward:
        assert SECRET not in (await ward.summary()).words


async def test_killed_after_the_ledger_and_before_the_database_it_is_done_by_the_replay(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(LETTER)
        statement = await find_letter(ward, await ward.key_of(JOAN), SECRET)

        async def killed(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as here:
            here.setattr(removal, "apply", killed)
            with pytest.raises(KeyboardInterrupt):
                await withdraw(settings, the(statement))
        assert SECRET in (await ward.summary()).words
    with pytest.raises(RemovalsMissing):
        await assembly.prepare_to_run(settings)
    assert await replay(settings) == 1
    async with open_ward(settings) as ward:
        assert SECRET not in (await ward.summary()).words
    assert (await prove(settings)).holds


@pytest.mark.parametrize("where", ["in the rewriting", "after the rewriting"])
async def test_killed_while_it_is_taken_out_it_is_begun_again_and_loses_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(LETTER, OTHER_LETTER, wrote("ADT^A01", visit("V1")))
        await ward.fold()
        key = await ward.key_of(JOAN)
        statement = await find_letter(ward, key, SECRET)
        before = {each.body for each in await held(ward, key)}
        await withdraw(settings, the(statement))

        async def killed(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as here:
            if where == "in the rewriting":
                here.setattr(rewrite, "_write", killed)
            else:
                here.setattr(audit.Writer, "witness", killed)
            with pytest.raises(KeyboardInterrupt):
                await complete(settings)
        assert SECRET not in (await ward.summary()).words
        assert "valve clinic" in (await ward.summary()).words
        (done,) = await complete(settings)
        assert done.completed_at is not None
        assert {each.body for each in await held(ward, key)} == before - {statement.body}
    assert (await prove(settings)).holds


async def test_a_line_cut_short_by_a_crash_is_no_removal_and_a_damaged_one_stops_everything(
    settings: Settings, tmp_path: Path
) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(LETTER, OTHER_LETTER)
        key = await ward.key_of(JOAN)
        await remove(settings, the(await find_letter(ward, key, SECRET)))
        ledger = ledger_of(settings)
        whole = ledger.read_bytes()
        ledger.write_bytes(whole + whole[: len(whole) // 3])
        assert len(removal_ledger.read(ledger)) == 1
        await remove(
            settings,
            the(await find_letter(ward, key, OTHER)),
        )
        assert len(removal_ledger.read(ledger)) == 2
        assert ledger.stat().st_mode & 0o777 == 0o640
        ledger.write_bytes(b'{"patient_key": 1}\n' + whole)
        with pytest.raises(LedgerDamaged, match="line 1"):
            removal_ledger.read(ledger)


async def test_a_full_disk_keeps_no_part_of_a_line_and_nothing_is_removed(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(LETTER, OTHER_LETTER)
        key = await ward.key_of(JOAN)
        await remove(settings, the(await find_letter(ward, key, SECRET)))
        ledger, before = ledger_of(settings), await held(ward, key)
        whole = ledger.read_bytes()
        wanted = the(await find_letter(ward, key, OTHER))
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 40, limits[1]))  # A write beyond it is cut short.
        try:
            with pytest.raises(OSError, match=r"removal-ledger\.jsonl"):
                await remove(settings, wanted)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert ledger.read_bytes() == whole
        assert await held(ward, key) == before


async def test_a_lost_ledger_is_written_again_from_the_database(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(LETTER)
        await remove(settings, the(await find_letter(ward, await ward.key_of(JOAN), SECRET)))
    before = removal_ledger.read(ledger_of(settings))
    ledger_of(settings).unlink()
    assert await replay(settings) == 0
    assert [each.key for each in removal_ledger.read(ledger_of(settings))] == [each.key for each in before]


async def test_the_ledger_holds_no_content(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(LETTER)
        await remove(settings, the(await find_letter(ward, await ward.key_of(JOAN), SECRET)))
    written = ledger_of(settings).read_text()
    for word in ("quarrel", "HARTLEY", "Hartley", "9990123454", "40012", "Mill Row"):
        assert word not in written


def test_the_commands_ask_carry_out_prove_and_restore(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CARERECORD_DATABASE", settings.database)
    monkeypatch.setenv("CARERECORD_HOME", str(settings.home))
    file = tmp_path / "older.backup"

    async def hear() -> str:
        async with open_ward(settings) as ward:
            await ward.hear(LETTER, OTHER_LETTER)
            await ward.fold()
            return str((await find_letter(ward, await ward.key_of(JOAN), SECRET)).original)

    reference = asyncio.run(hear())
    who = ["--authority", "erasure", "--by", "Ann Records", "--agreed-by", "Dr B Guardian", "--reason", "Asked for."]
    asked = ["removal", "ask", "--original", reference, *who]
    assert cli.main(["backup", str(file)]) == 0
    assert cli.main(asked) == 0
    assert "Nothing was changed" in capsys.readouterr().out
    assert cli.main(["removal", "list"]) == 0
    assert "Nothing was ever removed" in capsys.readouterr().out
    assert cli.main([*asked, "--carry-out"]) == 2
    assert "at the records desk" in capsys.readouterr().err
    monkeypatch.setenv("CARERECORD_REMOVAL_BY_NAMES", "true")  # Where no desk is staffed.
    alone = [*asked[:-6], "--agreed-by", "Ann Records", "--by", "Ann Records", "--reason", "r"]
    assert cli.main([*alone, "--carry-out"]) == 2
    assert "two people" in capsys.readouterr().err
    assert cli.main([*asked, "--carry-out"]) == 0
    said = capsys.readouterr().out
    assert "statements" in said
    assert SECRET not in said
    number = said.partition("Withdrawn as ")[2].partition(":")[0]
    assert cli.main(["removal", "prove", number]) == 1
    assert cli.main(["removal", "complete"]) == 0
    assert cli.main(["removal", "prove", number]) == 0
    assert "Found: 0." in capsys.readouterr().out
    assert cli.main(["restore", str(file), "--replace"]) == 0
    assert cli.main(["removal", "prove", number]) == 0
    assert cli.main(["removal", "replay"]) == 0
    assert "holds every removal" in capsys.readouterr().out
    assert cli.main(["removal", "prove", number, "--backup", str(file)]) == 0
    assert "Found: 0." in capsys.readouterr().out


def test_a_command_carries_out_what_two_agreed_at_the_desk_and_nothing_else(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CARERECORD_DATABASE", settings.database)
    monkeypatch.setenv("CARERECORD_HOME", str(settings.home))

    async def two_agree(*, is_agreed: bool) -> str:
        async with open_ward(settings) as ward, audit.Writer.open(ward.owner) as writer:
            await ward.hear(LETTER)
            original = (await find_letter(ward, await ward.key_of(JOAN), SECRET)).original
            asking = Proposals(ward.owner, writer, REGION, acts=ACTS)
            ann, bo = (
                msgspec.structs.replace(OXFORD, user_id=f"555-{name}", name="Ann Hill", role="records-manager")
                for name in ("ann", "bo")
            )
            content = {"named": str(original), "authority": "erasure"}
            how = {"session": "s", "at": clock.now()}
            asked = await asking.ask(ann, kind=Kind.REMOVAL, content=content, because="Asked by the person.", **how)
            assert isinstance(asked, Proposal), asked
            if is_agreed:
                assert isinstance(await asking.agree(bo, proposal_id=asked.id, **how), Proposal)
            return reference_of(asked.id)

    asked_only = asyncio.run(two_agree(is_agreed=False))
    assert cli.main(["removal", "carry-out", asked_only]) == 2
    assert "only what two people agreed" in capsys.readouterr().err
    assert cli.main(["removal", "carry-out", "0000-0000-0000-0001"]) == 2
    agreed = asyncio.run(two_agree(is_agreed=True))
    assert cli.main(["removal", "destroy", "barts", "--carry-out", "--agreed", agreed]) == 2
    assert "something else" in capsys.readouterr().err
    assert cli.main(["removal", "carry-out", agreed]) == 0
    assert "Withdrawn from every reader" in capsys.readouterr().out
    assert cli.main(["removal", "carry-out", agreed]) == 2  # It is done once.

    async def look() -> list[removal_ledger.Entry]:
        async with database.connect(settings, "owner") as db:
            return await removal.list_removals(db)

    (entry,) = asyncio.run(look())
    # Of the same name, and two people: they are told apart by whom their provider names.
    assert (entry.asked_by, entry.agreed_by) == ("Ann Hill (555-ann)", "Ann Hill (555-bo)")
