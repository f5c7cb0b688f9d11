"""Ids and references: the same item of the same source always has the same id, and no id means anything."""

from __future__ import annotations

from base64 import b32decode, b32encode
from binascii import Error as NotBase32
from functools import lru_cache
from hashlib import blake2b

PATIENT_PART_LENGTH = 13
LOCAL_ID_LENGTH = 26
# How a reference was said, in JSON without spaces, beside one that may mean nothing which the record holds.
AS_SAID = b',"_reference":{"extension":[{"url":"urn:carerecord:reference-as-said","valueString":%b}]}'


_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_LETTERS = bytes.maketrans(bytes(range(32)), _ALPHABET.encode())


def _lanes(count: int, width: int, apart: int) -> int:
    """So many groups of `width` bits, each beginning `apart` bits from the next."""
    return sum(((1 << width) - 1) << (lane * apart) for lane in range(count))


_LOW_80 = _lanes(1, 80, 0)
_LOW_40, _LOW_20, _LOW_10, _LOW_5 = _lanes(2, 40, 128), _lanes(4, 20, 64), _lanes(8, 10, 32), _lanes(16, 5, 16)
_HIGH_40, _HIGH_20, _HIGH_10, _HIGH_5 = _LOW_40 << 40, _LOW_20 << 20, _LOW_10 << 10, _LOW_5 << 5


@lru_cache(maxsize=1024)
def _begun(source: str, kind: str) -> blake2b:
    """The hash of what all ids of one kind of one source begin with."""
    return blake2b(f"{len(source)}:{source}{len(kind)}:{kind}".encode(), digest_size=16)


def local_id(source: str, kind: str, own_id: str) -> str:
    """26 characters of base32: BLAKE2b-128 of length-prefixed (source, kind, the source's own id)."""
    # Lengths stand before the parts, so that no id can imitate another by moving a separator.
    hashed = _begun(source, kind).copy()
    hashed.update(f"{len(own_id)}:{own_id}".encode())
    # Ids are made for every statement there is. The bits are drawn apart by halves until each five have a byte.
    bits = int.from_bytes(hashed.digest(), "big") << 2
    bits = (bits >> 80) << 128 | bits & _LOW_80
    bits = (bits & _HIGH_40) << 24 | bits & _LOW_40
    bits = (bits & _HIGH_20) << 12 | bits & _LOW_20
    bits = (bits & _HIGH_10) << 6 | bits & _LOW_10
    bits = (bits & _HIGH_5) << 3 | bits & _LOW_5
    return bits.to_bytes(LOCAL_ID_LENGTH, "big").translate(_LETTERS).decode()


def patient_part(patient_key: int) -> str:
    """13 characters of base32: the key as eight bytes, most significant first. It is the Patient's own logical id."""
    return b32encode(patient_key.to_bytes(8, "big"))[:PATIENT_PART_LENGTH].decode().lower()


def logical_id(patient_key: int, local: str) -> str:
    """The id by which programs know a statement: routable by its patient part, without an index of ids."""
    return f"{patient_part(patient_key)}-{local}"


def parse_patient_part(text: str) -> int | None:
    """The patient_key a Patient's logical id stands for, or None where the text is no such id."""
    if len(text) != PATIENT_PART_LENGTH or not text.isascii() or text != text.lower():
        return None
    try:
        key = int.from_bytes(b32decode(text.upper() + "==="), "big")
    except NotBase32:
        return None
    # Base32 has spare bits at its end: only the one spelling that we write is an id of ours.
    return key if patient_part(key) == text else None


def parse_logical_id(text: str) -> tuple[int, str] | None:
    """(patient_key, local id) of a statement's logical id, or None where the text is no such id."""
    head, dash, local = text.partition("-")
    key = parse_patient_part(head)
    if key is None or not dash or len(local) != LOCAL_ID_LENGTH:
        return None
    if any(character not in _ALPHABET for character in local):
        return None
    return key, local
