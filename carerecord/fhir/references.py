"""Ids and references: the same item of the same source always has the same id, and no id means anything."""

from __future__ import annotations

from base64 import b32decode, b32encode
from binascii import Error as NotBase32
from hashlib import blake2b

PATIENT_PART_LENGTH = 13
LOCAL_ID_LENGTH = 26
# How a reference was said, in JSON without spaces, beside one that may mean nothing which the record holds.
AS_SAID = b',"_reference":{"extension":[{"url":"urn:carerecord:reference-as-said","valueString":%b}]}'


_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
# Fifteen bits at a time is three times as fast as base64.b32encode, and ids are made for every statement there is.
_TRIPLES = [first + second + third for first in _ALPHABET for second in _ALPHABET for third in _ALPHABET]
_SHIFTS = tuple(range(120, -1, -15))


def local_id(source: str, kind: str, own_id: str) -> str:
    """26 characters of base32: BLAKE2b-128 of length-prefixed (source, kind, the source's own id)."""
    # Lengths stand before the parts, so that no id can imitate another by moving a separator.
    parts = f"{len(source)}:{source}{len(kind)}:{kind}{len(own_id)}:{own_id}".encode()
    bits = int.from_bytes(blake2b(parts, digest_size=16).digest(), "big") << 7
    return "".join([_TRIPLES[bits >> shift & 32767] for shift in _SHIFTS])[:LOCAL_ID_LENGTH]


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
