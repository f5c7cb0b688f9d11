"""What the demonstration tells of itself: `endpoints.json` for programs, the block after `Ready` for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from demo.people import Person
from demo.plan import HOST, Plan
from demo.region.write import CLIENT_ID, SIGN_IN_CLIENT_ID, Keys, key_name, read_key, read_template
from demo.roster import LONDON, System
from demo.systems.evidence import known, own_number, patients
from demo.systems.neighbours import Neighbour, neighbours
from demo.systems.staff import USERS


def endpoints(plan: Plan, keys: Keys, people: Sequence[Person], systems: Sequence[System]) -> dict[str, Any]:
    return {
        "record": plan.record,
        "fhir": f"{plan.record}/fhir",
        "token": f"{plan.record}/token",
        "launch": f"{plan.record}/launch",
        "mllp": {"host": HOST, "port": plan.ports.mllp},
        "fhir_push": plan.fhir_push,
        "drop_folder": str(plan.drop),
        "sign_in_provider": {
            "issuer": plan.address(plan.ports.provider),
            "client_id": SIGN_IN_CLIENT_ID,
            "redirect_uri": f"{plan.record}/sign-in/callback",
        },
        "my_record": f"{plan.record}/my-record",
        "nhs_login": plan.address(plan.ports.nhs_login),
        "pds": f"{plan.address(plan.ports.pds)}/personal-demographics/FHIR/R4",
        "ods": f"{plan.address(plan.ports.ods)}/ORD/2-0-0",
        "neighbours": [_neighbour(plan, keys, each, people) for each in neighbours()],
        "operator_page": plan.address(plan.ports.operator),
        "systems": [
            {"id": system.id, "group": system.group, "kind": system.kind, "name": system.name, "speaks": system.speaks}
            for system in systems
        ],
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
        "clients": [
            {
                "client_id": client["client_id"],
                "name": client["name"],
                "scope": client["scope"],
                "source": client.get("source"),
                "private_key": read_key(keys.of(key_name(client))),
            }
            for client in read_template()["client"]
        ],
        "people": [
            {
                "name": person.name,
                "nhs_number": person.nhs_number,
                "birth_date": person.now.birth_date.isoformat(),
                "shows": person.shows,
                "home": person.home,
                "oxford_number": own_number("oxford", person),
                "numbers": person.numbers,
            }
            for person in people
            if person.is_cast
        ],
        "truth": str(plan.home / "truth.json"),
        "operate": str(plan.operate),
        "seals": str(plan.seals),
        "home": str(plan.home),
        "log_folder": str(plan.logs),
    }


def _neighbour(plan: Plan, keys: Keys, neighbour: Neighbour, people: Sequence[Person]) -> dict[str, Any]:
    """`first`: a patient whom its own system shows to be one today, to begin with; None when it has none."""
    listed = patients(neighbour, known(neighbour, people), at=datetime.now(UTC))
    first = next((patient for patient in listed if patient.evidence), None)
    return {
        "id": neighbour.id,
        "name": neighbour.name,
        "kind": neighbour.kind,
        "area": neighbour.area,
        "organisation": neighbour.organisation,
        "address": plan.address(plan.ports.neighbour(neighbour)),
        "issuer": neighbour.issuer,
        "private_key": read_key(keys.of(neighbour.id)),
        "staff": msgspec.to_builtins(neighbour.staff),
        "patients": len(listed),
        "first": {"name": first.person.name, "number": first.number, "why": first.why} if first else None,
    }


def ready_block(told: dict[str, Any], *, quiet: bool, cost: str) -> str:
    """What a person reads: where to click, as whom, about whom."""
    oxford, mllp = told["neighbours"][0], told["mllp"]
    doctor, administrator = oxford["staff"][0], oxford["staff"][-1]
    first, signing_in = told["people"][0], told["staff"][0]
    number = f"{first['nhs_number'][:3]} {first['nhs_number'][3:6]} {first['nhs_number'][6:]}"
    own = f"{told['record']}/my-record"
    london = [system["name"] for system in told["systems"] if system["group"] == LONDON]
    lines = [
        "",
        f"Ready{' (history only: no new messages flow)' if quiet else ''}: {cost}",
        "",
        "  START HERE",
        f"    {oxford['address']}/   Oxford's record system",
        f'      be {doctor["name"]}, press "London Care Record" beside {first["name"]}',
        f"      then be {administrator['name']} ({administrator['post'].lower()}): see what that role may not see",
        f"    {told['operator_page']}/   every system: its state, its truth, its line to take down",
        "",
        *_desks(told, quiet=quiet),
        "  NEIGHBOURS (each with its own staff, patients and button)",
        *(
            f"    {each['address']}/   {each['name']} ({each['area']}): {each['staff'][0]['name']}, {_first(each)}"
            for each in told["neighbours"][1:]
        ),
        "",
        "  THE RECORD",
        f"    {told['record']}/   sign in as {signing_in['name']}; find {number}, born {first['birth_date']}",
        f"    {told['fhir']}   for programs (FHIR R4), client {told['client']['client_id']}",
        f"    {own}   as a patient: sign in as {first['name']}, see who has looked",
        "",
        f"  LONDON, sending to {mllp['host']}:{mllp['port']} (HL7 v2), {told['fhir_push']} and a drop folder",
        *_wrapped(london),
        "",
        "  NATIONAL SERVICES",
        f"    {told['sign_in_provider']['issuer']}/   sign-in, in the manner of NHS CIS2",
        f"    {told['nhs_login']}/   sign-in of people, in the manner of NHS login",
        f"    {told['pds']}   Personal Demographics Service (for programs)",
        f"    {told['ods']}   organisation directory (for programs)",
        "",
        "  FOR AN ENGINEER",
        f"    {told['operate']} inbox list   what was refused, parked or waits; show and replay it",
        "    docs/howto/connect-a-source.md   send messages, FHIR and documents of your own",
        "",
        f"  All of this as JSON: {told['home']}/endpoints.json (with sample people, keys, the truth)",
        "Stop with Ctrl-C; the next start goes on from here.",
    ]
    return "\n".join(lines)


def _desks(told: dict[str, Any], *, quiet: bool) -> list[str]:
    """Who watches the record, and what to look at as each of them; the work is there unless the history alone runs."""
    work = "" if quiet else " (the first cases come within a minute)"
    return [
        f"  WHO LOOKS AFTER IT: sign in at {told['record']}/ as{work}",
        f"    {_called('555000000114')}, privacy officer: looks that somebody has to look at, an emergency among them",
        f"    {_called('555000000116')}, Caldicott Guardian: who may see what, by which rule",
        f"    {_called('555000000117')}, records manager; {_called('555000000118')}, administrator; "
        f"{_called('555000000120')}, safety",
        f"    {_called('555000000121')}, locum, first night: has no patient here, and declares an emergency",
        f"    {told['operate']} witness verify   that nobody altered the audit; seals lie in {told['seals']}",
        "",
    ]


def _called(user_id: str) -> str:
    return next(user.name for user in USERS if user.nhsid_useruid == user_id)


def _first(neighbour: dict[str, Any]) -> str:
    return str(neighbour["first"]["name"]) if neighbour["first"] else "nobody yet"


def _wrapped(names: Sequence[str], *, width: int = 110) -> list[str]:
    lines: list[str] = []
    for name in names:
        if lines and len(lines[-1]) + len(name) + 2 <= width:
            lines[-1] += f", {name}"
        else:
            lines.append(f"    {name}")
    return lines
