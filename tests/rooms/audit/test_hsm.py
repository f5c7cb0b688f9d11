"""The key that seals stays in a PKCS#11 module: made, rotated and used there, by a real one in software (SoftHSM 2)."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from carerecord.audit.keys import CommandSigner, SignerFailed, open_compact, sign_compact
from tests.rooms.audit.test_witness import AT

LIBRARIES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")
LIBRARY = next((path for path in LIBRARIES if Path(path).is_file()), "")
pytestmark = pytest.mark.skipif(
    not (LIBRARY and shutil.which("softhsm2-util") and shutil.which("pkcs11-tool")),
    reason="needs Debian's softhsm2 and opensc; what a signer is held to is tested without them in test_keys.py",
)


@pytest.fixture
def module(tmp_path: Path) -> CommandSigner:
    """A token of its own, and the wrapper of three lines."""
    (tmp_path / "tokens").mkdir()
    conf = tmp_path / "softhsm2.conf"
    conf.write_text(f"directories.tokendir = {tmp_path / 'tokens'}\nobjectstore.backend = file\n")
    made = ["softhsm2-util", "--init-token", "--free", "--label", "seals", "--so-pin", "4321", "--pin", "1234"]
    subprocess.run(made, env={"SOFTHSM2_CONF": str(conf)}, check=True, capture_output=True)
    command = tmp_path / "signer"
    command.write_text(
        f"#!/bin/sh\nSOFTHSM2_CONF={conf}; PIN=1234; export SOFTHSM2_CONF PIN\n"
        f'exec {sys.executable} -m carerecord.audit.hsm --module {LIBRARY} --token seals --pin env:PIN "$@"\n'
    )
    command.chmod(0o700)
    return CommandSigner(command)


async def test_a_key_is_made_in_the_module_once_and_signs_there(module: CommandSigner) -> None:
    assert not await _keys(module)
    first = await module.make_once(asked_at=AT)
    assert first is not None
    assert await module.make_once(asked_at=AT) is None  # Asked again after a crash.
    second = await module.make_once(asked_at=AT + timedelta(days=365))
    held = await module.keys()
    assert [key["kid"] for key in held] == [first["kid"], second["kid"] if second else ""]  # Oldest first.
    for key in held:
        signed = await sign_compact(module, key, b"the head of a tree")
        assert open_compact(signed, [key]) == b"the head of a tree"
        assert open_compact(signed, [other for other in held if other is not key]) is None


async def test_the_module_gives_no_private_key_away(module: CommandSigner, tmp_path: Path) -> None:
    await module.make_once(asked_at=AT)
    where = ["pkcs11-tool", "--module", LIBRARY, "--token-label", "seals", "--login", "--pin", "1234"]
    env = {"SOFTHSM2_CONF": str(tmp_path / "softhsm2.conf")}
    asked = [*where, "-O", "--type", "privkey"]
    listed = await asyncio.to_thread(subprocess.run, asked, env=env, check=True, capture_output=True, text=True)
    assert "never extractable" in listed.stdout
    assert all(set(key) == {"crv", "kty", "x", "kid"} for key in await module.keys())


async def test_a_key_that_the_module_does_not_hold_signs_nothing(module: CommandSigner) -> None:
    await module.make_once(asked_at=AT)
    with pytest.raises(SignerFailed, match="ended with 1"):
        await module.sign("A" * 43, b"something")


async def _keys(module: CommandSigner) -> bool:
    """An empty module has no key to print, which a signer may not be without."""
    try:
        return bool(await module.keys())
    except SignerFailed:
        return False
