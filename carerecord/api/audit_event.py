"""AuditEvent: who looked at what, for the program of a privacy office (IHE ITI-81, Retrieve ATNA Audit Event).

https://hl7.org/fhir/R4/auditevent.html#search, https://profiles.ihe.net/ITI/TF/Volume2/ITI-81.html. Each search is
itself witnessed before the first event is read. No address holds an NHS number: a person is named by the record's id,
and `patient.identifier` is refused with a sentence. Readers' own network addresses are not kept: `address` is ours.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from carerecord.api.answer import NotServed, refused, resource, served
from carerecord.api.guard import ROUTE, check_scope, read_access
from carerecord.api.parts import of
from carerecord.disclosure import Refusal
from carerecord.fhir.references import parse_patient_part
from carerecord.stewardship.examining import PARAMETERS as OF_THE_RESOURCE
from carerecord.stewardship.examining import EventQuery, NotACursor, Tokens, is_known, tokens_of

COUNT, COUNT_MAX = 50, 200
DAYS_MAX: Final = 31  # of all people at once
PARAMETERS: Final = ("date", "patient", "entity", "agent", *OF_THE_RESOURCE, "_count", "_page", "_format")
NHS_NUMBER: Final = "https://fhir.nhs.uk/Id/nhs-number"
NO_NUMBER: Final = (
    "No address holds an NHS number: find the person by POST Patient/_search, and name them here as patient=Patient/…."
)
UNKNOWN: Final = {
    "subtype": "subtype: use the codes of urn:carerecord:audit-kind, such as shown or refused, or those of IHE BALP.",
    "outcome": "outcome: use 0 (permitted), 4 (refused), 8 or 12.",
    "type": "type: use the codes of DICOM and FHIR that events here carry, such as rest or 110113.",
}
USER_SYSTEMS: Final = ("", "https://fhir.nhs.uk/Id/sds-user-id", "urn:carerecord:client")


@served
async def search(request: Request) -> Response:
    """`GET /fhir/AuditEvent?patient=…&date=ge…&date=le…`: newest first, a page at a time."""
    parts = of(request)
    at = parts.clock()
    access = await read_access(request, kind="AuditEvent", letter="s", at=at)
    check_scope(access, "AuditEvent", "r")
    query = _query(request)
    try:
        page = await parts.examining.events(access.staff, query, route=ROUTE, session=access.id, at=at)
    except NotACursor as wrong:
        raise NotServed(400, "value", str(wrong)) from wrong
    if isinstance(page, Refusal):
        return refused(page)
    base = f"{parts.settings.public_url.rstrip('/')}/fhir/AuditEvent"
    asked = [(name, value) for name, value in request.query_params.multi_items() if name != "_page"]
    links = [{"relation": "self", "url": f"{base}?{urlencode(request.query_params.multi_items())}"}]
    if page.next:
        links.append({"relation": "next", "url": f"{base}?{urlencode([*asked, ('_page', page.next)])}"})
    entries = [
        {"fullUrl": f"{base}/{event['id']}", "resource": event, "search": {"mode": "match"}} for event in page.events
    ]
    bundle = {"resourceType": "Bundle", "type": "searchset", "link": links}
    return resource({**bundle, **({"entry": entries} if entries else {})})


def _query(request: Request) -> EventQuery:
    asked = request.query_params
    for name in asked:
        if name == "patient.identifier":
            raise NotServed(400, "not-supported", NO_NUMBER)
        if name not in PARAMETERS:
            raise NotServed(
                400, "not-supported", f"Search by {', '.join(PARAMETERS[:-3])}: others are not served here."
            )
    tokens = tuple((name, _tokens(name, text)) for name in OF_THE_RESOURCE for text in asked.getlist(name))
    here = f"{of(request).settings.public_url.rstrip('/')}/fhir"
    if any(name == "address" and any(code != here for _, code in each) for name, each in tokens):
        raise NotServed(400, "not-supported", f"address: those of readers are not kept; {here} is the only one here.")
    query = EventQuery(
        patient_key=_about(asked.getlist("patient"), asked.getlist("entity")),
        **_times(asked.getlist("date")),
        staff=_user(asked.get("agent", "")),
        asked=tokens,
        count=_count(asked.get("_count", "")),
        after=asked.get("_page", "")[:64],
    )
    if query.patient_key:
        return query
    if query.since is None or (query.until or of(request).clock()) - query.since > timedelta(days=DAYS_MAX):
        sentence = f"Name a patient, or with date=ge… and date=le… a time of at most {DAYS_MAX} days."
        raise NotServed(400, "required", sentence)
    return query


def _tokens(name: str, text: str) -> Tokens:
    """Of one parameter. What cannot be answered is refused: an empty answer would read as if nobody had looked."""
    tokens = tokens_of(text)
    if not all(code for _, code in tokens):
        raise NotServed(400, "value", f"{name}: give a code or an identifier, as code or as system|code.")
    if name.endswith("identifier") and any(system == NHS_NUMBER for system, _ in tokens):
        raise NotServed(400, "not-supported", NO_NUMBER)
    if not is_known(name, tokens):
        raise NotServed(400, "value", UNKNOWN.get(name, f"{name}: use the codes that events here carry."))
    return tokens


def _about(patients: list[str], entities: list[str]) -> int:
    """`entity` is a reference too, and of what events here refer to by one there are only patients."""
    keys = {_patient(text) for text in patients}
    for text in entities:
        if "Patient/" not in text:
            raise NotServed(400, "value", "entity: name a person as Patient/ and the record's own id.")
        keys.add(_patient(text))
    keys.discard(0)
    if len(keys) > 1:
        raise NotServed(400, "value", "patient: an event is about one person. Search for each by itself.")
    return next(iter(keys), 0)


def _patient(text: str) -> int:
    if not text:
        return 0
    key = parse_patient_part(text.rpartition("Patient/")[2])
    if key is None or not 0 < key < 2**63:
        raise NotServed(400, "value", "patient: name a person by the record's own id, as Patient/_search gives it.")
    return key


def _times(texts: list[str]) -> dict[str, datetime]:
    """The bounds that `date` sets: ge, gt, le, lt, or a day or instant itself (https://hl7.org/fhir/R4/search.html#date)."""
    bounds: dict[str, datetime] = {}

    def tighten(name: str, choose: Callable[[datetime, datetime], datetime], value: datetime) -> None:
        bounds[name] = choose(bounds[name], value) if name in bounds else value

    for text in texts:
        prefix, rest = (text[:2], text[2:]) if text[:2].isalpha() else ("eq", text)
        first, last = _instants(rest)
        if prefix in ("ge", "gt", "sa", "eq"):
            tighten("since", max, first if prefix in ("ge", "eq") else last)
        if prefix in ("le", "lt", "eb", "eq"):
            tighten("until", min, last if prefix in ("le", "eq") else first)
        if prefix not in ("ge", "gt", "sa", "eq", "le", "lt", "eb"):
            raise NotServed(400, "value", "date: begin it with ge, gt, le or lt, or give a day as it is.")
    return bounds


def _instants(text: str) -> tuple[datetime, datetime]:
    """The first instant of a day or a time, and the first behind it."""
    try:
        if len(text) == len("2026-11-22"):
            first = datetime.combine(date.fromisoformat(text), time(), UTC)
            return first, first + timedelta(days=1)
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise NotServed(400, "value", "date: write the zone of a time, such as Z or +01:00.")
        first = at.astimezone(UTC)
        return first, first + timedelta(microseconds=1 if at.microsecond else 1_000_000)
    except (ValueError, OverflowError):
        raise NotServed(400, "value", "date: write YYYY-MM-DD, or a time with its zone.") from None


def _user(text: str) -> str | None:
    system, _, value = text.rpartition("|")
    if text and (not value or system not in USER_SYSTEMS):
        raise NotServed(
            400, "value", "agent: name a member of staff or a program by its own id, as agents here carry it."
        )
    return value or None


def _count(text: str) -> int:
    if not text:
        return COUNT
    try:
        return max(1, min(int(text), COUNT_MAX))
    except ValueError:
        raise NotServed(400, "value", "_count: give a whole number.") from None
