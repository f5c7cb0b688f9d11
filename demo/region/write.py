"""Writes the region's file and makes what it needs: a key for each record system and program it names, a secret.

Whatever is already there is kept, so that a restarted demonstration is still trusted.
"""

from __future__ import annotations

import os
import re
import secrets
import tomllib
from pathlib import Path
from typing import Any

import msgspec
from joserfc.jwk import ECKey, RSAKey

TEMPLATE = Path(__file__).with_name("region.toml")
ISSUER_IN_TEMPLATE = "http://127.0.0.1:8402"
PERSON_ISSUER_IN_TEMPLATE = "http://127.0.0.1:8412"
PANEL_IN_TEMPLATE = "http://127.0.0.1:8403"  # Oxford's pages, which frame the record
PERSON_CLIENT_ID = "carerecord-demo-people"
NEIGHBOUR_ISSUER = "https://epr.ouh.example"
CLIENT_ID = "oxford-ward-board"
SIGN_IN_CLIENT_ID = "carerecord-demo"
_CURVES = {"neighbour": "P-256", "client": "P-384"}


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """Where the private halves are: for the simulators and for programs that try the record, never for the record."""

    region: Path
    private: Path
    provider: Path
    next_provider: Path  # the one that the sign-in provider turns to when its key is rotated
    sign_in_secret: Path
    person_provider: Path  # with which the people's provider signs
    person_client: Path  # by which it knows the record

    def of(self, name: str) -> Path:
        """The private key of the neighbour or program whose public half is `keys/NAME.jwks.json` of the region."""
        return self.private / f"{name}.jwk.json"

    @property
    def oxford(self) -> Path:
        return self.of("oxford")

    @property
    def ward_board(self) -> Path:
        return self.of("ward-board")


def read_template() -> dict[str, Any]:
    """The region as data, for those who start what it names."""
    return tomllib.loads(TEMPLATE.read_text(encoding="utf-8"))


def key_name(entry: dict[str, Any]) -> str:
    """The name under which the key of a `[[neighbour]]` or `[[client]]` is kept."""
    return Path(entry["jwks_file"]).name.removesuffix(".jwks.json")


def write_region(
    folder: Path,
    private: Path,
    *,
    sign_in_issuer: str,
    person_sign_in_issuer: str = PERSON_ISSUER_IN_TEMPLATE,
    panel: str = PANEL_IN_TEMPLATE,
) -> Keys:
    """The region in `folder`, private keys in `private`. Both are readable by their owner alone."""
    for each in (folder, folder / "keys", folder / "secrets", private):
        each.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys = Keys(
        region=folder / "region.toml",
        private=private,
        provider=private / "provider.jwk.json",
        next_provider=private / "provider-next.jwk.json",
        sign_in_secret=folder / "secrets" / "sign-in-client-secret",
        person_provider=private / "person-provider.jwk.json",
        person_client=folder / "secrets" / "person-sign-in.jwk.json",
    )
    region = read_template()
    for kind, curve in _CURVES.items():
        for entry in region[kind]:
            _make_key(keys.of(key_name(entry)), curve, key_id=f"{key_name(entry)}-1")
            public = public_half(read_key(keys.of(key_name(entry))))
            write_privately(folder / entry["jwks_file"], msgspec.json.encode({"keys": [public]}))
    for number, path in enumerate((keys.provider, keys.next_provider), 1):
        if not path.exists():
            provider = RSAKey.generate_key(
                2048, {"kid": f"provider-{number}", "use": "sig", "alg": "RS256"}, private=True
            )
            write_privately(path, msgspec.json.encode(provider.as_dict(private=True)))
    for name, path in (("person-provider-1", keys.person_provider), ("carerecord-people-1", keys.person_client)):
        if not path.exists():
            own = RSAKey.generate_key(2048, {"kid": name, "use": "sig", "alg": "RS512"}, private=True)
            write_privately(path, msgspec.json.encode(own.as_dict(private=True)))
    if not keys.sign_in_secret.exists():
        write_privately(keys.sign_in_secret, secrets.token_urlsafe(32).encode())
    addresses = {
        ISSUER_IN_TEMPLATE: sign_in_issuer,
        PERSON_ISSUER_IN_TEMPLATE: person_sign_in_issuer,
        PANEL_IN_TEMPLATE: panel,
    }
    # At once: one that was put in place must not be taken for another that still has to be.
    text = re.sub("|".join(map(re.escape, addresses)), lambda found: addresses[found[0]], TEMPLATE.read_text("utf-8"))
    write_privately(keys.region, text.encode())
    return keys


def _make_key(path: Path, curve: str, *, key_id: str) -> None:
    if path.exists():
        return
    private_key = ECKey.generate_key(curve, {"kid": key_id, "use": "sig", "alg": f"ES{curve[-3:]}"}, private=True)
    write_privately(path, msgspec.json.encode(private_key.as_dict(private=True)))


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
