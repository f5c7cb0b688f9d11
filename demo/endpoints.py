"""What the demonstration tells of itself: `endpoints.json` for programs, the block after `Ready` for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from demo.people import Person
from demo.plan import HOST, Plan
from demo.region.write import CLIENT_ID, NEIGHBOUR_ISSUER, SIGN_IN_CLIENT_ID, Keys, read_key
from demo.systems import oxford
from demo.systems.staff import USERS


def endpoints(plan: Plan, keys: Keys, people: Sequence[Person]) -> dict[str, Any]:
    oxford_address = plan.address(plan.ports.oxford)
    return {
        "record": plan.record,
        "fhir": f"{plan.record}/fhir",
        "token": f"{plan.record}/token",
        "launch": f"{plan.record}/launch",
        "mllp": {"host": HOST, "port": plan.ports.mllp},
        "sign_in_provider": {
            "issuer": plan.address(plan.ports.provider),
            "client_id": SIGN_IN_CLIENT_ID,
            "redirect_uri": f"{plan.record}/sign-in/callback",
        },
        "neighbours": [
            {
                "name": "Oxford University Hospitals",
                "organisation": "RTH",
                "address": oxford_address,
                "issuer": NEIGHBOUR_ISSUER,
                "private_key": read_key(keys.oxford),
                "staff": msgspec.to_builtins(oxford.STAFF),
            }
        ],
        "operator_page": plan.address(plan.ports.operator),
        "staff": [
            {
                "user_id": user.nhsid_useruid,
                "name": user.name,
                "about": user.called,
                "roles": [{"code": role.code, "organisation": role.organisation} for role in user.roles],
            }
            for user in USERS
        ],
        "client": {
            "client_id": CLIENT_ID,
            "scope": "system/*.rs",
            "token_endpoint": f"{plan.record}/token",
            "private_key": read_key(keys.ward_board),
        },
        "people": [
            {
                "name": person.name,
                "nhs_number": person.nhs_number,
                "birth_date": person.now.birth_date.isoformat(),
                "shows": person.shows,
                "home": person.home,
                "oxford_number": person.oxford_number,
            }
            for person in people
            if person.is_cast
        ],
        "truth": str(plan.home / "truth.json"),
        "home": str(plan.home),
        "log_folder": str(plan.logs),
    }


def ready_block(told: dict[str, Any], *, quiet: bool) -> str:
    """What a person reads: where to click, as whom, about whom."""
    neighbour, mllp = told["neighbours"][0], told["mllp"]
    doctor, administrator = neighbour["staff"][0], neighbour["staff"][-1]
    first, signing_in = told["people"][0], told["staff"][0]
    number = f"{first['nhs_number'][:3]} {first['nhs_number'][3:6]} {first['nhs_number'][6:]}"
    lines = [
        "",
        "Ready" + (" (history only: no new messages flow)" if quiet else ""),
        "",
        f"  Oxford's record system   {neighbour['address']}/",
        f'      as {doctor["name"]} ({doctor["post"].lower()}): press "London Care Record" beside {first["name"]}',
        f"      as {administrator['name']} ({administrator['post'].lower()}): see what that role may not see",
        f"  The record itself        {told['record']}/",
        f"      sign in as {signing_in['name']}; find {number}, born {first['birth_date']}",
        f"  For programs (FHIR R4)   {told['fhir']}   client {told['client']['client_id']}",
        f"  HL7 v2 over MLLP         {mllp['host']}:{mllp['port']}",
        f"  Sign-in provider         {told['sign_in_provider']['issuer']}/",
        f"  Every system's state     {told['operator_page']}/",
        f"  All of this as JSON      {told['home']}/endpoints.json (with sample people, keys, the truth)",
        "",
        "Stop with Ctrl-C; the next start goes on from here.",
    ]
    return "\n".join(lines)
