"""A signer for seals in front of a PKCS#11 module: the key is made in it, signs in it, and never leaves it.

PKCS#11 3.0 (CKM_EC_EDWARDS_KEY_PAIR_GEN, CKM_EDDSA). It speaks to the module by OpenSC's `pkcs11-tool`, so that the
module's library is never loaded into a process of the record. A wrapper of three lines names the module and its PIN:

    #!/bin/sh
    PIN=$(cat /etc/carerecord/pin); export PIN
    exec python3 -m carerecord.audit.hsm --module /usr/lib/…/module.so --token seals --pin env:PIN "$@"
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import re
import subprocess
import sys
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

TOOL: Final = "pkcs11-tool"
POINT: Final = re.compile(r"EC_POINT:\s+0420([0-9a-f]{64})\b")  # an octet string of 32 bytes (PKCS#11 3.0 §2.3.3)
FIELD: Final = re.compile(r"^\s+(label|ID):\s+(\S+)\s*$", re.MULTILINE)


class ModuleFailed(RuntimeError):
    """The module did not do what it was asked: see that it is there, its token named and its PIN right."""

    def __init__(self) -> None:
        super().__init__(ModuleFailed.__doc__)


class Held(NamedTuple):
    """A key of the module, by its public part."""

    name: str  # its label: what it was made for
    id: str  # in the module, hexadecimal
    x: bytes

    @property
    def jwk(self) -> dict[str, str]:
        return {"crv": "Ed25519", "kty": "OKP", "x": base64.urlsafe_b64encode(self.x).rstrip(b"=").decode()}

    @property
    def thumbprint(self) -> str:
        """RFC 7638: the members in their order, without white space."""
        digest = hashlib.sha256(msgspec.json.encode(self.jwk)).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class Module:
    def __init__(self, *, module: str, token: str, pin: str) -> None:
        self._at = ["--module", module, "--token-label", token]
        self._login = ["--login", "--pin", pin]

    def held(self) -> list[Held]:
        """Its Ed25519 keys by their names: the newest last, since a name begins with its instant."""
        said = self._run("--list-objects", "--type", "pubkey").decode(errors="replace")
        found = []
        for part in said.split("Public Key Object")[1:]:
            point, fields = POINT.search(part), dict(FIELD.findall(part))
            if point and {"label", "ID"} <= fields.keys():
                found.append(Held(fields["label"], fields["ID"], bytes.fromhex(point[1])))
        return sorted(found)

    def make(self, name: str) -> Held | None:
        """None: it holds a key of that name already."""
        if any(each.name == name for each in self.held()):
            return None
        id_ = hashlib.sha256(name.encode()).hexdigest()[:16]
        kind = ("--key-type", "EC:edwards25519")
        self._run(*self._login, "--keypairgen", *kind, "--label", name, "--id", id_, "--sensitive")
        return next(each for each in self.held() if each.name == name)

    def sign(self, thumbprint: str, message: bytes) -> bytes:
        key = next((each for each in self.held() if each.thumbprint == thumbprint), None)
        if key is None:
            raise ModuleFailed
        where = ("--input-file", "/dev/stdin", "--output-file", "/dev/stdout")
        return self._run(*self._login, "--sign", "--mechanism", "EDDSA", "--id", key.id, *where, said=message)

    def _run(self, *arguments: str, said: bytes = b"") -> bytes:
        try:
            command = [TOOL, *self._at, *arguments]  # no shell; what it names is the operator's own wrapper's
            done = subprocess.run(command, input=said, capture_output=True, check=True)  # noqa: S603
        except (OSError, subprocess.CalledProcessError) as error:
            raise ModuleFailed from error
        return done.stdout


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="carerecord.audit.hsm", description=__doc__.partition("\n")[0])
    for name, said in (("module", "the module's library"), ("token", "its label"), ("pin", "env:NAME")):
        parser.add_argument(f"--{name}", required=True, help=said)
    parser.add_argument("deed", choices=("keys", "new", "sign"))
    parser.add_argument("name", nargs="?", default="", help="of the new key; or the thumbprint of the one that signs")
    asked = parser.parse_args(arguments)
    module = Module(module=asked.module, token=asked.token, pin=asked.pin)
    try:
        if asked.deed == "keys":
            sys.stdout.buffer.write(msgspec.json.encode({"keys": [each.jwk for each in module.held()]}))
        elif asked.deed == "new":
            made = module.make(asked.name)
            sys.stdout.buffer.write(msgspec.json.encode(made.jwk) if made else b"")
        else:
            sys.stdout.buffer.write(module.sign(asked.name, sys.stdin.buffer.read()))
    except ModuleFailed as failed:
        sys.stderr.write(f"{failed}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
