"""A neighbour's attestation over HTTP: signed with its registered key, once, for itself, and without any patient."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc.jwk import ECKey

from carerecord.launch.attestation import LAUNCHES_MAX, LETTERS_MAX
from carerecord.launch.attestation import TYP as ATTESTATION

AT = datetime(2026, 11, 12, 9, 0, tzinfo=UTC)
Opening = Callable[[], AbstractAsyncContextManager[Any]]


def claims(**changed: Any) -> dict[str, Any]:
    """The claims of a good attestation; None takes one away."""
    said = {
        "iss": "https://ehr.oxford.example",
        "aud": "http://127.0.0.1:8400/launch/attestation",
        "iat": int(AT.timestamp()),
        "exp": int(AT.timestamp()) + 60,
        "jti": "attestation-1",
        "organisation": "RTH",
        "day": "2026-11-12",
        "launches": [
            {"jti": "launch-1", "holds": True},
            {"kind": "appointment", "id": "A-77", "holds": False},
        ],
        **changed,
    }
    return {name: value for name, value in said.items() if value is not None}


async def send(house: Any, compact: str, content_type: str = "application/jwt") -> Any:
    headers = {"Content-Type": content_type}
    return await house.browser.post("/launch/attestation", content=compact, headers=headers)


async def test_an_attestation_is_taken_once_and_the_same_again_is_refused_and_changes_nothing(
    open_house: Opening, oxford: Any
) -> None:
    async with open_house() as house:
        compact = oxford.sign(claims(), typ=ATTESTATION)
        taken = await send(house, compact)
        assert (taken.status_code, taken.json()) == (201, {"taken": 2})
        again = await send(house, compact)
        assert again.status_code == 409
        assert "taken before" in again.json()["sentence"]
        assert house.parts.door.witnessed[-1]["detail"] == {"rule": "attestation jti"}


@pytest.mark.parametrize(
    ("changed", "claim", "status"),
    [
        ({"iss": "https://nobody.example"}, "iss", 401),
        ({"aud": "http://127.0.0.1:8400/launch"}, "aud", 400),
        ({"organisation": "RC9"}, "organisation", 403),
        ({"iat": int(AT.timestamp()) + 60, "exp": int(AT.timestamp()) + 90}, "iat", 400),
        ({"iat": int(AT.timestamp()) - 600, "exp": int(AT.timestamp()) - 560}, "exp", 400),
        ({"exp": int(AT.timestamp()) + 3600}, "exp", 400),
        ({"jti": ""}, "jti", 409),
        ({"jti": "attestation\0"}, "jti", 409),
        ({"launches": [{"jti": "one\0", "holds": True}]}, "launches", 400),
        ({"launches": None}, "claims", 400),
        ({"launches": [{"jti": "one"}]}, "claims", 400),
        ({"launches": [{"jti": "one", "holds": "yes"}]}, "claims", 400),
        ({"launches": [{"jti": "one", "holds": True, "nhs_number": "9990000026"}]}, "claims", 400),
        ({"launches": [{"holds": True}]}, "launches", 400),
        ({"launches": [{"jti": "one", "kind": "appointment", "id": "A", "holds": True}]}, "launches", 400),
        ({"launches": [{"jti": str(n), "holds": True} for n in range(LAUNCHES_MAX + 1)]}, "launches", 400),
    ],
)
async def test_each_rule_that_is_broken_is_named_and_nothing_is_repeated(
    open_house: Opening, oxford: Any, changed: dict[str, Any], claim: str, status: int
) -> None:
    async with open_house() as house:
        refused = await send(house, oxford.sign(claims(**changed), typ=ATTESTATION))
        assert (refused.status_code, refused.json()["error"]) == (status, claim)
        assert "9990000026" not in refused.text


async def test_a_launch_is_no_attestation_and_another_key_is_not_believed(open_house: Opening, oxford: Any) -> None:
    async with open_house() as house:
        launch = await send(house, oxford.sign(claims()))  # Signed as a launch is, by its typ.
        assert launch.json()["error"] == "typ"
        other = ECKey.generate_key("P-256", {"kid": "oxford-1", "use": "sig"})
        forged = await send(house, oxford.sign(claims(), key=other, typ=ATTESTATION))
        assert (forged.status_code, forged.json()["error"]) == (401, "signature")


async def test_as_many_launches_as_are_allowed_fit_into_one_message(open_house: Opening, oxford: Any) -> None:
    async with open_house() as house:
        launches = [{"jti": f"{n:032x}", "holds": True} for n in range(LAUNCHES_MAX)]
        compact = oxford.sign(claims(launches=launches), typ=ATTESTATION)
        taken = await send(house, compact)
        assert (taken.status_code, taken.json()) == (201, {"taken": LAUNCHES_MAX})


async def test_what_is_no_signed_message_or_too_large_is_turned_away(open_house: Opening) -> None:
    async with open_house() as house:
        assert (await send(house, "x", "application/json")).status_code == 415
        assert (await send(house, "x" * (LETTERS_MAX + 1))).status_code == 413
        assert (await send(house, "not.signed")).status_code == 400
