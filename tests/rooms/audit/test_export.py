"""An exported audit is verified, and one event of it proven, with a public key and no database at all."""

from __future__ import annotations

import argparse
import gzip
import json
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from carerecord import audit, database
from carerecord.audit import keys, proofs
from carerecord.audit.chain import Row, first_hash, link
from carerecord.audit.export import ExportRefused, export, verify_offline
from carerecord.cli import witness as commands
from carerecord.cli.witnessing import ReasonNeeded, witness_operator
from carerecord.settings import Settings
from tests.rooms.audit.sealed_house import SealedHouse, sealed_house
from tests.rooms.audit.test_witness import AT


async def exported(house: SealedHouse, to: Path) -> Path:
    async with database.connect(house.settings, "witness") as db:
        assert await export(db, to, seals=house.folder, public=await house.signer.keys()) == 33
    return to


def rows(folder: Path) -> list[list[object]]:
    with gzip.open(folder / "events" / "stream-0001.jsonl.gz", "rt") as file:
        return [json.loads(line) for line in file]


def put(folder: Path, listed: list[list[object]]) -> None:
    with gzip.open(folder / "events" / "stream-0001.jsonl.gz", "wt") as file:
        file.write("".join(json.dumps(row) + "\n" for row in listed))


async def test_an_export_is_verified_without_a_database_and_every_tampering_is_found(
    settings: Settings, tmp_path: Path
) -> None:
    async with sealed_house(settings, tmp_path) as house:
        folder = await exported(house, tmp_path / "out")
        with pytest.raises(ExportRefused):
            await exported(house, tmp_path / "out")
        report = verify_offline(folder, house.trusted)
        assert (report.events, report.seals, report.sealed_events, report.findings) == (33, 3, 31, ())
        whole = rows(folder)

        def with_column(column: int, value: object) -> list[list[object]]:
            return [*whole[:8], [*whole[8][:column], value, *whole[8][column + 1 :]], *whole[9:]]

        for listed, found in (
            (with_column(6, "PATADMIN"), ("changed", 9)),
            (with_column(5, "{}"), ("text", 9)),  # its staff
            (with_column(5, None), ("text", 9)),
            (with_column(17, whole[8][14]), ("changed", 9)),  # the digest of its staff and decision
            ([*whole[:8], *whole[9:]], ("missing", 9)),
            ([*whole[:9], whole[8], *whole[9:]], ("inserted", 9)),
            ([*whole[:8], whole[9], whole[8], *whole[10:]], ("missing", 9)),
            (whole[:20], ("cut", 21)),
        ):
            put(folder, listed)
            named = [(each.fault.value, each.seq) for each in verify_offline(folder, house.trusted).findings]
            assert found in named
        (folder / "events" / "stream-0001.jsonl.gz").write_bytes(b"\x1f\x8b damaged")
        assert not verify_offline(folder, house.trusted).is_sound
        with pytest.raises(ExportRefused):
            verify_offline(tmp_path / "nothing", house.trusted)


async def test_any_sealed_event_is_proven_to_whoever_holds_one_key(settings: Settings, tmp_path: Path) -> None:
    async with sealed_house(settings, tmp_path) as house:
        first = house.trusted
        house.signer.make(at=AT + timedelta(days=1))
        await house.seal()
        await house.write(3)
        await house.seal()
        newest = [key for key in await house.signer.keys() if key not in first]
        for stream, count in ((1, 27), (2, 9)):
            for seq in range(1, count + 1):
                row = await audit.find_row(house.work, stream=stream, seq=seq)
                assert row is not None
                written = msgspec.json.encode(proofs.prove(house.folder, row))
                for trusted in (first, newest):
                    proof, wrong = proofs.check_proof(written, trusted)
                    assert (wrong, proof.event.row()) == ("", row)
                assert len(written) < 12_000


async def test_a_proof_of_anything_else_fails(settings: Settings, tmp_path: Path) -> None:
    async with sealed_house(settings, tmp_path) as house:
        row = await audit.find_row(house.work, stream=1, seq=9)
        assert row is not None
        proof = proofs.prove(house.folder, row)
        stranger = [keys.FileSigner(tmp_path / "stranger").make(at=AT)]

        def wrong(of: proofs.Proof, trusted: list[keys.Jwk] = house.trusted) -> str:
            return proofs.check_proof(msgspec.json.encode(of), trusted)[1]

        replace = msgspec.structs.replace
        assert wrong(proof) == ""
        assert "key that you trust" in wrong(proof, stranger)
        assert "was changed" in wrong(replace(proof, event=replace(proof.event, staff="{}")))
        assert "was changed" in wrong(replace(proof, event=replace(proof.event, patient_key=1)))
        assert "was changed" in wrong(replace(proof, place=proof.place + 1))
        assert "was changed" in wrong(replace(proof, inclusion=proof.inclusion[:-1]))
        assert "same events" in wrong(replace(proof, consistency=proof.consistency[:-1]))
        assert "was changed" in wrong(replace(proof, seal=proof.newest, consistency=()))
        with pytest.raises(proofs.ProofUnreadable):
            wrong(replace(proof, format="another"))
        late = await audit.find_row(house.work, stream=1, seq=24)
        assert late is not None
        with pytest.raises(proofs.NotProvable, match="not sealed yet"):
            proofs.prove(house.folder, late)
        with pytest.raises(proofs.NotProvable, match="not as it was sealed"):
            proofs.prove(house.folder, row._replace(staff="{}"))


async def test_the_commands_verify_prove_check_and_export_and_each_look_is_witnessed(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with sealed_house(settings, tmp_path) as house:
        chosen = msgspec.structs.replace(
            settings, witness_seals=str(tmp_path / "seals"), witness_keys=str(tmp_path / "keys")
        )
        pinned = tmp_path / "pinned.json"
        pinned.write_bytes(msgspec.json.encode(house.trusted[0]))
        asked = argparse.Namespace(
            stream=None,
            offline=None,
            earlier=None,
            keys=pinned,
            json=False,
            path=tmp_path / "out",
            because="A complaint of 12 November.",
            seq=9,
            proof=tmp_path / "proof.json",
        )
        assert await commands.verify(chosen, asked) == 0
        assert "33 events in 2 streams, 31 of them in 3 seals: the chain holds." in capsys.readouterr().out
        assert await commands.prove(chosen, argparse.Namespace(**{**vars(asked), "stream": 1})) == 0
        asked.proof.write_text(capsys.readouterr().out)
        assert await commands.check(chosen, asked) == 0
        assert "is as sealed." in capsys.readouterr().out
        assert await commands.export(chosen, asked) == 0
        asked.offline = tmp_path / "out"
        assert await commands.verify(chosen, asked) == 0
        asked.offline = None
        await house.owner.execute("update audit.event set purpose = 'PATADMIN' where stream = 1 and seq = 9")
        capsys.readouterr()
        assert await commands.verify(chosen, asked) == 1
        assert (
            "stream 1 row 9: Event 9 was changed in its column purpose after it was sealed." in capsys.readouterr().out
        )
        looks = await audit.read_events(house.work, kinds=[audit.Kind.EXAMINED, audit.Kind.EXPORTED])
        assert [(look.detail["what"], look.detail["because"], look.route) for look in looks] == [
            ("event", "A complaint of 12 November.", "command-line"),
            ("audit", "A complaint of 12 November.", "command-line"),
        ]
        assert all(look.staff and look.staff.role == "operator" for look in looks)


async def test_an_operator_without_a_reason_is_shown_nothing(settings: Settings) -> None:
    with pytest.raises(ReasonNeeded):
        await witness_operator(settings, audit.Kind.EXAMINED, what="original", because="  ")


async def test_a_chain_forged_whole_in_an_export_is_found(settings: Settings, tmp_path: Path) -> None:
    async with sealed_house(settings, tmp_path) as house:
        folder = await exported(house, tmp_path / "out")
        previous, forged = first_hash(1), []
        async with database.connect(settings, "witness") as db:
            for seq in range(1, 25):
                row = await audit.find_row(db, stream=1, seq=seq)
                assert row is not None
                row = Row._make(row._replace(session="s-7") if seq == 5 else row)
                previous = link(previous, row)
                forged.append(msgspec.to_builtins((*row[:14], previous, *row[14:])))
        put(folder, [list(row) for row in forged])
        heads = json.loads((folder / "heads.json").read_text())
        heads["1"][2 - 1] = msgspec.to_builtins(previous)
        (folder / "heads.json").write_text(json.dumps(heads))
        found = verify_offline(folder, house.trusted).findings
        assert [(each.fault.value, each.seq, each.column) for each in found][:2] == [
            ("changed", 5, "session"),
            ("changed", 6, "hash"),
        ]
