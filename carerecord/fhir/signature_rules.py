"""Whether a signed Bundle still holds what was signed (https://hl7.org/fhir/R4/signatures.html). Pure.

A signature whose payload travels inside it (a JWS that is not detached) says itself what was signed. Whether the key
is to be trusted is not judged here; that the content was changed since can be seen by anybody.
"""

from __future__ import annotations

import json
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

Object = Mapping[str, Any]
Finding = tuple[str, str]

_CANONICAL = "http://hl7.org/fhir/canonicalization/json"
# What each canonical form leaves out of the Bundle itself.
_LEFT_OUT = {"": ("signature",), "#data": ("signature", "text"), "#document": ("signature", "id", "meta")}


def findings(bundle: Object) -> Iterator[Finding]:
    signature = bundle.get("signature")
    if not isinstance(signature, dict):
        return
    form = str(signature.get("targetFormat", "")).partition("canonicalization=")[2].strip()
    left_out = _LEFT_OUT.get(form.removeprefix(_CANONICAL)) if form.startswith(_CANONICAL) else None
    signed = _payload(signature.get("data"))
    if left_out is None or signed is None:
        return
    holds = {name: item for name, item in bundle.items() if name not in left_out}
    if signed != _plain(holds):
        yield (
            ".signature.data",
            "was made over other content than the bundle holds: send it as it was signed",
        )


def _payload(data: object) -> object:
    """What the signature says was signed; None where it does not carry that."""
    if not isinstance(data, str):
        return None
    try:
        parts = b64decode(data).split(b".")
        if len(parts) != 3 or not parts[1]:
            return None
        return json.loads(urlsafe_b64decode(parts[1] + b"=" * (-len(parts[1]) % 4)), parse_float=Decimal)
    except (ValueError, RecursionError):
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return Decimal(str(value)) if isinstance(value, float) else value
