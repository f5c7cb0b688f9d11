"""The members of staff that the sign-in provider knows: with no role, one role, several and many."""

# ruff: noqa: E501 -- a table is read by its rows.

from __future__ import annotations

from typing import Any

import msgspec

CLINICIAN = ("S8000:G8000:R8000", '"Clinical":"Clinical Provision":"Clinical Practitioner Access Role"')
NURSE = ("S8000:G8000:R8001", '"Clinical":"Clinical Provision":"Nurse Access Role"')
ADMIN = ("S8000:G8000:R8008", '"Clinical":"Clinical Provision":"Admin/Clinical Support Access Role"')
GP = ("S0010:G0020:R0260", '"Medical and Dental":"General Medical":"General Medical Practitioner"')
PHARMACIST = ("S8000:G8000:R1290", '"Clinical":"Clinical Provision":"Pharmacist"')
PARAMEDIC = ("S8000:G8000:R9901", '"Clinical":"Clinical Provision":"Paramedic"')
MENTAL_HEALTH = ("S8000:G8000:R9902", '"Clinical":"Clinical Provision":"Mental Health Practitioner"')
CARE_HOME_NURSE = ("S8000:G8000:R9903", '"Clinical":"Clinical Provision":"Care Home Nurse"')
PRIVACY_OFFICER = ("S8000:G8000:R9911", '"Clinical":"Information Governance":"Privacy Officer"')
GUARDIAN = ("S8000:G8000:R9912", '"Clinical":"Information Governance":"Caldicott Guardian"')
RECORDS_MANAGER = ("S8000:G8000:R9913", '"Clinical":"Information Governance":"Records Manager"')
LOCAL_ADMINISTRATOR = ("S8000:G8000:R9914", '"Clinical":"Information Governance":"Local Administrator"')
SAFETY_OFFICER = ("S8000:G8000:R9915", '"Clinical":"Information Governance":"Clinical Safety Officer"')
SOCIAL_WORKER = ("S8000:G8000:R8017", '"Clinical":"Clinical Provision":"Social Worker"')


ACTIVITIES = {
    "B0264": "Access SCR",
    "B0083": "Gain temporary access to sealed data without permission",
}


class Role(msgspec.Struct, frozen=True):
    roleid: str
    code: str
    name: str
    organisation: str
    activities: tuple[str, ...]


class User(msgspec.Struct, frozen=True, kw_only=True):
    nhsid_useruid: str
    title: str
    given_name: str
    family_name: str
    called: str  # what the picker says of them
    roles: tuple[Role, ...] = ()
    assurance: int = 3

    @property
    def name(self) -> str:
        return f"{self.family_name.upper()} {self.given_name} ({self.title})"


def _roles(
    start: int, *held: tuple[tuple[str, str], str], activities: tuple[str, ...] = ("B0264",)
) -> tuple[Role, ...]:
    return tuple(
        Role(f"{start + place}", code, name, organisation, activities)
        for place, ((code, name), organisation) in enumerate(held)
    )


USERS = (
    User(nhsid_useruid="555000000101", title="Dr", given_name="Amara", family_name="Nwosu",
         called="Consultant, Barts Health. One role.", roles=_roles(555101001, (CLINICIAN, "R1H"))),
    User(nhsid_useruid="555000000102", title="Dr", given_name="Helen", family_name="Prior-Watts",
         called="GP in Mile End, hospital practitioner at Barts Health and in Oxford. Three roles.",
         roles=_roles(555102001, (GP, "Y99101"), (CLINICIAN, "R1H"), (CLINICIAN, "RTH"))),
    User(nhsid_useruid="555000000103", title="Ms", given_name="Joy", family_name="Adeyemi",
         called="Ward nurse, Barts Health. One role.", roles=_roles(555103001, (NURSE, "R1H"))),
    User(nhsid_useruid="555000000104", title="Mr", given_name="Sam", family_name="Okoro",
         called="Clinic administrator, Barts Health. One role.", roles=_roles(555104001, (ADMIN, "R1H"))),
    User(nhsid_useruid="555000000105", title="Dr", given_name="Nadia", family_name="Starling",
         called="Began this week: no role yet."),
    User(nhsid_useruid="555000000106", title="Dr", given_name="Liam", family_name="Frost",
         called="Works for a trust that has no agreement with this record. One role.", roles=_roles(555106001, (CLINICIAN, "Y99909"))),
    User(nhsid_useruid="555000000107", title="Dr", given_name="Priya", family_name="Locke",
         called="Locum in London. Six roles.",
         roles=_roles(555107001, (GP, "Y99101"), (GP, "Y99102"), (GP, "Y99103"), (GP, "Y99104"), (CLINICIAN, "R1H"), (ADMIN, "R1H"))),
    User(nhsid_useruid="555000000108", title="Dr", given_name="Owen", family_name="Tranter",
         called="Consultant, Barts Health, signed in with a password only.", roles=_roles(555108001, (CLINICIAN, "R1H")), assurance=1),
    User(nhsid_useruid="555000000109", title="Ms", given_name="Ines", family_name="Valderrama",
         called="Pharmacist, UCLH. One role.", roles=_roles(555109001, (PHARMACIST, "RRV"))),
    User(nhsid_useruid="555000000110", title="Mr", given_name="Callum", family_name="Strand",
         called="Paramedic, London Ambulance Service. One role.", roles=_roles(555110001, (PARAMEDIC, "RRU"))),
    User(nhsid_useruid="555000000111", title="Ms", given_name="Tolu", family_name="Ashcombe",
         called="Community mental health nurse, East London. One role.", roles=_roles(555111001, (MENTAL_HEALTH, "RWK"))),
    User(nhsid_useruid="555000000112", title="Mrs", given_name="Bernadette", family_name="Quill",
         called="Nurse at a care home. One role.", roles=_roles(555112001, (CARE_HOME_NURSE, "Y99401"))),
    User(nhsid_useruid="555000000113", title="Mr", given_name="Amir", family_name="Delacroix",
         called="Social worker, Mile End. One role.", roles=_roles(555113001, (SOCIAL_WORKER, "Y99301"))),
    User(nhsid_useruid="555000000114", title="Ms", given_name="Harriet", family_name="Osei",
         called="Privacy officer, Barts Health. One role.", roles=_roles(555114001, (PRIVACY_OFFICER, "R1H"))),
    User(nhsid_useruid="555000000115", title="Mr", given_name="Gareth", family_name="Pemberton-Rao",
         called="Privacy officer, Oxford University Hospitals. One role.", roles=_roles(555115001, (PRIVACY_OFFICER, "RTH"))),
    User(nhsid_useruid="555000000116", title="Dr", given_name="Miriam", family_name="Castell",
         called="Caldicott Guardian and consultant, Barts Health. Two roles.",
         roles=_roles(555116001, (GUARDIAN, "R1H"), (CLINICIAN, "R1H"))),
    User(nhsid_useruid="555000000117", title="Mr", given_name="Yusuf", family_name="Hartnell",
         called="Records manager, Barts Health. One role.", roles=_roles(555117001, (RECORDS_MANAGER, "R1H"))),
    User(nhsid_useruid="555000000118", title="Ms", given_name="Chloe", family_name="Danvers-Iqbal",
         called="Local administrator, Barts Health. One role.", roles=_roles(555118001, (LOCAL_ADMINISTRATOR, "R1H"))),
    User(nhsid_useruid="555000000119", title="Mr", given_name="Dev", family_name="Lindqvist",
         called="Local administrator, Barts Health: the second of two. One role.", roles=_roles(555119001, (LOCAL_ADMINISTRATOR, "R1H"))),
    User(nhsid_useruid="555000000120", title="Dr", given_name="Fenella", family_name="Achterberg",
         called="Clinical safety officer, Barts Health. One role.", roles=_roles(555120001, (SAFETY_OFFICER, "R1H"))),
    User(nhsid_useruid="555000000121", title="Dr", given_name="Rafael", family_name="Quenby",
         called="Locum in children's emergency care, Great Ormond Street, first night. One role.", roles=_roles(555121001, (CLINICIAN, "RP4"))),
    User(nhsid_useruid="555000000122", title="Ms", given_name="Siobhan", family_name="Marchbanks",
         called="Emergency duty social worker, Mile End, who may declare emergency access. One role.",
         roles=_roles(555122001, (SOCIAL_WORKER, "Y99301"), activities=("B0264", "B0083"))),
)  # fmt: skip


def find_user(useruid: str) -> User | None:
    return next((user for user in USERS if user.nhsid_useruid == useruid), None)


def userinfo(user: User, scopes: set[str]) -> dict[str, Any]:
    """The claims of the userinfo endpoint, as far as the scopes ask for them."""
    claims: dict[str, Any] = {
        "sub": user.nhsid_useruid,
        "nhsid_useruid": user.nhsid_useruid,
        "name": f"{user.family_name} {user.given_name}",
        "given_name": user.given_name,
        "family_name": user.family_name,
        "title": user.title,
        "idassurancelevel": str(user.assurance),
    }
    if "nationalrbacaccess" in scopes:
        claims["nhsid_nrbac_roles"] = [
            {
                "person_orgid": f"{role.roleid}9",
                "person_roleid": role.roleid,
                "org_code": role.organisation,
                "role_name": role.name,
                "role_code": role.code,
                "activities": [ACTIVITIES[code] for code in role.activities],
                "activity_codes": list(role.activities),
                "workgroups": [],
                "workgroups_codes": [],
                "aow": [],
                "aow_codes": [],
            }
            for role in user.roles
        ]
    if "associatedorgs" in scopes:
        held = dict.fromkeys(role.organisation for role in user.roles)
        claims["nhsid_user_orgs"] = [{"org_code": code, "org_name": code} for code in held]
    return claims
