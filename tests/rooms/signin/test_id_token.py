"""The ID token: whatever OpenID Connect demands of it is checked, and two factors beside."""

from datetime import UTC, datetime
from typing import Any

import pytest

from carerecord.organisations import SignIn
from carerecord.signin import NotSigned
from carerecord.signin.cis2 import check_id_token, read_assurance

AT = datetime(2026, 11, 12, 9, 0, tzinfo=UTC)
NOW = int(AT.timestamp())
SIGN_IN = SignIn(issuer="https://cis2.example", client_id="carerecord", client_secret="s")


def claims(**changed: Any) -> dict[str, Any]:
    said = {
        "iss": "https://cis2.example",
        "aud": "carerecord",
        "sub": "555000000001",
        "exp": NOW + 300,
        "iat": NOW - 1,
        "nonce": "n",
        "acr": "AAL3_ANY",
        "authentication_assurance_level": "3",
        **changed,
    }
    return {name: value for name, value in said.items() if value is not None}


def check(said: dict[str, Any]) -> None:
    check_id_token(said, sign_in=SIGN_IN, nonce="n", at=AT)


def test_a_token_that_keeps_every_rule_is_taken() -> None:
    check(claims())
    check(claims(aud=["carerecord"], authentication_assurance_level=None))
    check(claims(aud=["carerecord", "other"], azp="carerecord", acr=None, authentication_assurance_level=2))


@pytest.mark.parametrize(
    ("changed", "claim"),
    [
        ({"iss": "https://other.example"}, "iss"),
        ({"aud": "other"}, "aud"),
        ({"sub": None}, "sub"),
        ({"exp": NOW - 6}, "exp"),
        ({"exp": None}, "exp"),
        ({"iat": NOW + 60}, "iat"),
        ({"iat": NOW - 3600, "exp": NOW + 60}, "iat"),
        ({"iat": None}, "iat"),
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"azp": "other"}, "azp"),
        ({"aud": ["carerecord", "other"]}, "azp"),
        ({"acr": "AAL1_USERPASS", "authentication_assurance_level": "1"}, "acr"),
        ({"acr": None, "authentication_assurance_level": None}, "acr"),
    ],
)
def test_a_token_that_breaks_a_rule_is_refused_by_name(changed: dict[str, Any], claim: str) -> None:
    with pytest.raises(NotSigned) as refused:
        check(claims(**changed))
    assert refused.value.field == claim


@pytest.mark.parametrize(
    ("said", "level"),
    [
        ({"authentication_assurance_level": "3", "acr": "AAL2_OR_AAL3_ANY"}, 3),
        ({"authentication_assurance_level": 2}, 2),
        ({"authentication_assurance_level": None, "acr": "AAL2_OR_AAL3_ANY"}, 2),
        ({"acr": "AAL1_USERPASS"}, 1),
        ({"authentication_assurance_level": "9", "acr": "other"}, None),
        ({}, None),
    ],
)
def test_how_surely_someone_is_known_is_read_as_said_and_never_guessed(said: dict[str, Any], level: int | None) -> None:
    assert read_assurance(said) == level
