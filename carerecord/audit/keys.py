"""The keys that sign seals: kept in files, or behind a command that speaks to a hardware module; Ed25519 (RFC 8032)."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from carerecord.settings import Settings

ALGORITHM: Final = "Ed25519"  # RFC 9864
COMMAND_SECONDS_MAX: Final = 20
SIGNATURE_BYTES: Final = 64

Jwk = Mapping[str, Any]


class SignerFailed(RuntimeError):
    """The signer gave no signature; the sentence says what was asked of it and what to look at."""


class KeysUnreadable(ValueError):
    """This file holds no public key for seals: give the JWK or JWKS that `carerecord witness key show` printed."""

    def __init__(self) -> None:
        super().__init__(KeysUnreadable.__doc__)


class Signer(Protocol):
    """Whoever holds the private keys. They need never leave it."""

    async def keys(self) -> list[Jwk]:
        """The public keys, oldest first: the last one is to sign from now on."""

    async def sign(self, key_id: str, message: bytes) -> bytes:
        """64 bytes of Ed25519. Raises SignerFailed."""

    async def make_once(self, *, asked_at: datetime) -> Jwk | None:
        """A new key for what was asked at that instant; None if it was made before. Raises SignerFailed."""


class FileSigner:
    """Private keys as JWK, one a file, in a folder that only the working process may read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def keys(self) -> list[Jwk]:
        return [public(key) for key in self._private()]

    async def sign(self, key_id: str, message: bytes) -> bytes:
        for key in self._private():
            if key.thumbprint() == key_id:
                signature: bytes = key.private_key.sign(message)  # type: ignore[union-attr]
                return signature
        raise SignerFailed(
            f"The key {key_id[:12]} is not in {self._folder}: put its file back, or sign with a new one."
        )

    async def make_once(self, *, asked_at: datetime) -> Jwk | None:
        is_made = self._folder.is_dir() and any(self._folder.glob(f"{_stamp(asked_at)}-*.jwk"))
        try:
            return None if is_made else self.make(at=asked_at)
        except OSError as error:
            raise SignerFailed(f"No key could be put into {self._folder}: see who may write there.") from error

    def make(self, *, at: datetime) -> Jwk:
        """A new key in a file of its own. The next seal announces it, signed by the key before it."""
        key = OKPKey.generate_key("Ed25519")
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / f"{_stamp(at)}-{key.thumbprint()[:8]}.jwk"
        written = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(written, "wb") as file:
            file.write(msgspec.json.encode(key.as_dict(private=True)))
            file.flush()
            os.fsync(file.fileno())
        owner = self._folder.stat()
        if os.geteuid() == 0 and owner.st_uid != 0:  # Made by root for the process that signs.
            os.chown(path, owner.st_uid, owner.st_gid)
        return public(key)

    def _private(self) -> list[OKPKey]:
        paths = sorted(self._folder.glob("*.jwk")) if self._folder.is_dir() else []
        try:
            return [OKPKey.import_key(msgspec.json.decode(path.read_bytes())) for path in paths]
        except (OSError, ValueError, JoseError, msgspec.MsgspecError) as error:
            raise SignerFailed(
                f"A key in {self._folder} cannot be read: let only whole .jwk files stand there."
            ) from error


class CommandSigner:
    """A command that holds the keys, as one in front of a PKCS#11 module does.

    `COMMAND keys` prints the public keys as a JWKS, oldest first; `COMMAND sign KEY-ID` reads the bytes to be signed
    and writes 64 bytes of signature (C_Sign with CKM_EDDSA). `COMMAND new NAME` makes a key of that name, if the module
    holds none, and prints its public part as a JWK; nothing if it holds one.
    """

    def __init__(self, command: Path) -> None:
        self._command = command

    async def keys(self) -> list[Jwk]:
        said = await self._run("keys")
        try:
            return read_keys(said)
        except KeysUnreadable:
            raise SignerFailed(
                f"{self._command} keys did not print a JWKS of Ed25519 keys: see what it prints."
            ) from None

    async def sign(self, key_id: str, message: bytes) -> bytes:
        return await self._run("sign", key_id, said=message)

    async def make_once(self, *, asked_at: datetime) -> Jwk | None:
        said = await self._run("new", _stamp(asked_at))
        try:
            return read_keys(said)[0] if said.strip() else None
        except KeysUnreadable:
            raise SignerFailed(f"{self._command} new did not print the JWK of an Ed25519 key: see to it.") from None

    async def _run(self, *arguments: str, said: bytes = b"") -> bytes:
        try:
            process = await asyncio.create_subprocess_exec(
                self._command,
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except OSError as error:
            raise SignerFailed(f"{self._command} cannot be started: check CARERECORD_WITNESS_SIGNER.") from error
        try:
            answer, _ = await asyncio.wait_for(process.communicate(said), COMMAND_SECONDS_MAX)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise SignerFailed(f"{self._command} {arguments[0]} did not answer in time: see to the module.") from None
        if process.returncode:
            raise SignerFailed(f"{self._command} {arguments[0]} ended with {process.returncode}: see to the module.")
        return answer


def signer_of(settings: Settings) -> Signer:
    """The signer that the settings name: `command:/path`, or the files of the folder of keys."""
    if settings.witness_signer.startswith("command:"):
        return CommandSigner(Path(settings.witness_signer.removeprefix("command:")))
    return FileSigner(keys_folder(settings))


def keys_folder(settings: Settings) -> Path:
    return Path(settings.witness_keys) if settings.witness_keys else settings.home / "witness-keys"


def _stamp(at: datetime) -> str:
    return f"{at:%Y%m%dT%H%M%S%f}"


def public(key: OKPKey) -> Jwk:
    return {**key.as_dict(private=False), "kid": key.thumbprint()}


def read_keys(content: bytes) -> list[Jwk]:
    """Public keys out of a JWK or a JWKS (RFC 7517), each under its thumbprint (RFC 7638). Raises KeysUnreadable."""
    try:
        decoded = msgspec.json.decode(content)
        listed = decoded.get("keys", [decoded])
        found = [public(OKPKey.import_key({**key})) for key in listed]
    except (AttributeError, ValueError, TypeError, KeyError, JoseError, msgspec.MsgspecError) as error:
        raise KeysUnreadable from error
    if not found or any(key["crv"] != ALGORITHM for key in found):
        raise KeysUnreadable
    return found


async def sign_compact(signer: Signer, key: Jwk, payload: bytes) -> str:
    """A JWS in its compact form (RFC 7515 §7.1), looked at before it is believed: a signer may be misled or broken."""
    header = msgspec.json.encode({"alg": ALGORITHM, "kid": key["kid"]})
    message = b".".join((_base64url(header), _base64url(payload)))
    signature = await signer.sign(key["kid"], message)
    signed = b".".join((message, _base64url(signature))).decode()
    if len(signature) != SIGNATURE_BYTES or open_compact(signed, [key]) != payload:
        raise SignerFailed("What the signer gave does not fit its public key: see to the key or the module.")
    return signed


def open_compact(signed: str, keys: Sequence[Jwk]) -> bytes | None:
    """The payload, if one of these keys signed it."""
    key_id = key_id_of(signed)
    for key in keys:
        if key["kid"] == key_id:
            try:
                return bytes(
                    jws.deserialize_compact(signed, OKPKey.import_key({**key}), algorithms=[ALGORITHM]).payload
                )
            except (JoseError, ValueError):
                return None
    return None


def key_id_of(signed: str) -> str:
    """Which key a JWS says that it is signed with: nothing but a hint where to look."""
    try:
        return str(msgspec.json.decode(unbase64url(signed.partition(".")[0])).get("kid"))
    except (ValueError, AttributeError, msgspec.MsgspecError):
        return ""


def unbase64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _base64url(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")
