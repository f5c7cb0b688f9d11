"""Rich records for pages: every heading, conflicts, a child, someone restricted; made by the rooms that make real ones.

Statements go through reconciliation and the banner as they do in the house. Everybody and everything here is invented.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from carerecord.access.decide import decide
from carerecord.access.questions import Question
from carerecord.disclosure import Summary
from carerecord.disclosure.answers import answers, source_answers
from carerecord.disclosure.banner import banner
from carerecord.disclosure.restricted import disguised, person_without_places
from carerecord.disclosure.withhold import withhold
from carerecord.model import EvidenceClass, Heading, Person, Purpose, Standing, StoredStatement, Subject
from carerecord.organisations import Organisation, Region
from carerecord.organisations.region import SourceEntry
from carerecord.reconciliation import reconcile
from carerecord.reconciliation.pathway import pathway
from tests.said import (
    PATIENT_KEY,
    allergy,
    coded,
    condition,
    day,
    letter,
    medicine,
    report,
    result,
    said,
    stay,
)

AT = datetime(2026, 11, 22, 9, 12, tzinfo=UTC)
KINDS = {
    "barts": ("Barts Health", "hospital"),
    "gp": ("Mile End Green Surgery", "practice"),
    "pathology": ("North East London Pathology", "laboratory"),
    "imaging": ("London Imaging Network", "radiology"),
    "ucp": ("London Urgent Care Plans", "plans"),
    "council": ("Mile End Borough Council", "social-care"),
    "community": ("Central London Community Healthcare", "community"),
    "elft": ("East London NHS FT", "mental-health"),
}
NAMES = {source: name for source, (name, _) in KINDS.items()}
REGION = Region(
    name="London",
    title="London Care Record",
    phone="020 7946 0000",
    organisations=(
        Organisation(ods_code="RTH", name="Oxford University Hospitals", in_region=False, area="Oxfordshire"),
        Organisation(ods_code="Y99301", name="Cowley Road Practice", kind="practice", in_region=False),
    ),
    sources=tuple(
        SourceEntry(id=source, organisation="RTH", name=name, kind=kind, phone=f"020 7946 00{number:02}")
        for number, (source, (name, kind)) in enumerate(KINDS.items(), start=11)
    ),
)
JOAN = Person(
    patient_key=PATIENT_KEY,
    identities={PATIENT_KEY + 1: PATIENT_KEY},
    subject=Subject(
        nhs_number="9990123454",
        family="Hartley",
        given=("Joan",),
        prefix="Mrs",
        birth_date=date(1948, 3, 12),
        gender="female",
        address=("14 Larkspur Close", "Oxford"),
        postcode="OX99 9ZZ",
        phone="01632 960 118",
        gp_practice="Y99301",
        gp_name="Dr T Okafor",
    ),
    said_by="barts",
    said_at=day(21),
    nhs_number_verified=True,
)
PLACED = (
    "Barts",
    "Mile End",
    "Larkspur",
    "OX99",
    "Cowley",
    "Okafor",
    "Harbour",
    "01632",
    "Adeyemi",
    "Heart Centre",
    "RTH",
)


def weeks(number: float) -> datetime:
    """So many weeks before the page is opened."""
    return AT - timedelta(weeks=number)


def flag(what: str, *, severe: bool = False, **more: Any) -> StoredStatement:
    body: dict[str, Any] = {"status": "active", "code": {"text": what}}
    if severe:
        url = "http://hl7.org/fhir/StructureDefinition/flag-priority"
        body["extension"] = [{"url": url, "valueCodeableConcept": {"coding": [{"code": "PH"}]}}]
    return said("Flag", what, body, **more)


def vital(
    what: str, value: float, unit: str, at: datetime, category: str = "vital-signs", **more: Any
) -> StoredStatement:
    body: dict[str, Any] = {
        "status": "final",
        "code": {"text": what},
        "category": [{"coding": [{"code": category}]}],
        "valueQuantity": {"value": value, "unit": unit},
        **more.pop("body", {}),
    }
    more = {"source": "community", **more}
    return said("Observation", f"{what}-{at}", body, happened=at, at=at, heading=Heading.OBSERVATIONS, **more)


def pressure(systolic: int, diastolic: int, at: datetime) -> StoredStatement:
    parts = [
        {
            "code": coded("Systolic", "8480-6", system="http://loinc.org"),
            "valueQuantity": {"value": systolic, "unit": "mmHg"},
        },
        {
            "code": coded("Diastolic", "8462-4", system="http://loinc.org"),
            "valueQuantity": {"value": diastolic, "unit": "mmHg"},
        },
    ]
    body = {"code": {"text": "Blood pressure"}, "category": [{"coding": [{"code": "vital-signs"}]}], "component": parts}
    return said("Observation", f"bp-{at}", body, happened=at, at=at, source="community", heading=Heading.OBSERVATIONS)


def plan(
    title: str, lines: tuple[str, ...], *, own_id: str = "", replaces: StoredStatement | None = None, **more: Any
) -> StoredStatement:
    body: dict[str, Any] = {
        "status": more.pop("status", "active"),
        "title": title,
        "created": "2026-10-03",
        "author": {"display": "Dr M Haddad, GP"},
        "activity": [{"detail": {"description": line, "status": "in-progress"}} for line in lines],
    }
    if replaces:
        body["replaces"] = [{"reference": f"CarePlan/{replaces.local_id}"}]
    return said("CarePlan", own_id or title, body, happened=weeks(7), **{"source": "ucp", **more})


def decision(
    kind: str, words: str, *, made: str, status: str = "active", own_id: str = "", **more: Any
) -> StoredStatement:
    body = {
        "status": status,
        "category": [{"text": kind}],
        "dateTime": made,
        "performer": [{"display": "Dr M Haddad, GP"}],
        "organization": [{"display": "Mile End Green Surgery"}],
        "note": [{"text": words}],
    }
    return said("Consent", own_id or f"{kind} {made}", body, happened=weeks(7), **{"source": "ucp", **more})


def appointment(
    what: str, at: datetime, *, place: str, who: str, status: str = "booked", **more: Any
) -> StoredStatement:
    body = {
        "status": status,
        "serviceType": [{"text": what}],
        "start": at.isoformat(),
        "participant": [
            {"actor": {"type": "Location", "display": place}},
            {"actor": {"type": "Practitioner", "display": who}},
        ],
    }
    return said("Appointment", f"{what} {at}", body, happened=at, **more)


def referral(what: str, at: datetime, **more: Any) -> StoredStatement:
    body = {
        "status": "active",
        "priority": "urgent",
        "code": {"text": what},
        "authoredOn": at.isoformat(),
        "requester": {"display": "Dr T Okafor"},
        "performer": [{"display": "Barts Heart Centre"}],
        "reasonCode": [{"text": "Breathless, loud systolic murmur"}],
    }
    return said("ServiceRequest", what, body, happened=at, at=at, **more)


def relative(name: str, relationship: str, phone: str, **more: Any) -> StoredStatement:
    body = {
        "name": [{"text": name}],
        "relationship": [{"text": relationship}],
        "telecom": [{"system": "phone", "value": phone}],
    }
    return said("RelatedPerson", name, body, source="gp", **more)


def joan() -> list[StoredStatement]:
    """An Oxford woman with a heart valve operation in London, and a long life besides."""
    old = plan("Urgent care plan", ("For hospital admission",), own_id="old", at=day(1))
    potassium = [
        result(
            "Potassium",
            value,
            flag=mark,
            happened=weeks(number),
            own_id=f"k{number}",
            source="pathology",
            laboratory="Barts laboratory",
        )
        for number, value, mark in ((0.1, "6.1", "H"), (0.3, "5.2", ""), (1, "4.8", ""), (9, "4.4", ""))
    ]
    return [
        *_what_she_has(),
        *_what_she_takes(),
        *_what_happened(),
        *potassium,
        result(
            "Blood culture",
            "No growth so far",
            happened=weeks(0.4),
            own_id="bc",
            source="pathology",
            standing=Standing.PRELIMINARY,
        ),
        said(
            "ServiceRequest",
            "lipids",
            {"status": "active", "code": {"text": "Lipid profile"}},
            source="gp",
            heading=Heading.RESULTS,
        ),
        old,
        plan(
            "Urgent care plan",
            (
                "Oxygen target 88–92 %",
                "Call the heart failure nurse before sending to hospital",
                "Prefers care at home",
            ),
            own_id="new",
            replaces=old,
            at=day(2),
        ),
        decision("ReSPECT", "For full treatment, not for CPR", made="2026-10-03"),
        decision("ReSPECT", "For full treatment and for CPR", made="2024-02-11", status="inactive"),
        decision("Lasting power of attorney for health and welfare", "Tom Hartley, registered 2021", made="2021-06-01"),
        said(
            "CarePlan",
            "package",
            {
                "status": "active",
                "title": "Home care, mornings",
                "note": [{"text": "Twice daily, Bow Care Ltd"}],
                "period": {"start": "2026-03-01"},
            },
            source="council",
            heading=Heading.SOCIAL_CARE,
        ),
        flag("Difficult airway: grade 4 view, use video laryngoscope", severe=True),
        flag("Pacemaker: MRI conditional"),
        flag("Interpreter: Igbo", source="gp", heading=Heading.NEEDS),
        flag("Hearing loop", source="gp", heading=Heading.NEEDS),
        flag("Adult safeguarding concern: financial, open", source="council", heading=Heading.SAFEGUARDING),
        relative("Tom Hartley", "Son, next of kin", "07700 900 123"),
        said(
            "CareTeam",
            "team",
            {
                "status": "active",
                "name": "Heart failure nurses",
                "telecom": [{"system": "phone", "value": "020 7946 0117"}],
                "participant": [{"member": {"display": "Nurse A Lindqvist"}, "role": [{"text": "Case manager"}]}],
            },
            source="community",
        ),
        said(
            "QuestionnaireResponse",
            "frailty",
            {
                "status": "completed",
                "extension": [{"url": "urn:x/title", "valueString": "Clinical frailty"}],
                "item": [
                    {"text": "Clinical Frailty Scale", "answer": [{"valueString": "5, mildly frail"}]},
                    {"text": "Falls in the last year", "answer": [{"valueInteger": 2}]},
                ],
            },
            source="community",
            happened=weeks(5),
        ),
        said(
            "FamilyMemberHistory",
            "father",
            {
                "relationship": {"text": "Father"},
                "condition": [{"code": {"text": "Myocardial infarction"}, "onsetAge": {"value": 52, "unit": "years"}}],
            },
            source="gp",
        ),
        said(
            "Device",
            "pacemaker",
            {
                "status": "active",
                "type": {"text": "Dual chamber pacemaker"},
                "safety": [{"text": "MRI conditional"}],
                "manufacturer": "Invented Devices Ltd",
            },
            happened=weeks(120),
        ),
        said("Task", "inr", {"status": "requested", "description": "INR in 7 days", "owner": {"display": "GP"}}),
        said("Organization", "ward", {"name": "Harbour Ward"}),
        said(
            "Patient",
            "p",
            {"name": [{"family": "Hartley", "given": ["Joan"]}], "address": [{"line": ["14 Larkspur Close"]}]},
            source="gp",
        ),
    ]


def _what_she_has() -> list[StoredStatement]:
    return [
        allergy("Penicillin", code="91936005", reaction="Anaphylaxis", severity="severe"),
        allergy("Latex", reaction="Contact dermatitis", source="gp"),
        condition("Severe aortic stenosis", "60573004", clinical="active", happened=weeks(12)),
        condition(
            "Aortic stenosis, severe", "60573004", clinical="active", source="gp", own_id="as", happened=weeks(11)
        ),
        condition("Atrial fibrillation", "49436004", clinical="active", source="gp", happened=weeks(60)),
        condition(
            "Atrial fibrillation", "49436004", clinical="resolved", at=day(15), own_id="af-b", happened=weeks(58)
        ),
        condition("Chronic kidney disease stage 3a", "700378005", clinical="active", source="gp", happened=weeks(200)),
        condition("Urinary tract infection", "68566005", clinical="resolved", source="gp", happened=weeks(50)),
    ]


def _what_she_takes() -> list[StoredStatement]:
    return [
        medicine("Bisoprolol 2.5mg tablets", "2.5mg each morning", code="318590006", route="oral", at=day(20)),
        medicine("Bisoprolol 2.5 mg tablets", "1.25 mg each morning", code="318590006", source="gp", at=day(2)),
        medicine(
            "Warfarin 1mg tablets", "dose per yellow book", code="319733000", route="oral", at=day(20), happened=day(20)
        ),
        medicine("Apixaban 5mg tablets", "ONE twice a day", source="gp", at=day(2)),
        medicine("Apixaban 5mg tablets", "ONE twice a day", status="stopped", at=day(20), own_id="apx"),
        medicine("Furosemide 40mg tablets", "ONE each morning", source="gp"),
        medicine("Levothyroxine sodium 50mcg tablets", "50mcg each morning", source="gp"),
        medicine("Amoxicillin 500mg capsules", "ONE three times a day", status="completed", source="gp"),
        medicine("Methotrexate 2.5mg tablets", "15.0mg ONCE A WEEK", source="gp"),
    ]


def _what_happened() -> list[StoredStatement]:
    return [
        referral("Cardiology, valve clinic", weeks(11), source="gp"),
        stay("V1", start=weeks(7), kind="AMB", place="Valve Clinic", at=weeks(7)),
        stay("V2", start=day(14), end=day(20), place="Harbour Ward", at=day(20)),
        letter(
            "Discharge summary",
            "Dear Dr Okafor\n\nAortic valve replacement on 15-Nov-2026. INR in 7 days, please.",
            happened=day(20),
            at=day(20),
        ),
        appointment("Valve clinic", day(29, 10), place="Heart Centre, floor 2", who="Miss R Adeyemi"),
        appointment("Valve clinic", weeks(9), place="Heart Centre, floor 2", who="Miss R Adeyemi", status="noshow"),
        report(
            "CT coronary angiogram",
            [],
            text="No obstructive coronary disease. Severe calcification of the aortic valve.",
            source="imaging",
            heading=Heading.IMAGING,
            happened=weeks(6),
        ),
        said(
            "Procedure",
            "avr",
            {
                "status": "completed",
                "code": coded("Replacement of aortic valve", "26212005"),
                "performedDateTime": "2026-11-15",
                "performer": [{"actor": {"display": "Miss R Adeyemi"}}],
            },
            happened=day(15),
        ),
        said(
            "Procedure",
            "avr",
            {
                "status": "completed",
                "code": coded("Aortic valve replacement", "26212005"),
                "performedDateTime": "2026-11-15",
            },
            source="gp",
            happened=day(15),
        ),
        said(
            "Immunization",
            "flu",
            {
                "status": "completed",
                "vaccineCode": coded("Influenza vaccine", "46233009"),
                "occurrenceDateTime": "2026-10-01",
                "lotNumber": "FL26-118",
            },
            source="gp",
            happened=weeks(7),
        ),
        *(
            pressure(systolic, diastolic, weeks(number))
            for number, systolic, diastolic in ((0.2, 128, 76), (2, 142, 84), (5, 150, 88))
        ),
        *(vital("Weight", value, "kg", weeks(number)) for number, value in ((0.2, 71.4), (2, 73.0), (5, 74.6))),
        vital(
            "Tobacco use",
            0,
            "a day",
            weeks(5),
            "social-history",
            body={"valueQuantity": None, "valueString": "Stopped smoking in 1999"},
        ),
    ]


def child() -> list[StoredStatement]:
    centile = {"note": [{"text": "25th centile (UK-WHO), as sent"}]}
    return [
        allergy("No known allergies"),
        vital("Weight", 18.4, "kg", weeks(1), "exam", source="barts", body=centile),
        vital(
            "Height",
            112,
            "cm",
            weeks(1),
            "exam",
            source="barts",
            body={"note": [{"text": "50th centile (UK-WHO), as sent"}]},
        ),
        relative("Ada Hartley", "Mother, parental responsibility", "07700 900 456"),
        medicine("Paracetamol 120mg/5ml oral suspension", "7.5 ml up to four times a day", source="gp"),
        medicine("Tacrolimus 0.5mg capsules", "ONE twice a day", at=day(20)),
        condition("Chronic kidney disease stage 4", clinical="active"),
    ]


def summary(
    statements: list[StoredStatement] | None = None,
    *,
    person: Person = JOAN,
    role: str = "clinician",
    at: datetime = AT,
) -> Summary:
    """What the door makes of these statements for a reader of this role."""
    listed, names = joan() if statements is None else statements, dict(NAMES)
    if person.subject.restricted:
        disguise = disguised(listed, REGION)
        listed, names, person = disguise.statements, dict(disguise.names), person_without_places(person)
    decision_ = decide(
        Question(
            role=role,
            organisation_in_agreement=True,
            route="launch",
            evidence=EvidenceClass.APPOINTMENT,
            purpose=Purpose.TREAT,
        )
    )
    seen = withhold(listed, decision_).shown
    record = reconcile(seen, region_names=names, since=date(2026, 11, 14))
    is_clinical = Heading.ALERTS in decision_.headings
    return Summary(
        title=REGION.title,
        banner=banner(person, region=REGION, record=record, shows_allergies=is_clinical, at=at),
        answers=answers(person.subject, REGION),
        sources=source_answers(seen, REGION, names) if is_clinical else (),
        record=record,
        headings=tuple(decision_.headings),
        opened_from="Opened from Oxford University Hospitals, outpatient clinic, today 09:12",
        why=decision_.reasons,
        limits=decision_.limits,
        since=date(2026, 11, 14),
        patient_id="x",
        role=role,
        pathway=pathway(record, at=at) if is_clinical else None,
        is_clinical=is_clinical,
    )


def who(**changed: Any) -> Person:
    return msgspec.structs.replace(JOAN, subject=msgspec.structs.replace(JOAN.subject, **changed))
