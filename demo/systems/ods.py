"""An organisation directory: the region's organisations and boards as the ORD interface of the NHS tells them.

https://digital.nhs.uk/services/organisation-data-service/organisation-data-service-apis/technical-guidance-ord
"""

from __future__ import annotations

import asyncio
import tomllib
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from demo.people.places import PRACTICES
from demo.region.write import read_template
from demo.systems import pages
from demo.systems.faults import doing_wrong
from demo.systems.life import live, serve

ROOT = "/ORD/2-0-0"
_FILE = Path(__file__).with_name("ods.toml")
_OID = {"root": "2.16.840.1.113883.2.1.3.2.4.18.48", "assigningAuthorityName": "HSCIC"}
_SYNC_DAYS_MAX = 185
_BEGAN, _CHANGED = date(2013, 4, 1), date(2026, 4, 1)
# Primary role of each kind: id and name as ODS gives them; whatever is none of these is not of the NHS.
KINDS = {
    "hospital": ("RO197", "NHS TRUST"),
    "mental-health": ("RO197", "NHS TRUST"),
    "community": ("RO197", "NHS TRUST"),
    "ambulance": ("RO197", "NHS TRUST"),
    "practice": ("RO177", "PRESCRIBING COST CENTRE"),
    "board": ("RO261", "STRATEGIC PARTNERSHIP"),
    "social-care": ("RO141", "LOCAL AUTHORITY"),
    "care-home": ("RO104", "SOCIAL CARE PROVIDER"),
}
_MORE_ROLES = {"practice": "RO76", "board": "RO318"}  # GP practice; integrated care board.
_OTHER = ("RO157", "NON-NHS ORGANISATION")


class Directory(msgspec.Struct, frozen=True, kw_only=True):
    host: str
    port: int
    fault: Path | None = None


class Organisation(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    name: str
    kind: str
    postcode: str = ""
    phone: str = ""
    start: date = _BEGAN
    end: date | None = None
    board: str = ""  # which board it belongs to

    @property
    def changed(self) -> date:
        """The day after an end; where the boards changed, that day."""
        if self.end:
            return self.end + timedelta(days=1)
        return _CHANGED if self.board.startswith("Y998") else self.start

    @property
    def status(self) -> str:
        return "Inactive" if self.end else "Active"


class Succession(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    predecessor: str
    successor: str
    on: date


@cache
def organisations() -> dict[str, Organisation]:
    """Those of the region and of the invented practices, and the boards."""
    told, region = tomllib.loads(_FILE.read_text(encoding="utf-8")), read_template()
    boards = [Organisation(kind="board", **board) for board in told["organisation"]]
    areas = {entry["ods_code"]: entry.get("area", "") for entry in region["organisation"]}
    areas |= {practice.code: practice.area for practice in PRACTICES}

    def board(code: str) -> str:
        return str(told["board_of"].get(code) or told["board"].get(areas[code], ""))

    ours = [
        Organisation(
            code=entry["ods_code"],
            name=entry["name"].upper(),
            kind=entry["kind"],
            phone=entry.get("phone", ""),
            board=board(entry["ods_code"]),
        )
        for entry in region["organisation"]
    ]
    practices = [
        Organisation(code=practice.code, name=practice.name.upper(), kind="practice", board=board(practice.code))
        for practice in PRACTICES
    ]
    return {each.code: each for each in (*practices, *ours, *boards)}


@cache
def successions() -> tuple[Succession, ...]:
    entries = tomllib.loads(_FILE.read_text(encoding="utf-8"))["succession"]
    return tuple(
        Succession(number=number, predecessor=entry["from"], successor=entry["to"], on=entry["on"])
        for number, entry in enumerate(entries, 28001)
    )


def organisation_record(organisation: Organisation) -> dict[str, Any]:
    """The whole record. As in the original, what there is none of is left out, not empty."""
    code = organisation.code
    told: dict[str, Any] = {
        "Name": organisation.name,
        "Date": _dates(organisation),
        "OrgId": {**_OID, "extension": code},
        "Status": organisation.status,
        "LastChangeDate": organisation.changed.isoformat(),
        "orgRecordClass": "RC1",
    }
    if organisation.postcode:
        told["GeoLoc"] = {"Location": {"PostCode": organisation.postcode, "Country": "ENGLAND"}}
    if organisation.phone:
        told["Contacts"] = {"Contact": [{"type": "tel", "value": organisation.phone}]}
    told["Roles"] = {"Role": _roles(organisation)}
    if organisation.board:
        told["Rels"] = {"Rel": [_belongs(organisation)]}
    if succeeded := [_succession(each, code) for each in successions() if code in (each.predecessor, each.successor)]:
        told["Succs"] = {"Succ": succeeded}
    return {"Organisation": told}


def summary(organisation: Organisation, *, base: str) -> dict[str, Any]:
    role, description = KINDS.get(organisation.kind, _OTHER)
    return {
        "Name": organisation.name,
        "OrgId": organisation.code,
        "Status": organisation.status,
        "OrgRecordClass": "RC1",
        "PostCode": organisation.postcode,
        "LastChangeDate": organisation.changed.isoformat(),
        "PrimaryRoleId": role,
        "PrimaryRoleDescription": description,
        "OrgLink": f"{base}/organisations/{organisation.code}",
    }


def _dates(organisation: Organisation) -> list[dict[str, str]]:
    told = {"Type": "Operational", "Start": organisation.start.isoformat()}
    return [told | ({"End": organisation.end.isoformat()} if organisation.end else {})]


def _roles(organisation: Organisation) -> list[dict[str, Any]]:
    role, _ = KINDS.get(organisation.kind, _OTHER)
    common = {"Date": _dates(organisation), "Status": organisation.status}
    roles = [{"id": role, "uniqueRoleId": _unique(organisation.code, 1), "primaryRole": True, **common}]
    if more := _MORE_ROLES.get(organisation.kind):
        roles.append({"id": more, "uniqueRoleId": _unique(organisation.code, 2), **common})
    return roles


def _belongs(organisation: Organisation) -> dict[str, Any]:
    """RE4: is commissioned by. From the day when the board began, where it began later."""
    board = organisations()[organisation.board]
    start = max(organisation.start, board.start)
    return {
        "id": "RE4",
        "uniqueRelId": _unique(organisation.code, 3),
        "Date": [{"Type": "Operational", "Start": start.isoformat()}],
        "Status": "Active",
        "Target": _target(board),
    }


def _succession(succession: Succession, code: str) -> dict[str, Any]:
    """Told from both sides, under one number."""
    is_followed = code == succession.predecessor
    other = succession.successor if is_followed else succession.predecessor
    return {
        "uniqueSuccId": succession.number,
        "Date": [{"Type": "Legal", "Start": succession.on.isoformat()}],
        "Type": "Successor" if is_followed else "Predecessor",
        "Target": _target(organisations()[other]),
    }


def _target(organisation: Organisation) -> dict[str, Any]:
    role, _ = KINDS.get(organisation.kind, _OTHER)
    return {
        "OrgId": {**_OID, "extension": organisation.code},
        "PrimaryRoleId": {"id": role, "uniqueRoleId": _unique(organisation.code, 1)},
    }


def _unique(code: str, part: int) -> int:
    return sorted(organisations()).index(code) * 10 + part


class OrganisationDirectory:
    def __init__(self, directory: Directory) -> None:
        self.directory = directory

    def app(self) -> web.Application:
        app = web.Application(middlewares=[doing_wrong(self.directory.fault)])
        app.add_routes(
            [
                web.get("/", self.front),
                web.get("/style.css", pages.style),
                web.get(f"{ROOT}/organisations", self.search),
                web.get(f"{ROOT}/organisations/{{code}}", self.one),
                web.get(f"{ROOT}/sync", self.sync),
            ]
        )
        return app

    @property
    def base(self) -> str:
        return f"http://{self.directory.host}:{self.directory.port}{ROOT}"

    async def one(self, request: web.Request) -> web.Response:
        organisation = organisations().get(request.match_info["code"].upper())
        return web.json_response(organisation_record(organisation)) if organisation else _error(404, "Not found")

    async def search(self, request: web.Request) -> web.Response:
        """By name, postcode, status or primary role: at least one, as the original asks."""
        asked = {name: value for name, value in request.query.items() if name != "_format"}
        if not asked or set(asked) - {"Name", "PostCode", "Status", "PrimaryRoleId"}:
            return _error(406, "Invalid parameters: name at least one of Name, PostCode, Status, PrimaryRoleId")
        found = [
            told
            for organisation in organisations().values()
            if _fits(told := summary(organisation, base=self.base), asked)
        ]
        return web.json_response({"Organisations": found}, headers={"X-Total-Count": str(len(found))})

    async def sync(self, request: web.Request) -> web.Response:
        """What changed on a day or after it; days more than about six months ago are refused, as in the original."""
        try:
            since = date.fromisoformat(request.query.get("LastChangeDate", ""))
        except ValueError:
            return _error(406, "LastChangeDate: write it like 2026-04-01")
        if since < date.today() - timedelta(days=_SYNC_DAYS_MAX):
            return _error(406, f"LastChangeDate: it must be at most {_SYNC_DAYS_MAX} days ago")
        links = [
            {"OrgLink": f"{self.base}/organisations/{organisation.code}"}
            for organisation in organisations().values()
            if organisation.changed >= since
        ]
        return web.json_response({"Organisations": links})

    async def front(self, _: web.Request) -> web.Response:
        codes = ("RTH", "QMJ", "Y99801", "Y99101")
        return pages.page(
            "service.html",
            name="Organisation directory (ODS)",
            base=self.base,
            sentence="The ORD interface: one organisation by its code, a search, what changed since a day.",
            tries=[
                *((organisations()[code].name.title(), f"/organisations/{code}") for code in codes),
                ("changed lately", f"/sync?LastChangeDate={date.today() - timedelta(days=30)}"),
            ],
        )


def _fits(told: dict[str, Any], asked: dict[str, str]) -> bool:
    return all(
        wanted.upper() in str(told[name]).upper()
        if name == "Name"
        else str(told[name]).upper().startswith(wanted.upper())
        for name, wanted in asked.items()
    )


def _error(status: int, sentence: str) -> web.Response:
    return web.json_response({"errorCode": status, "errorText": sentence}, status=status)


async def run(directory: Directory, stop: asyncio.Event) -> None:
    app = OrganisationDirectory(directory).app()
    await serve(app, host=directory.host, port=directory.port, stop=stop)


if __name__ == "__main__":
    live(Directory, run)
