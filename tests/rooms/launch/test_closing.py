"""A host closes what it launched, or turns to another patient: the chart ends, and nothing else does."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey

from carerecord.launch.closing import PATH, TYP

AT = datetime(2026, 11, 12, 9, 0, tzinfo=UTC)
NOW = int(AT.timestamp())
Opening = Callable[[], AbstractAsyncContextManager[Any]]


def said(oxford: Any, key: Any = None, typ: str = TYP, **changed: Any) -> str:
    claims = {
        "iss": "https://ehr.oxford.example",
        "aud": f"http://127.0.0.1:8400{PATH}",
        "iat": NOW,
        "exp": NOW + 60,
        "organisation": "RTH",
        "event": "patient-changed",
        "launch": "launch-1",
        **changed,
    }
    return str(oxford.sign({name: each for name, each in claims.items() if each is not None}, key=key, typ=typ))


async def arrive(house: Any, oxford: Any, jti: str) -> tuple[str, str]:
    arrived = await house.arrive(oxford.launch(jti=jti))
    session_id = arrived.headers["location"].split("/")[2]
    return session_id, arrived.headers["set-cookie"].split(";")[0].partition("=")[2]


async def tell(house: Any, compact: str) -> Any:
    return await house.browser.post(PATH, content=compact, headers={"Content-Type": "application/jwt"})


@pytest.mark.parametrize("event", ["closed", "patient-changed"])
async def test_what_a_launch_opened_ends_and_is_witnessed(open_house: Opening, oxford: Any, event: str) -> None:
    async with open_house() as house:
        over, other = await arrive(house, oxford, "launch-1"), await arrive(house, oxford, "launch-2")
        answer = await tell(house, said(oxford, event=event))
        assert (answer.status_code, answer.json()) == (200, {"ended": 1})
        assert await house.parts.sessions.find(over[0], token=over[1], at=AT) is None
        assert await house.parts.sessions.find(other[0], token=other[1], at=AT) is not None
        witnessed = house.parts.door.witnessed[-1]
        assert (witnessed["kind"], witnessed["session"], witnessed["patient_key"]) == ("signed_out", over[0], 4711)
        assert witnessed["detail"] == {"by": event}
        again = await tell(house, said(oxford, event=event))
        assert again.json() == {"ended": 0}


async def test_a_link_that_waits_opens_nothing_any_more(open_house: Opening, oxford: Any) -> None:
    async with open_house() as house:
        url = (await house.announce(oxford.launch(jti="launch-1"))).json()["url"]
        await tell(house, said(oxford))
        late = await house.browser.get(url)
        assert late.status_code == 403
        assert "set-cookie" not in late.headers


@pytest.mark.parametrize(
    ("changed", "claim", "status"),
    [
        ({"iss": "https://nobody.example"}, "iss", 401),
        ({"aud": "http://127.0.0.1:8400/launch"}, "aud", 400),
        ({"organisation": "RC9"}, "organisation", 403),
        ({"iat": NOW + 60, "exp": NOW + 90}, "iat", 400),
        ({"iat": NOW - 120, "exp": NOW - 61}, "exp", 400),
        ({"exp": NOW + 61}, "exp", 400),
        ({"event": "opened"}, "claims", 400),
        ({"launch": None}, "claims", 400),
        ({"launch": ""}, "launch", 400),
        ({"launch": "launch-1\0"}, "launch", 400),
        ({"typ": "carerecord-launch+jwt"}, "typ", 400),
        ({"key": ECKey.generate_key("P-256", {"kid": "oxford-1", "use": "sig"})}, "signature", 401),
    ],
)
async def test_what_breaks_a_rule_ends_nothing_says_so_and_is_witnessed(
    open_house: Opening, oxford: Any, changed: dict[str, Any], claim: str, status: int
) -> None:
    async with open_house() as house:
        session_id, token = await arrive(house, oxford, "launch-1")
        house.parts.door.witnessed.clear()
        answer = await tell(house, said(oxford, **changed))
        assert (answer.status_code, answer.json()["error"]) == (status, claim)
        assert answer.json()["sentence"].endswith(".")
        assert await house.parts.sessions.find(session_id, token=token, at=AT) is not None
        by_a_neighbour = claim != "iss"
        told = [(each["kind"], each["detail"]) for each in house.parts.door.witnessed]
        assert told == ([("refused", {"rule": f"context {claim}"})] if by_a_neighbour else [])


def altered(compact: str, **changed: Any) -> str:
    head, body, signature = compact.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    return ".".join((head, _part({**claims, **changed}), signature))


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def forged(oxford: Any) -> dict[str, tuple[str, str]]:
    """What is wrong, and the claim by which it must be refused."""
    good, other = oxford.launch(), ECKey.generate_key("P-256", {"kid": "oxford-1", "use": "sig"})
    head, body, _ = good.split(".")
    unsigned = {"alg": "none", "kid": "oxford-1", "typ": "carerecord-launch+jwt"}
    shared = {**unsigned, "alg": "HS256"}
    return {
        "altered": (altered(good, sub="555000000009"), "signature"),
        "altered patient": (
            altered(good, patient={"nhs_number": "9990000034"}),
            "signature",
        ),
        "signature taken away": (f"{head}.{body}.", "signature"),
        "alg none": (f"{_part(unsigned)}.{body}.", "alg"),
        "HS256 by the public key": (f"{_part(shared)}.{body}.c2lnbmVk", "alg"),
        "another's key": (oxford.sign(oxford.claims(), key=other), "signature"),
        "unknown key": (oxford.sign(oxford.claims(), kid="oxford-9"), "kid"),
        "another organisation": (oxford.launch(organisation="RC9"), "organisation"),
        "another audience": (oxford.launch(aud="http://127.0.0.1:8400/token"), "aud"),
        "from the future": (oxford.launch(iat=NOW + 30, exp=NOW + 60), "iat"),
        "expired": (oxford.launch(iat=NOW - 90, exp=NOW - 31), "exp"),
        "too long a life": (oxford.launch(exp=NOW + 3600), "exp"),
        "of another use": (oxford.sign(oxford.claims(), typ=TYP), "typ"),
    }


WRONG = ("altered", "altered patient", "signature taken away", "alg none", "HS256 by the public key", "another's key")
WRONG += ("unknown key", "another organisation", "another audience", "from the future", "expired", "too long a life")
WRONG += ("of another use",)


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_forged_launch_fails_with_a_sentence_and_a_witness(
    open_house: Opening, oxford: Any, wrong: str
) -> None:
    compact, claim = forged(oxford)[wrong]
    async with open_house() as house:
        answer = await house.announce(compact)
        assert 400 <= answer.status_code < 500
        assert answer.json()["error"] == claim
        assert answer.json()["sentence"].endswith(".")
        (witnessed,) = house.parts.door.witnessed
        assert (witnessed["kind"], witnessed["detail"]) == ("refused", {"rule": claim})
        assert witnessed["staff"].organisation == "RTH"
        assert await house.owner.fetchval("select count(*) from signin.arrival") == 0


async def test_a_replayed_launch_fails_with_a_sentence_and_a_witness(open_house: Opening, oxford: Any) -> None:
    async with open_house() as house:
        compact = oxford.launch()
        assert (await house.announce(compact)).status_code == 201
        again = await house.announce(compact)
        assert (again.status_code, again.json()["error"]) == (400, "jti")
        assert house.parts.door.witnessed[-1]["detail"] == {"rule": "jti"}
        house.parts.now = AT + timedelta(minutes=10)
        assert (await house.announce(compact)).json()["error"] == "exp"


async def test_a_launch_by_nobody_we_know_is_refused_and_names_nobody(open_house: Opening, oxford: Any) -> None:
    async with open_house() as house:
        answer = await house.announce(oxford.launch(iss="https://nobody.example"))
        assert (answer.status_code, answer.json()["error"]) == (401, "iss")
        assert house.parts.door.witnessed == []  # Anybody can send this: it is counted in the log.
