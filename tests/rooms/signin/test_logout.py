"""The provider's logout: whatever OpenID Connect demands of it is checked, and it is heard once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from carerecord.organisations import SignIn
from carerecord.signin import NotSigned
from carerecord.signin.logout import EVENT, check_logout

AT = datetime(2026, 11, 12, 9, 0, tzinfo=UTC)
NOW = int(AT.timestamp())
SIGN_IN = SignIn(issuer="https://cis2.example", client_id="carerecord", client_secret="s")


def claims(**changed: Any) -> dict[str, Any]:
    said = {
        "iss": "https://cis2.example",
        "aud": "carerecord",
        "iat": NOW - 1,
        "exp": NOW + 120,
        "jti": "logout-1",
        "events": {EVENT: {}},
        "sid": "sid-1",
        "sub": "555000000001",
        **changed,
    }
    return {name: value for name, value in said.items() if value is not None}


def test_a_logout_names_a_session_and_only_without_one_a_person() -> None:
    both = check_logout(claims(), sign_in=SIGN_IN, at=AT)
    assert (both.provider_session, both.user_id) == ("sid-1", "")
    all_of_them = check_logout(claims(sid=None, aud=["x", "carerecord"], exp=None), sign_in=SIGN_IN, at=AT)
    assert (all_of_them.provider_session, all_of_them.user_id) == ("", "555000000001")


@pytest.mark.parametrize(
    ("changed", "claim"),
    [
        ({"iss": "https://other.example"}, "iss"),
        ({"aud": "other"}, "aud"),
        ({"aud": None}, "aud"),
        ({"iat": NOW + 60}, "iat"),
        ({"iat": NOW - 3600}, "iat"),
        ({"iat": None}, "iat"),
        ({"iat": True}, "iat"),
        ({"exp": NOW - 6}, "exp"),
        ({"exp": "soon"}, "exp"),
        ({"events": None}, "events"),
        ({"events": {}}, "events"),
        ({"events": {EVENT: "yes"}}, "events"),
        ({"events": [EVENT]}, "events"),
        ({"nonce": "n"}, "nonce"),
        ({"jti": None}, "jti"),
        ({"jti": 7}, "jti"),
        ({"jti": "logout-1\0"}, "jti"),
        ({"sid": "s" * 300}, "sid"),
        ({"sid": "sid-1\0"}, "sid"),
        ({"sid": None, "sub": None}, "sid"),
    ],
)
def test_a_logout_that_breaks_a_rule_ends_nothing(changed: dict[str, Any], claim: str) -> None:
    with pytest.raises(NotSigned) as refused:
        check_logout(claims(**changed), sign_in=SIGN_IN, at=AT)
    assert refused.value.field == claim
