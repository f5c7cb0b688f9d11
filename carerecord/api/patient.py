"""Patient: search by NHS number and birth date together, read, and $everything (https://hl7.org/fhir/R4/patient.html)."""

from __future__ import annotations

from datetime import date

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from carerecord.api.answer import NotServed, fhir, read_form, refused, served
from carerecord.api.guard import ROUTE, looking_of, read_access
from carerecord.api.parts import of
from carerecord.disclosure import Refusal
from carerecord.fhir.references import parse_patient_part

NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"


@served
async def search(request: Request) -> Response:
    """`POST /fhir/Patient/_search`: the one person whom both parameters name, or an empty answer."""
    parts = of(request)
    at = parts.clock()
    access = await read_access(request, kind="Patient", letter="s", at=at)
    form = await read_form(request)
    found = await parts.door.find(
        access.staff,
        nhs_number=_nhs_number(form.get("identifier", "")),
        birth_date=_birth_date(form.get("birthdate", "")),
        route=ROUTE,
        session=access.id,
        at=at,
    )
    if isinstance(found, Refusal):
        return _bundle([], request) if found.kind == "not-found" else refused(found)
    patient = await parts.door.patient(looking_of(access, patient_key=found.patient_key, at=at))
    return refused(patient) if isinstance(patient, Refusal) else _bundle([patient], request)


@served
async def read(request: Request) -> Response:
    """`GET /fhir/Patient/{id}`."""
    parts = of(request)
    at = parts.clock()
    access = await read_access(request, kind="Patient", letter="r", at=at)
    patient = await parts.door.patient(looking_of(access, patient_key=_patient_key(request), at=at))
    return refused(patient) if isinstance(patient, Refusal) else fhir(patient)


@served
async def everything(request: Request) -> Response:
    """`GET /fhir/Patient/{id}/$everything`: asks for a token that covers every kind, since every kind may be inside."""
    parts = of(request)
    at = parts.clock()
    access = await read_access(request, kind="*", letter="r", at=at)
    bundle = await parts.door.everything(looking_of(access, patient_key=_patient_key(request), at=at))
    return refused(bundle) if isinstance(bundle, Refusal) else fhir(bundle)


def _patient_key(request: Request) -> int:
    key = parse_patient_part(request.path_params["id"])
    if key is None or key >= 2**63:
        raise NotServed(404, "not-found", "No patient has this id: search by NHS number and birth date.")
    return key


def _nhs_number(identifier: str) -> str:
    system, bar, value = identifier.rpartition("|")
    if not identifier or (bar and system != NHS_NUMBER):
        raise NotServed(
            400,
            "required",
            f"Search with identifier={NHS_NUMBER}|<ten digits> and birthdate=<YYYY-MM-DD>, both together.",
        )
    return value


def _birth_date(text: str) -> date:
    try:
        return date.fromisoformat(text.removeprefix("eq"))
    except ValueError:
        raise NotServed(
            400, "required", "Search with birthdate=<YYYY-MM-DD> beside the identifier: both must agree."
        ) from None


def _bundle(patients: list[bytes], request: Request) -> Response:
    base = f"{of(request).settings.public_url.rstrip('/')}/fhir"
    entries = [
        b'{"fullUrl":%b,"resource":%b,"search":{"mode":"match"}}'
        % (msgspec.json.encode(f"{base}/Patient/{_id_of(patient)}"), patient)
        for patient in patients
    ]
    listed = b',"entry":[%b]' % b",".join(entries) if entries else b""
    return fhir(b'{"resourceType":"Bundle","type":"searchset","total":%d%b}' % (len(patients), listed))


class _WithId(msgspec.Struct):
    id: str


def _id_of(patient: bytes) -> str:
    return msgspec.json.decode(patient, type=_WithId).id
