"""A signed launch keeps every rule, or is refused with a sentence that names the claim and never the patient."""

import base64
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from joserfc.jwk import ECKey, OctKey

from carerecord.launch import LaunchRefusal, verify
from carerecord.model import EvidenceClass
from carerecord.signin import Launch

AT = datetime(2026, 11, 12, 9, 0, tzinfo=UTC)
NOW = int(AT.timestamp())
AUDIENCE = "http://127.0.0.1:8400/launch"


def verified(oxford: Any, compact: str, *, at: datetime = AT) -> Launch | LaunchRefusal:
    return verify(compact, region=oxford.region, audience=AUDIENCE, at=at)


def refused(oxford: Any, compact: str) -> str:
    refusal = verified(oxford, compact)
    assert isinstance(refusal, LaunchRefusal)
    assert refusal.sentence.startswith(f"{refusal.claim}: ")
    assert refusal.sentence.endswith(".")
    for secret in ("9990000026", "999 000 0026", "1948", "Hartley"):
        assert secret not in refusal.sentence
    return refusal.claim


def test_a_launch_says_who_arrives_for_whom_and_resting_on_what(oxford: Any) -> None:
    launch = verified(oxford, oxford.launch())
    assert isinstance(launch, Launch)
    assert (launch.nhs_number, launch.birth_date, launch.family) == ("9990000026", date(1948, 3, 2), "Hartley")
    assert (launch.staff.user_id, launch.staff.role, launch.staff.organisation) == ("555000000001", "clinician", "RTH")
    assert launch.staff.organisation_name == "Oxford University Hospitals"
    assert (launch.evidence.kind, launch.evidence.id) == (EvidenceClass.APPOINTMENT, "A-77")
    assert launch.evidence.said_by == "RTH"


@pytest.mark.parametrize(
    ("changed", "claim"),
    [
        ({"iss": "https://ehr.elsewhere.example"}, "iss"),
        ({"iss": None}, "iss"),
        ({"aud": "https://elsewhere.example/launch"}, "aud"),
        ({"aud": [AUDIENCE]}, "aud"),
        ({"organisation": "RC9"}, "organisation"),
        ({"iat": NOW + 30, "exp": NOW + 60}, "iat"),
        ({"iat": NOW - 120, "exp": NOW - 60}, "exp"),
        ({"exp": NOW + 61}, "exp"),
        ({"exp": NOW - 1}, "exp"),
        ({"exp": None}, "exp"),
        ({"iat": "now"}, "iat"),
        ({"jti": None}, "jti"),
        ({"jti": ""}, "jti"),
        ({"jti": "j" * 256}, "jti"),
        ({"jti": "j\0"}, "jti"),
        ({"sub": ""}, "sub"),
        ({"sub": "555000000001\0"}, "sub"),
        ({"sub": "555000000001\u200b"}, "sub"),
        ({"sub": "\u202e100000000555"}, "sub"),
        ({"staff__role_code": "S8000\0"}, "staff.role_code"),
        ({"staff__name": "\u200b"}, "staff.name"),
        ({"evidence__id": "\u200b"}, "evidence.id"),
        ({"evidence__id": "A-77\0"}, "evidence.id"),
        ({"staff": None}, "staff"),
        ({"staff__name": " "}, "staff.name"),
        ({"staff__role_code": None}, "staff.role_code"),
        ({"patient__nhs_number": "9990000027"}, "patient.nhs_number"),
        ({"patient__nhs_number": None}, "patient.nhs_number"),
        ({"patient__nhs_number": 9990000026}, "patient.nhs_number"),
        ({"patient__birth_date": "02/03/1948"}, "patient.birth_date"),
        ({"patient__birth_date": "1948-13-02"}, "patient.birth_date"),
        ({"patient": "Hartley 9990000026"}, "patient"),
        ({"purpose": "CURIOSITY"}, "purpose"),
        ({"purpose": None}, "purpose"),
        ({"evidence": "appointment"}, "evidence"),
    ],
)
def test_a_launch_that_breaks_a_rule_is_refused_by_the_name_of_the_claim(
    oxford: Any, changed: dict[str, Any], claim: str
) -> None:
    assert refused(oxford, oxford.launch(**changed)) == claim


def test_what_turns_or_hides_words_is_taken_out_of_them(oxford: Any) -> None:
    launch = verified(
        oxford,
        oxford.launch(
            staff__name="Dr\u00a0Ann\u202e Hall\0oway\n",
            staff__role_name="Con\u2066sultant" + "x" * 9_000,
            patient__family="Hart\u00adley\0",
            evidence__place="\u202eWard\0 7",
        ),
    )
    assert isinstance(launch, Launch)
    assert launch.staff.name == "Dr Ann Halloway"
    assert launch.staff.role_name.startswith("Consultantx")
    assert len(launch.staff.role_name) == 255
    assert (launch.family, launch.evidence.place) == ("Hartley", "Ward 7")


@pytest.mark.parametrize("critical", [["exp"], ["b64"], 5, None, [5], [[]]])
def test_an_extension_that_must_be_understood_is_refused_whatever_it_is(oxford: Any, critical: Any) -> None:
    _, claims, signature = oxford.launch().split(".")
    said = {"alg": "ES256", "kid": "oxford-1", "typ": "carerecord-launch+jwt", "crit": critical, "exp": 1, "b64": True}
    header = base64.urlsafe_b64encode(msgspec.json.encode(said)).decode().rstrip("=")
    assert refused(oxford, f"{header}.{claims}.{signature}") == "crit"


@pytest.mark.parametrize("part", ["header", "claims"])
def test_a_message_nested_without_end_is_refused_like_any_that_is_none(oxford: Any, part: str) -> None:
    header, claims, signature = oxford.launch().split(".")
    nested = base64.urlsafe_b64encode(b'{"iss":' + b"[" * 5_000 + b"]" * 5_000 + b"}").decode().rstrip("=")
    compact = f"{nested}.{claims}.{signature}" if part == "header" else f"{header}.{nested}.{signature}"
    assert refused(oxford, compact) == part


def test_an_altered_launch_is_refused(oxford: Any) -> None:
    header, claims, signature = oxford.launch().split(".")
    other = oxford.launch(patient__nhs_number="9990000034").split(".")[1]
    assert refused(oxford, f"{header}.{other}.{signature}") == "signature"
    assert claims != other


def test_a_launch_signed_with_a_key_that_is_not_registered_is_refused(oxford: Any) -> None:
    stranger = ECKey.generate_key("P-256", {"kid": "oxford-1"})
    assert refused(oxford, oxford.sign(oxford.claims(), key=stranger)) == "signature"
    assert refused(oxford, oxford.sign(oxford.claims(), kid="oxford-2")) == "kid"


def test_a_launch_cannot_bring_its_own_key(oxford: Any) -> None:
    stranger = ECKey.generate_key("P-256", {"kid": "oxford-1"})
    compact = oxford.sign(oxford.claims(), key=stranger, jwk=stranger.as_dict(private=False))
    assert refused(oxford, compact) == "signature"


@pytest.mark.parametrize("typ", ["JWT", "carerecord-launch", ""])
def test_a_message_signed_for_another_use_is_no_launch(oxford: Any, typ: str) -> None:
    assert refused(oxford, oxford.sign(oxford.claims(), typ=typ)) == "typ"


def test_the_public_key_is_no_shared_secret(oxford: Any) -> None:
    public = OctKey.import_key("not-so-secret-but-long-enough-for-a-hash-of-256-bits")
    assert refused(oxford, oxford.sign(oxford.claims(), key=public, alg="HS256")) == "alg"


def test_an_unsigned_launch_is_refused(oxford: Any) -> None:
    header, claims, _ = oxford.launch().split(".")
    unsigned = (
        base64.urlsafe_b64encode(b'{"alg":"none","kid":"oxford-1","typ":"carerecord-launch+jwt"}').decode().rstrip("=")
    )
    assert refused(oxford, f"{unsigned}.{claims}.") == "alg"
    assert refused(oxford, f"{header}.{claims}.") == "signature"


@pytest.mark.parametrize("compact", ["", "launch", "a.b.c", "e30.e30.e30", "." * 2, "[].[].[]", "é.é.é", "x" * 20_000])
def test_what_is_not_a_signed_message_is_refused(oxford: Any, compact: str) -> None:
    assert refused(oxford, compact) in {"message", "header", "claims", "iss"}


def test_clocks_may_differ_by_five_seconds(oxford: Any) -> None:
    compact = oxford.launch()
    assert isinstance(verified(oxford, compact, at=AT - timedelta(seconds=5)), Launch)
    assert isinstance(verified(oxford, compact, at=AT + timedelta(seconds=64)), Launch)
    assert isinstance(verified(oxford, compact, at=AT - timedelta(seconds=6)), LaunchRefusal)
    assert isinstance(verified(oxford, compact, at=AT + timedelta(seconds=65)), LaunchRefusal)


@pytest.mark.parametrize("kind", ["encounter", "appointment", "referral", "caseload", "registration", "incident"])
def test_named_evidence_is_strong(oxford: Any, kind: str) -> None:
    launch = verified(oxford, oxford.launch(evidence__kind=kind))
    assert isinstance(launch, Launch)
    assert launch.evidence.is_strong


@pytest.mark.parametrize(
    "changed",
    [
        {"evidence": None},
        {"evidence__kind": "friendship"},
        {"evidence__kind": "declared"},
        {"evidence__kind": "agreement"},
        {"evidence__kind": "none"},
        {"evidence__id": None},
        {"evidence__id": " "},
    ],
)
def test_evidence_that_is_missing_unknown_or_not_named_is_a_bare_launch(oxford: Any, changed: dict[str, Any]) -> None:
    launch = verified(oxford, oxford.launch(**changed))
    assert isinstance(launch, Launch)
    assert launch.evidence.kind is EvidenceClass.LAUNCH


def test_a_role_that_the_region_does_not_map_is_left_to_the_decision(oxford: Any) -> None:
    launch = verified(oxford, oxford.launch(staff__role_code="S0000:G0000:R0000"))
    assert isinstance(launch, Launch)
    assert launch.staff.role == "unknown"
