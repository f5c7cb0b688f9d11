"""From what the provider says about someone to the roles they may choose from here.

NHS CIS2 claims (`nhsid_useruid`, `nhsid_nrbac_roles`): https://digital.nhs.uk/services/care-identity-service.
"""

from __future__ import annotations

from typing import Any

import msgspec

from carerecord.disclosure.values import Refusal
from carerecord.organisations import Region, role_of
from carerecord.signin.values import Login, StaffRole

NO_ROLE = (
    "You are signed in, but your Care Identity has no role at any organisation, so the record cannot be opened.",
    "Ask your organisation's registration authority to give you a role, then sign in again.",
)
NO_USABLE_ROLE = "You are signed in, but none of your roles can be used here."
TEXT_MAX = 200
ACTIVITIES_MAX = 200


class _Role(msgspec.Struct, kw_only=True):
    """One entry of nhsid_nrbac_roles; its other members are not used."""

    person_roleid: str
    org_code: str
    role_code: str
    role_name: str = ""
    activity_codes: tuple[str, ...] = ()


class _UserInfo(msgspec.Struct, kw_only=True):
    sub: str
    nhsid_useruid: str = ""
    name: str = ""
    given_name: str = ""
    family_name: str = ""
    nhsid_nrbac_roles: tuple[_Role, ...] = ()


class UserInfoDoesNotFit(ValueError):
    """What the sign-in provider says about this person cannot be read; tell those who run the record."""


def read_login(userinfo: dict[str, Any], *, region: Region, assurance: int | None = None) -> Login | Refusal:
    """The person and every role, usable or not; a Refusal when none can be used. Raises UserInfoDoesNotFit."""
    try:
        said = msgspec.convert(userinfo, _UserInfo)
    except msgspec.ValidationError as wrong:
        raise UserInfoDoesNotFit(UserInfoDoesNotFit.__doc__) from wrong
    name = said.name or f"{said.given_name} {said.family_name}".strip() or "name not given"
    login = Login(
        user_id=said.nhsid_useruid or said.sub,
        name=name[:TEXT_MAX],
        roles=tuple(_role(role, region) for role in said.nhsid_nrbac_roles),
        assurance=assurance,
    )
    if not login.roles:
        return Refusal(kind="not-allowed", sentences=NO_ROLE, phone=region.phone)
    if not login.usable:
        why = dict.fromkeys(role.why_not for role in login.roles if role.why_not)
        return Refusal(kind="not-allowed", sentences=(NO_USABLE_ROLE, *why), phone=region.phone)
    return login


def _role(said: _Role, region: Region) -> StaffRole:
    """Usable when the region knows both the organisation and the role; else it is shown with the reason why not."""
    organisation = region.find_organisation(said.org_code)
    role = role_of(region, said.role_code)
    role_name = _last(said.role_name) or said.role_code
    why_not = None
    if organisation is None:
        why_not = f"Organisation {said.org_code[:12]} takes no part in the {region.title}."
    elif role is None:
        why_not = (
            f"The role {role_name} does not open the {region.title}. Ask your registration authority which role does."
        )
    return StaffRole(
        id=said.person_roleid,
        role_code=said.role_code,
        role_name=role_name,
        organisation=said.org_code,
        organisation_name=organisation.name if organisation else f"organisation {said.org_code[:12]}",
        role=role,
        activities=tuple(sorted(set(said.activity_codes)))[:ACTIVITIES_MAX],
        why_not=why_not,
    )


def _last(role_name: str) -> str:
    """CIS2 writes '"Clinical":"Clinical Provision":"Clinical Practitioner Access Role"': people know the last part."""
    return role_name.split(":")[-1].strip().strip('"')[:TEXT_MAX]
