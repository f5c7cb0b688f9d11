"""A file sealed for the one browser that asked for it: whoever keeps it cannot open it. Pure but for the keys it draws.

JSON Web Encryption (RFC 7516), ECDH-ES over X25519 (RFC 8037) with A256GCM: the public half of the key is kept beside
the file, the private half in a cookie of the browser and nowhere else (decision 0031).
"""

from __future__ import annotations

from typing import Final

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwe import JWERegistry
from joserfc.jwk import OKPKey

HEADER: Final = {"alg": "ECDH-ES", "enc": "A256GCM"}
BYTES_MAX: Final = 2_000_000_000


class CannotOpen(ValueError):
    """This file was sealed for another browser, or for another sign-in: ask for it again from this one."""


class _Large(JWERegistry):
    max_ciphertext_length = BYTES_MAX


def new_key() -> tuple[str, str]:
    """(public half to keep, private half for a cookie): letters, digits and "-_." alone."""
    key = OKPKey.generate_key("X25519")
    public, private = key.as_dict(private=False), key.as_dict(private=True)
    return str(public["x"]), f"{private['d']}.{private['x']}"


def seal(content: bytes, public: str) -> bytes:
    key = OKPKey.import_key({"kty": "OKP", "crv": "X25519", "x": public})
    return jwe.encrypt_compact(HEADER, content, key, registry=_Large()).encode("ascii")


def unseal(sealed: bytes, private: str) -> bytes:
    """Raises CannotOpen."""
    own, _, public = private.partition(".")
    try:
        key = OKPKey.import_key({"kty": "OKP", "crv": "X25519", "d": own, "x": public})
        return jwe.decrypt_compact(sealed, key, registry=_Large()).plaintext or b""
    except (JoseError, ValueError, TypeError) as wrong:
        raise CannotOpen(CannotOpen.__doc__) from wrong
