"""Writes the region's file and makes what it needs: keys, a secret. Whatever is already there is kept."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

import msgspec
from joserfc.jwk import ECKey, RSAKey

TEMPLATE = Path(__file__).with_name("region.toml")
ISSUER_IN_TEMPLATE = "http://127.0.0.1:8402"
NEIGHBOUR_ISSUER = "https://epr.ouh.example"
CLIENT_ID = "oxford-ward-board"
SIGN_IN_CLIENT_ID = "carerecord-demo"


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """Where the private halves are: for the simulators and for programs that try the record, never for the record."""

    region: Path
    oxford: Path
    ward_board: Path
    provider: Path
    sign_in_secret: Path


def write_region(folder: Path, private: Path, *, sign_in_issuer: str) -> Keys:
    """The region in `folder`, private keys in `private`. Both are readable by their owner alone."""
    for each in (folder, folder / "keys", folder / "secrets", private):
        each.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys = Keys(
        region=folder / "region.toml",
        oxford=private / "oxford.jwk.json",
        ward_board=private / "ward-board.jwk.json",
        provider=private / "provider.jwk.json",
        sign_in_secret=folder / "secrets" / "sign-in-client-secret",
    )
    for path, curve, use in ((keys.oxford, "P-256", "oxford-1"), (keys.ward_board, "P-384", "ward-board-1")):
        if not path.exists():
            private_key = ECKey.generate_key(curve, {"kid": use, "use": "sig", "alg": f"ES{curve[-3:]}"}, private=True)
            write_privately(path, msgspec.json.encode(private_key.as_dict(private=True)))
        public = public_half(read_key(path))
        write_privately(folder / "keys" / path.name.replace(".jwk.", ".jwks."), msgspec.json.encode({"keys": [public]}))
    if not keys.provider.exists():
        provider = RSAKey.generate_key(2048, {"kid": "provider-1", "use": "sig", "alg": "RS256"}, private=True)
        write_privately(keys.provider, msgspec.json.encode(provider.as_dict(private=True)))
    if not keys.sign_in_secret.exists():
        write_privately(keys.sign_in_secret, secrets.token_urlsafe(32).encode())
    text = TEMPLATE.read_text(encoding="utf-8").replace(ISSUER_IN_TEMPLATE, sign_in_issuer)
    write_privately(keys.region, text.encode())
    return keys


def read_key(path: Path) -> dict[str, Any]:
    key: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    return key


def public_half(key: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in key.items() if name not in ("d", "p", "q", "dp", "dq", "qi", "oth", "k")}


def write_privately(path: Path, content: bytes) -> None:
    """Whole or not at all, readable by its owner alone from the first moment."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(content)
    beside.replace(path)
