"""Ids and references: the same item of the same source always has the same id, and no id means anything."""

from __future__ import annotations

from base64 import b32decode, b32encode
from binascii import Error as NotBase32
from hashlib import blake2b
from struct import Struct

PATIENT_PART_LENGTH = 13
LOCAL_ID_LENGTH = 26
# How a reference was said, in JSON without spaces, beside one that may mean nothing which the record holds.
AS_SAID = b',"_reference":{"extension":[{"url":"urn:carerecord:reference-as-said","valueString":%b}]}'


_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
# Ten bits at a time are many times as fast as base64.b32encode, and ids are made for every statement there is. Fifteen
# would be faster still where nothing else ran: their table does not stay in a cache.
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_halves = Struct("!QQ").unpack


def local_id(source: str, kind: str, own_id: str) -> str:
    """26 characters of base32: BLAKE2b-128 of length-prefixed (source, kind, the source's own id)."""
    # Lengths stand before the parts, so that no id can imitate another by moving a separator.
    parts = f"{len(source)}:{source}{len(kind)}:{kind}{len(own_id)}:{own_id}".encode()
    first, last = _halves(blake2b(parts, digest_size=16).digest())
    two = _PAIRS
    return (
        f"{two[first >> 54]}{two[first >> 44 & 1023]}{two[first >> 34 & 1023]}{two[first >> 24 & 1023]}"
        f"{two[first >> 14 & 1023]}{two[first >> 4 & 1023]}{two[(first & 15) << 6 | last >> 58]}"
        f"{two[last >> 48 & 1023]}{two[last >> 38 & 1023]}{two[last >> 28 & 1023]}{two[last >> 18 & 1023]}"
        f"{two[last >> 8 & 1023]}{two[last << 2 & 1023]}"
    )


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
