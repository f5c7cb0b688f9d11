"""The token endpoint: a registered program, its own key, once for each assertion, and no more than its scope."""

from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from carerecord import database
from carerecord.organisations import Client, Organisation, Region
from carerecord.settings import Settings
from carerecord.signin import ClientRefusal, Clients, ClientToken
from carerecord.signin.clients import ASSERTION_TYPE

AT = datetime(2026, 11, 12, 9, 0, tzinfo=UTC)
TOKEN_URL = "http://127.0.0.1:8400/token"
KEY = ECKey.generate_key("P-384", {"kid": "k1", "use": "sig"})
RSA = RSAKey.generate_key(2048, {"kid": "k2", "use": "sig"})
OTHER = ECKey.generate_key("P-384", {"kid": "k1", "use": "sig"})
REGION = Region(
    name="london",
    title="London Care Record",
    phone="020 7946 0000",
    organisations=(Organisation(ods_code="X26", name="Renal Registry"),),
    sources=(),
    clients=(
        Client(
            client_id="renal-registry",
            organisation="X26",
            name="Renal Registry",
            jwks={"keys": [KEY.as_dict(private=False), RSA.as_dict(private=False)]},
            scope="system/Patient.rs system/Observation.rs",
        ),
    ),
)


def assertion(*, key: Any = KEY, header: dict[str, Any] | None = None, **claims: Any) -> str:
    said = {
        "iss": "renal-registry",
        "sub": "renal-registry",
        "aud": TOKEN_URL,
        "exp": int(AT.timestamp()) + 300,
        "jti": "a-1",
        **claims,
    }
    named = {"alg": "ES384", "kid": "k1", **(header or {})}
    return jwt.encode(named, {name: value for name, value in said.items() if value is not None}, key, [named["alg"]])


def form(compact: str, **fields: str) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": compact,
        "scope": "system/Patient.rs",
        **fields,
    }


async def granted(settings: Settings, asked: dict[str, str]) -> ClientToken | ClientRefusal:
    async with database.connect(settings, "serve") as db:
        return await Clients(db, REGION, settings).grant(asked, at=AT)


async def test_a_signed_assertion_gives_a_token_for_five_minutes(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        clients = Clients(db, REGION, settings)
        token = await clients.grant(form(assertion()), at=AT)
        assert isinstance(token, ClientToken)
        assert (token.token_type, token.expires_in, token.scope) == ("bearer", 300, "system/Patient.rs")
        access = await clients.find(token.access_token, at=AT)
        assert access
        assert access.staff.is_program
        assert (access.staff.user_id, access.staff.role, access.staff.organisation) == (
            "renal-registry",
            "program",
            "X26",
        )
        assert access.scopes.may("Patient", "r")
        assert not access.scopes.may("Observation", "r")
        assert token.access_token not in access.id
        assert await clients.find(token.access_token, at=AT + timedelta(seconds=300)) is None
        assert await clients.find("guessed", at=AT) is None
        async with database.connect(settings, "owner") as owner:
            assert token.access_token not in str([dict(row) for row in await owner.fetch("select * from signin.token")])


async def test_an_assertion_signed_with_rsa_is_taken_too(settings: Settings) -> None:
    signed = assertion(key=RSA, header={"alg": "RS384", "kid": "k2"})
    assert isinstance(await granted(settings, form(signed)), ClientToken)


async def test_an_assertion_works_once(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        clients = Clients(db, REGION, settings)
        assert isinstance(await clients.grant(form(assertion()), at=AT), ClientToken)
        again = await clients.grant(form(assertion()), at=AT)
        assert isinstance(again, ClientRefusal)
        assert again.sentence.startswith("jti: this assertion was used before")


NOW = int(AT.timestamp())
BROKEN = [
    ("header", "not.a.token"),
    ("iss", assertion(iss="someone-else")),
    ("sub", assertion(sub="someone-else")),
    ("aud", assertion(aud="http://127.0.0.1:8400/launch")),
    ("aud", assertion(aud=[TOKEN_URL, "https://elsewhere.example"])),
    ("exp", assertion(exp=NOW - 10)),
    ("exp", assertion(exp=NOW + 900)),
    ("exp", assertion(exp=None)),
    ("jti", assertion(jti=None)),
    ("jti", assertion(jti="a-1\0")),
    ("claims", f"e30.{'W1tb' * 4_000}.AA"),
    ("signature", assertion(key=OTHER)),
    ("kid", assertion(header={"kid": "k9"})),
    ("alg", assertion(key=OctKey.generate_key(512, {"kid": "k1"}), header={"alg": "HS256"})),
    ("alg", assertion(key=RSA, header={"alg": "RS256", "kid": "k2"})),
]


async def test_an_assertion_that_breaks_a_rule_is_refused_by_name(settings: Settings) -> None:
    async with database.connect(settings, "serve") as db:
        clients = Clients(db, REGION, settings)
        for field, compact in BROKEN:
            refusal = await clients.grant(form(compact), at=AT)
            assert isinstance(refusal, ClientRefusal), field
            assert refusal.error == "invalid_client"
            assert refusal.sentence.startswith(f"{field}: ")


async def test_a_request_for_more_or_otherwise_is_refused(settings: Settings) -> None:
    asked = [
        ("unsupported_grant_type", {"grant_type": "password"}),
        ("invalid_client", {"client_assertion_type": "basic"}),
        ("invalid_scope", {"scope": ""}),
        ("invalid_scope", {"scope": "system/*.rs"}),
        ("invalid_scope", {"scope": "system/Patient.cruds"}),
        ("invalid_scope", {"scope": "everything"}),
        ("invalid_scope", {"scope": "system/Patient.rs?name=x"}),
    ]
    async with database.connect(settings, "serve") as db:
        clients = Clients(db, REGION, settings)
        for number, (error, fields) in enumerate(asked):
            refusal = await clients.grant(form(assertion(jti=f"a-{number}"), **fields), at=AT)
            assert isinstance(refusal, ClientRefusal), fields
            assert refusal.error == error
            assert refusal.sentence.endswith(".")
