"""A40: the sender's own identifiers are one patient. Reversible; verified NHS numbers that differ never come together.

HL7 v2 chapter 3.3.40, "Merge patient: patient identifier list". A merge joins identifiers of the sender alone. Where
one of the two already belongs to a person with a verified number, the other joins that person, whichever of them
survives: so a number is never held by two persons. In every other case the superseded identity joins the person of the
survivor.
"""

from __future__ import annotations

from carerecord.model import Identifier, NHSNumber, Outcome, Problem, Subject
from carerecord.patient_index.book import Book
from carerecord.patient_index.values import NOTHING_SAID_YET, Claim, Known, Undecided

RULE = "A40"
_JOINED = ("The sender says that both identifiers are the same patient (A40).",)
_REMEMBERED = ("The sender says that this identifier, not seen before, is an old one of this patient (A40).",)


def find_contradiction(
    book: Book, claim: Claim, known: Known | None, person_key: int | None, is_verified: bool
) -> Undecided | None:
    """Why this merge must wait, or None. Asked before anything of the claim is taken."""
    survivor = person_key if person_key is not None else known.person_key if known else None
    numbers = set() if survivor is None else book.verified_numbers(survivor)
    if is_verified and claim.subject.nhs_number:
        numbers.add(claim.subject.nhs_number)
    said = NHSNumber.found_in(claim.merge.superseded_nhs_number) if claim.merge else None
    if said and numbers and said not in numbers:
        return _waiting(_NUMBERS_DIFFER)
    if known and known.is_contested:
        return _waiting(_SEPARATED)
    for name in claim.superseded_names():
        superseded = book.find(name)
        if superseded is None or superseded.person_key == survivor or superseded is known:
            continue
        if superseded.is_contested:
            return _waiting(_SEPARATED)
        numbers |= book.verified_numbers(superseded.person_key)
        if len(numbers) > 1:
            return _waiting(_NUMBERS_DIFFER)
    return None


def merge(book: Book, claim: Claim, survivor: Known) -> None:
    for name in claim.superseded_names():
        superseded = book.find(name)
        if superseded is None:
            book.create(
                name,
                claim,
                subject=Subject(local=(Identifier(name[0].removeprefix(f"{claim.source}:"), name[1]),)),
                said_at=NOTHING_SAID_YET,
                person_key=survivor.person_key,
                is_verified=False,
                rule=RULE,
                reasons=_REMEMBERED,
            )
        elif superseded.person_key != survivor.person_key:
            _join(book, claim, survivor, superseded)


def _join(book: Book, claim: Claim, survivor: Known, superseded: Known) -> None:
    joining, staying = superseded, survivor
    if book.verified_numbers(superseded.person_key) and not book.verified_numbers(survivor.person_key):
        joining, staying = survivor, superseded
    for identity in book.own_group(joining):
        book.move(
            identity,
            staying.person_key,
            rule=RULE,
            reasons=_JOINED,
            at=claim.received_at,
            by=claim.source,
            original=claim.original,
        )


def _waiting(problem: Problem) -> Undecided:
    return Undecided(outcome=Outcome.WAITING, problem=problem)


_NUMBERS_DIFFER = Problem(
    segment="MRG",
    field="MRG-1",
    rule="NHS numbers differ",
    sentence="MRG-1 would bring two different verified NHS numbers together: check which patient is meant; nothing was "
    "merged.",
)
_SEPARATED = Problem(
    segment="MRG",
    field="MRG-1",
    rule="separated by an operator",
    sentence="MRG-1 would join identifiers that an operator has separated: ask the record's operator; nothing was "
    "merged.",
)
