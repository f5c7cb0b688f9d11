"""A signed bundle that was changed since is found out by its own signature."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from typing import Any

from carerecord.fhir.validate import validate

CANONICAL = "application/fhir+json;canonicalization=http://hl7.org/fhir/canonicalization/json"


def bundle(born: str = "1948-03-12") -> dict[str, Any]:
    patient = {"resourceType": "Patient", "birthDate": born}
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient}]}


def signed(content: dict[str, Any], *, over: dict[str, Any], form: str = CANONICAL, detached: bool = False) -> bytes:
    payload = b"" if detached else urlsafe_b64encode(json.dumps(over, sort_keys=True).encode()).rstrip(b"=")
    token = b".".join((urlsafe_b64encode(b'{"alg":"RS256"}').rstrip(b"="), payload, b"c2lnbmF0dXJl"))
    signature = {
        "type": [{"system": "urn:iso-astm:E1762-95:2013", "code": "1.2.840.10065.1.12.1.5"}],
        "when": "2026-11-22T10:00:00Z",
        "who": {"display": "Somebody"},
        "targetFormat": form,
        "sigFormat": "application/jose",
        "data": b64encode(token).decode(),
    }
    return json.dumps({**content, "signature": signature}).encode()


def test_what_was_signed_is_what_is_there() -> None:
    assert validate(signed(bundle(), over=bundle())) == []


def test_a_change_after_signing_is_found() -> None:
    assert [issue.path for issue in validate(signed(bundle("1948-03-13"), over=bundle()))] == ["Bundle.signature.data"]


def test_the_form_says_what_was_left_out() -> None:
    named = {**bundle(), "id": "a1"}
    assert validate(signed(named, over=bundle(), form=CANONICAL + "#document")) == []
    assert validate(signed(named, over=bundle())) != []


def test_a_signature_that_carries_nothing_cannot_be_judged_here() -> None:
    assert validate(signed(bundle(), over={}, detached=True)) == []
