"""Every system of the demonstration as data: what it is, what runs it, how it is configured, where it is looked at."""

from __future__ import annotations

from typing import Any

import msgspec

from demo.plan import HOST, Plan
from demo.region.write import PERSON_CLIENT_ID, SIGN_IN_CLIENT_ID, Keys, key_name, read_template
from demo.systems.faults import FAULTS
from demo.systems.neighbours import neighbours

LONDON, NEIGHBOURS, NATIONAL = "London", "Neighbours", "National services"
RECORD_TITLE = "London Care Record"
_TICK_SECONDS = 8.0


class System(msgspec.Struct, frozen=True, kw_only=True):
    """One simulated system, a process of its own."""

    id: str
    group: str
    kind: str
    name: str
    module: str  # below demo.systems
    configuration: dict[str, Any]
    address: str = ""  # where a browser finds it; "" when it has no page
    speaks: str = ""  # how it is heard, in a few words
    faults: tuple[str, ...] = ()  # what it can be told to do wrong


def roster(plan: Plan, keys: Keys) -> list[System]:
    """All of them: who sends in London, the neighbours, the national services."""
    return [*_london(plan, keys), *_neighbours(plan, keys), *_national(plan, keys)]


def _people(plan: Plan) -> dict[str, Any]:
    return {"seed": plan.told.seed, "people": plan.told.people, "until": plan.told.until}


def _london(plan: Plan, keys: Keys) -> list[System]:
    region = read_template()
    pushing = {client["source"]: client for client in region["client"] if "source" in client}
    found = []
    for source in region["source"]:
        client = pushing.get(source["id"])
        configuration = {
            **_people(plan),
            **{name: source[name] for name in ("name", "kind", "organisation")},
            "source": source["id"],
            **_ways(plan, keys, source, client),
            "outbox": str(plan.outbox(source["id"])),
            "pause": str(plan.pause(source["id"])),
            "tick_seconds": 0.0 if plan.quiet else _TICK_SECONDS,
        }
        found.append(
            System(
                id=source["id"],
                group=LONDON,
                kind=source["kind"],
                name=source["name"],
                module=source["kind"].replace("-", "_"),
                configuration=configuration,
                speaks=_speaks(source, pushes=client is not None),
            )
        )
    return found


def _ways(plan: Plan, keys: Keys, source: dict[str, Any], client: dict[str, Any] | None) -> dict[str, Any]:
    """How a source reaches the record: each way empty that it does not have."""
    speaks_hl7, drops = bool(source.get("sending")), source["kind"] == "ambulance"
    return {
        "mllp_host": HOST if speaks_hl7 else "",
        "mllp_port": plan.ports.mllp if speaks_hl7 else 0,
        "fhir": plan.fhir_push if client else "",
        "token": f"{plan.record}/token" if client else "",
        "client_id": client["client_id"] if client else "",
        "key": str(keys.of(key_name(client))) if client else "",
        "drop_folder": str(plan.drop / source["id"]) if drops else "",
    }


def _speaks(source: dict[str, Any], *, pushes: bool) -> str:
    ways = []
    if source.get("sending"):
        ways.append("HL7 v2")
    if pushes:
        ways.append("FHIR")
    if source["kind"] == "ambulance":
        ways.append("documents in a folder")
    return ", ".join(ways)


def _neighbours(plan: Plan, keys: Keys) -> list[System]:
    return [
        System(
            id=neighbour.id,
            group=NEIGHBOURS,
            kind=neighbour.kind,
            name=neighbour.name,
            module="neighbour",
            configuration={
                **_people(plan),
                "id": neighbour.id,
                "key": str(keys.of(neighbour.id)),
                "record": plan.record,
                "record_title": RECORD_TITLE,
                "host": HOST,
                "port": plan.ports.neighbour(neighbour),
            },
            address=plan.address(plan.ports.neighbour(neighbour)),
            speaks="signed launch",
        )
        for neighbour in neighbours()
    ]


def _national(plan: Plan, keys: Keys) -> list[System]:
    def service(id: str, name: str, module: str, port: int, speaks: str, **more: Any) -> System:
        configuration = {"host": HOST, "port": port, "fault": str(plan.fault(id)), **more}
        return System(
            id=id,
            group=NATIONAL,
            kind="national service",
            name=name,
            module=module,
            configuration=configuration,
            address=plan.address(port),
            speaks=speaks,
            faults=FAULTS[id],
        )

    ports = plan.ports
    return [
        service(
            "provider",
            "Sign-in provider, in the manner of NHS CIS2",
            "sign_in_provider",
            ports.provider,
            "OpenID Connect",
            issuer=plan.address(ports.provider),
            key=str(keys.provider),
            next_key=str(keys.next_provider),
            client_id=SIGN_IN_CLIENT_ID,
            client_secret=str(keys.sign_in_secret),
            client_name=RECORD_TITLE,
            redirect_uris=[f"{plan.record}/sign-in/callback"],
        ),
        service(
            "nhs-login",
            "Sign-in provider of people, in the manner of NHS login",
            "nhs_login",
            ports.nhs_login,
            "OpenID Connect",
            issuer=plan.address(ports.nhs_login),
            key=str(keys.person_provider),
            client_id=PERSON_CLIENT_ID,
            client_key=str(keys.person_client),
            client_name=RECORD_TITLE,
            redirect_uris=[f"{plan.record}/my-record/callback"],
            **_people(plan),
        ),
        service("pds", "Personal Demographics Service", "pds", ports.pds, "FHIR R4", **_people(plan)),
        service("ods", "Organisation directory (ODS)", "ods", ports.ods, "ORD", **_people(plan)),
    ]
