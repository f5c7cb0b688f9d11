"""Keys rotate, each announced by the one before; they may stay behind a command; one pinned key is enough to verify."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import pytest

from carerecord.audit import keys, seals
from carerecord.audit.keys import CommandSigner, FileSigner, SignerFailed
from carerecord.audit.sealer import Sealer
from carerecord.settings import Settings
from tests.rooms.audit.sealed_house import sealed_house
from tests.rooms.audit.test_witness import AT

MODULE = '''#!{python}
"""Holds a key as a hardware module does: it signs, and never gives it away."""
import json, pathlib, sys
from joserfc.jwk import OKPKey
folder = pathlib.Path(__file__).parent / "module"
held = [OKPKey.import_key(json.loads(path.read_text())) for path in sorted(folder.glob("*.json"))]
if sys.argv[1] == "keys":
    print(json.dumps({{"keys": [key.as_dict(private=False) for key in held]}}))
else:
    (key,) = [key for key in held if key.thumbprint() == sys.argv[2]]
    sys.stdout.buffer.write(key.private_key.sign(sys.stdin.buffer.read()){spoiled})
'''


def module(folder: Path, *, spoiled: str = "") -> CommandSigner:
    command = folder / "hsm"
    command.write_text(MODULE.format(python=sys.executable, spoiled=spoiled))
    command.chmod(0o700)
    return CommandSigner(command)


def put_key(folder: Path, name: str) -> None:
    (folder / "module").mkdir(exist_ok=True)
    made = FileSigner(folder / name)
    made.make(at=AT)
    (path,) = (folder / name).glob("*.jwk")
    (folder / "module" / f"{name}.json").write_bytes(path.read_bytes())


async def test_a_new_key_is_announced_by_the_old_one_and_any_of_them_is_enough_to_pin(
    settings: Settings, tmp_path: Path
) -> None:
    async with sealed_house(settings, tmp_path) as house:
        pinned = [house.trusted[0]]
        for days in (1, 2):
            pinned.append(house.signer.make(at=AT + timedelta(days=days)))
            await house.write(3)
            await house.seal()  # announces
            await house.seal()  # and, if there is nothing else, is followed only by the next
            await house.write(2)
            await house.seal()
        listed = list(house.folder.read())
        assert [signed.key_id for signed in listed] == [
            *[pinned[0]["kid"]] * 4,
            *[pinned[1]["kid"]] * 2,
            pinned[2]["kid"],
        ]
        for key in pinned:
            report = await house.verified(trusted=[key])
            assert (report.seals, report.sealed_events, report.findings) == (7, 43, ())


async def test_a_key_that_was_not_announced_is_not_believed(settings: Settings, tmp_path: Path) -> None:
    async with sealed_house(settings, tmp_path) as house:
        for path in (tmp_path / "keys").iterdir():
            path.unlink()
        house.signer.make(at=AT + timedelta(days=1))
        await house.write(1)
        with pytest.raises(SignerFailed, match="whose turn it is"):
            await house.seal()


async def test_an_old_key_no_longer_counts_once_it_has_announced_another(settings: Settings, tmp_path: Path) -> None:
    async with sealed_house(settings, tmp_path) as house:
        old = house.trusted[0]
        house.signer.make(at=AT + timedelta(days=1))
        await house.seal()
        await house.write(1)
        await house.seal()
        last = house.folder.read_last()
        assert last is not None
        again = await keys.sign_compact(house.signer, old, keys.unbase64url(last.signed.split(".")[1]))
        house.folder.write(seals.SignedSeal.read(again), [])
        assert ("seal", 0, 5) in await house.found()


async def test_a_command_signs_and_its_keys_rotate_too(settings: Settings, tmp_path: Path) -> None:
    put_key(tmp_path, "a")
    signer = module(tmp_path)
    async with sealed_house(settings, tmp_path, is_written=False) as house:
        sealer = Sealer(house.work, house.folder, signer, clock=lambda: house.now)
        await house.write(5)
        await sealer.seal()
        trusted = await signer.keys()
        put_key(tmp_path, "b")
        await house.write(2)
        await sealer.seal()
        report = await house.verified(trusted=trusted)
        assert (report.seals, report.sealed_events, report.findings) == (2, 7, ())
        assert len({signed.key_id for signed in house.folder.read()}) == 1, (
            "the second announced, and was the old one's"
        )
        await house.write(1)
        await sealer.seal()
        assert len({signed.key_id for signed in house.folder.read()}) == 2


@pytest.mark.parametrize("spoiled", ["[:63]", "[::-1]", "[:0]"])
async def test_a_signature_that_does_not_fit_is_not_written(settings: Settings, tmp_path: Path, spoiled: str) -> None:
    put_key(tmp_path, "a")
    signer = module(tmp_path, spoiled=spoiled)
    async with sealed_house(settings, tmp_path, is_written=False) as house:
        await house.write(2)
        with pytest.raises(SignerFailed, match="does not fit"):
            await Sealer(house.work, house.folder, signer, clock=lambda: house.now).seal()
        assert house.folder.read_last() is None


async def test_a_command_that_fails_or_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SignerFailed, match="cannot be started"):
        await CommandSigner(tmp_path / "nothing").keys()
    failing = tmp_path / "failing"
    failing.write_text("#!/bin/sh\nexit 3\n")
    failing.chmod(0o700)
    with pytest.raises(SignerFailed, match="ended with 3"):
        await CommandSigner(failing).sign("k", b"x")
    failing.write_text("#!/bin/sh\necho no\n")
    with pytest.raises(SignerFailed, match="JWKS"):
        await CommandSigner(failing).keys()


def test_a_key_file_is_private_and_what_is_no_key_is_refused(tmp_path: Path) -> None:
    key = FileSigner(tmp_path / "keys").make(at=AT)
    (path,) = (tmp_path / "keys").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert "d" not in key
    for content in (b"", b"[]", b"{}", b'{"keys": []}', b'{"kty": "oct", "k": "AAAA"}'):
        with pytest.raises(keys.KeysUnreadable):
            keys.read_keys(content)
