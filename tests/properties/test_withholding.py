"""To withhold is the same as never to have held: whatever the record, whatever the mask, byte for byte."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from carerecord.access import Decision
from carerecord.audit import Witness
from carerecord.disclosure import compose
from carerecord.disclosure.sight import Sight
from carerecord.model import Heading, Person, Standing, StoredStatement, Subject
from carerecord.organisations import Organisation, Region
from carerecord.organisations.region import SourceEntry
from carerecord.reconciliation import every_entry
from tests.house import AT, OXFORD, looking
from tests.said import PATIENT_KEY, day, said

REGION = Region(
    name="London",
    title="London Care Record",
    phone="020 7946 0000",
    organisations=(Organisation(ods_code="R1H", name="Barts Health"), Organisation(ods_code="RTH", name="Oxford")),
    sources=(
        SourceEntry(id="barts", organisation="R1H", name="Barts Health"),
        SourceEntry(id="royal-free", organisation="R1H", name="Royal Free"),
        SourceEntry(id="minds", organisation="R1H", name="East London Minds", kind="mental-health"),
    ),
)
SOURCES = ("barts", "royal-free", "minds")
OWN_IDS = ("1", "2", "3")
KINDS = (
    "AllergyIntolerance",
    "Appointment",
    "CarePlan",
    "Condition",
    "DiagnosticReport",
    "DocumentReference",
    "Encounter",
    "Flag",
    "MedicationStatement",
    "Observation",
    "Procedure",
    "RelatedPerson",
    "ServiceRequest",
)
WITNESS = Witness(patient_key=PATIENT_KEY, stream=1, seq=1, recorded_at=AT)
LABELS = (0, 0, 0, 1, 4, 8, 12)


def refers(to: tuple[str, str, str]) -> dict[str, str]:
    """As the record keeps a reference to what another message said: by our id, and as it was said."""
    source, kind, own_id = to
    return {"reference": f"{kind}/{said(kind, own_id, {}, source=source).local_id}", "display": f"{kind} {own_id}"}


def body_of(kind: str, words: str, points: list[dict[str, str]]) -> dict[str, Any]:
    body: dict[str, Any] = {"code": {"text": words}, "status": "active", "description": words}
    if kind == "Appointment":
        body |= {"start": "2026-12-01T09:00:00Z", "participant": [{"actor": each} for each in points]}
    elif kind == "DocumentReference":
        body |= {"context": {"encounter": points, "related": points}, "type": {"text": words}}
    elif kind == "DiagnosticReport":
        body |= {"result": points}
    elif kind == "Encounter":
        body |= {"class": {"code": "IMP"}, "diagnosis": [{"condition": each} for each in points]}
    elif points:
        body |= {"encounter": points[0], "hasMember": points, "extension": [{"url": "u", "valueReference": points[-1]}]}
    return body


@st.composite
def statements(draw: st.DrawFn) -> list[StoredStatement]:
    targets = st.tuples(st.sampled_from(SOURCES), st.sampled_from(KINDS), st.sampled_from(OWN_IDS))
    made = []
    for number in range(draw(st.integers(0, 14))):
        kind = draw(st.sampled_from(KINDS))
        on = draw(st.integers(1, 20))
        made.append(
            said(
                kind,
                draw(st.sampled_from(OWN_IDS)),
                body_of(kind, f"{kind} {number}", [refers(each) for each in draw(st.lists(targets, max_size=3))]),
                source=draw(st.sampled_from(SOURCES)),
                at=day(on),
                happened=day(on),
                sensitivity=draw(st.sampled_from(LABELS)),
                standing=draw(st.sampled_from((Standing.CURRENT, Standing.RESOLVED, Standing.CANCELLED))),
            )
        )
    return made


MASKS = st.dictionaries(st.sampled_from(list(Heading)), st.sampled_from((0, 1, 4, 13)), min_size=1)
PERSONS = st.builds(
    lambda said_by, restricted: Person(
        patient_key=PATIENT_KEY,
        identities={PATIENT_KEY + 1: PATIENT_KEY},
        subject=Subject(family="Hartley", given=("Joan",), restricted=restricted or None),
        said_by=said_by,
        said_at=AT,
    ),
    st.sampled_from(SOURCES),
    st.booleans(),
)


def sight(held: list[StoredStatement], mask: dict[Heading, int], person: Person) -> Sight:
    decision = Decision(kind="permit", headings=mask, policy_version="1")
    return compose.sight_of(
        looking(PATIENT_KEY, staff=OXFORD),
        decision,
        witness=WITNESS,
        person=person,
        statements=held,
        region=REGION,
    )


def leaves(seen: Sight) -> list[bytes]:
    """Everything that can be asked for: the page, every line opened, every letter, and the whole for a program."""
    summary = compose.summary_of(seen, REGION, ())
    out = [msgspec.json.encode(summary), compose.bundle_of(seen, REGION, (), base="https://r.example/fhir")]
    for entry in every_entry(summary.record) if summary.record else ():
        opened = compose.receipt_of(seen, entry.id, REGION)
        assert opened is not None
        out.append(msgspec.json.encode(opened.receipt))
        out.append(msgspec.json.encode(compose.letter_of(seen, entry.id)))
    return out


@settings(max_examples=100)
@given(statements(), MASKS, PERSONS)
def test_what_leaves_is_that_of_a_record_which_never_held_the_rest(
    held: list[StoredStatement], mask: dict[Heading, int], person: Person
) -> None:
    seen = sight(held, mask, person)
    shown = {statement.original for statement in seen.statements}
    rest = [statement for statement in held if statement.original in shown]
    assert leaves(sight(rest, mask, person)) == leaves(seen)


@settings(max_examples=60)
@given(statements(), MASKS, PERSONS)
def test_no_id_of_what_is_withheld_leaves(
    held: list[StoredStatement], mask: dict[Heading, int], person: Person
) -> None:
    seen = sight(held, mask, person)
    shown = {statement.local_id for statement in seen.statements}
    hidden = {statement.local_id for statement in held} - shown
    out = b"".join(leaves(seen))
    assert not [local_id for local_id in hidden if local_id.encode() in out]


@settings(max_examples=60)
@given(statements(), MASKS, PERSONS)
def test_nothing_refers_to_what_does_not_leave(
    held: list[StoredStatement], mask: dict[Heading, int], person: Person
) -> None:
    """Neither to what was withheld nor to what never came: they cannot be told apart."""
    seen = sight(held, mask, person)
    bundle = msgspec.json.decode(compose.bundle_of(seen, REGION, (), base=""))
    ids = {entry["resource"].get("id") for entry in bundle["entry"]}
    assert all(reference.partition("/")[2] in ids for reference in references(bundle))


def references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [each for item in value for each in references(item)]
    if isinstance(value, dict):
        own = [value["reference"]] if isinstance(value.get("reference"), str) else []
        return own + [each for item in value.values() for each in references(item)]
    return []
