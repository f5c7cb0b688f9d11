"""The words of letters: what a discharge summary and an outpatient letter say, line by line."""

from __future__ import annotations

from demo.people.codes.medicines import PRODUCTS
from demo.people.nouns import Allergy, Demographics, Visit
from demo.people.pathways import Pathway

_LETTERHEADS = {
    "barts": "Barts Health NHS Trust",
    "uclh": "University College London Hospitals NHS Foundation Trust",
    "gosh": "Great Ormond Street Hospital for Children NHS Foundation Trust",
}


def discharge_lines(
    who: Demographics, visit: Visit, pathway: Pathway, allergies: tuple[Allergy, ...]
) -> tuple[str, ...]:
    end = visit.end or visit.start
    return (
        "DISCHARGE SUMMARY",
        f"{_LETTERHEADS[pathway.source]}, {visit.site}, {visit.place}",
        "",
        f"Dear {who.practice.gp},",
        f"Re: {' '.join(who.given)} {who.family}, born {who.birth_date:%d-%b-%Y}",
        "",
        f"Admitted {visit.start:%d-%b-%Y}, discharged {end:%d-%b-%Y} under {visit.consultant.called}.",
        f"Reason for admission: {visit.reason}.",
        f"Diagnosis: {pathway.diagnosis[1]}.",
        *(f"Also: {text}." for _, text in pathway.also),
        *((f"Procedure: {pathway.operation}.",) if pathway.operation else ()),
        _allergy_line(allergies),
        *_medicine_lines(pathway),
        "",
        "Plan and actions for the GP:",
        *(f"{number}. {line}" for number, line in enumerate(pathway.plan, 1)),
        *((f"Pending at discharge: {pathway.pending}. We will write when it is known.",) if pathway.pending else ()),
        f"Questions: ring {pathway.phone}.",
        "",
        visit.consultant.called,
    )


def _medicine_lines(pathway: Pathway) -> tuple[str, ...]:
    """The medicines begun here; the last of them stands in this letter and nowhere else."""
    lines = [f"{PRODUCTS[key].text}, {PRODUCTS[key].dose}" for key in pathway.medicines]
    lines += [f"{pathway.only_in_letter}"] if pathway.only_in_letter else []
    return ("Medicines started:", *(f"- {line}." for line in lines)) if lines else ()


def outpatient_lines(
    who: Demographics, visit: Visit, pathway: Pathway, allergies: tuple[Allergy, ...]
) -> tuple[str, ...]:
    return (
        f"{pathway.clinic}, {visit.site}",
        "",
        f"Dear {who.practice.gp},",
        f"Re: {' '.join(who.given)} {who.family}, born {who.birth_date:%d-%b-%Y}",
        "",
        f"Thank you for referring this patient, seen on {visit.start:%d-%b-%Y}.",
        f"Problem: {pathway.diagnosis[1]}. {visit.reason}.",
        *((f"We discussed: {pathway.operation[0].lower()}{pathway.operation[1:]}.",) if pathway.operation else ()),
        _allergy_line(allergies),
        "We will see the patient again as arranged.",
        f"Questions: ring {pathway.phone}.",
        "",
        visit.consultant.called,
    )


def _allergy_line(allergies: tuple[Allergy, ...]) -> str:
    if not allergies:
        return "Allergies: not recorded."
    return (
        "Allergies: "
        + "; ".join(
            allergy.text + (f" ({allergy.reaction.lower()})" if allergy.reaction else "") for allergy in allergies
        )
        + "."
    )
