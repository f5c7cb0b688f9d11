"""From NHS CIS2 claims to roles to choose from: none, one, many, and those that cannot be used here."""

from typing import Any

import pytest

from carerecord.disclosure import Refusal
from carerecord.organisations import Organisation, Region
from carerecord.signin import Login
from carerecord.signin.roles import UserInfoDoesNotFit, read_login

REGION = Region(
    name="london",
    title="London Care Record",
    phone="020 7946 0000",
    organisations=(Organisation(ods_code="RTH", name="Oxford University Hospitals"),),
    sources=(),
    roles={"S8000:G8000:R8000": "clinician"},
)


def role(number: str, *, code: str = "S8000:G8000:R8000", org: str = "RTH") -> dict[str, Any]:
    return {
        "person_orgid": f"org-{number}",
        "person_roleid": number,
        "org_code": org,
        "role_name": '"Clinical":"Clinical Provision":"Clinical Practitioner Access Role"',
        "role_code": code,
        "activity_codes": ["B0380"],
    }


def userinfo(*roles: dict[str, Any]) -> dict[str, Any]:
    return {
        "sub": "555000000001",
        "nhsid_useruid": "555000000001",
        "name": "Okafor Amara Dr",
        "nhsid_nrbac_roles": list(roles),
    }


def test_one_role_that_fits_can_be_used() -> None:
    login = read_login(userinfo(role("1")), region=REGION)
    assert isinstance(login, Login)
    staff = login.staff("1")
    assert staff is not None
    assert (staff.role, staff.organisation_name) == ("clinician", "Oxford University Hospitals")
    assert staff.role_name == "Clinical Practitioner Access Role"
    assert staff.sign_in == "cis2"


def test_how_surely_they_are_known_and_what_their_role_may_do_go_with_them() -> None:
    one, other = role("1"), {**role("2"), "activity_codes": ["B0264", "B0083", "B0083"]}
    login = read_login(userinfo(one, other), region=REGION, assurance=3)
    assert isinstance(login, Login)
    first, second = login.staff("1"), login.staff("2")
    assert first
    assert second
    assert (first.assurance, first.activities) == (3, ("B0380",))
    assert (second.assurance, second.activities) == (3, ("B0083", "B0264"))


def test_roles_that_cannot_be_used_are_shown_with_the_reason() -> None:
    login = read_login(userinfo(role("1"), role("2", code="S8001:G8003:R8008"), role("3", org="RXX")), region=REGION)
    assert isinstance(login, Login)
    assert [said.id for said in login.usable] == ["1"]
    assert login.roles[1].why_not is not None
    assert login.roles[1].why_not.startswith("The role Clinical Practitioner Access Role does not open")
    assert login.roles[2].why_not == "Organisation RXX takes no part in the London Care Record."
    assert login.staff("2") is None
    assert login.staff("9") is None


@pytest.mark.parametrize("said", [userinfo(), {"sub": "555000000001"}])
def test_someone_without_any_role_is_told_whom_to_ask(said: dict[str, Any]) -> None:
    refusal = read_login(said, region=REGION)
    assert isinstance(refusal, Refusal)
    assert "registration authority" in refusal.sentences[1]
    assert refusal.phone == "020 7946 0000"


def test_someone_with_no_usable_role_is_told_why() -> None:
    refusal = read_login(userinfo(role("1", org="RXX"), role("2", org="RXX")), region=REGION)
    assert isinstance(refusal, Refusal)
    assert refusal.sentences == (
        "You are signed in, but none of your roles can be used here.",
        "Organisation RXX takes no part in the London Care Record.",
    )


@pytest.mark.parametrize(
    "said", [{}, {"sub": 5}, {"sub": "1", "nhsid_nrbac_roles": "all"}, userinfo({"role_code": "x"})]
)
def test_claims_of_another_shape_are_refused(said: dict[str, Any]) -> None:
    with pytest.raises(UserInfoDoesNotFit):
        read_login(said, region=REGION)
