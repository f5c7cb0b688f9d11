"""Whose each message of a batch is: known, new, joined by an NHS number that agrees, or waiting for somebody to decide.

HL7 v2 chapter 3 (PID-3, MRG-1); NHS Data Dictionary "NHS NUMBER".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from carerecord.model import Outcome, Problem
from carerecord.patient_index import merge, rules, store
from carerecord.patient_index.book import Book
from carerecord.patient_index.rules import Verdict
from carerecord.patient_index.values import Claim, Identified, Known, Name, Undecided

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.Connection[asyncpg.Record]

BY_NUMBER = "NHS number"
FIRST_SEEN = "first seen"


class Recognised(NamedTuple):
    """What the index knew of a batch at first sight. `answers` is None where that does not settle it."""

    answers: list[Identified | Undecided] | None
    newer: list[tuple[object, ...]]  # newer demographics of those known, to be written with what the batch says
    replaced: store.Replaced  # of whom something else was known until now
    book: Book


async def recognise(connection: Connection, claims: Sequence[Claim], *, random_key: Callable[[], int]) -> Recognised:
    """One query, outside any transaction; writes nothing. Settles a batch of patients who are all known by their first
    name and bring no new number and no merge: nothing follows from it but newer demographics."""
    book = await _open(connection, claims, random_key)
    if any(_needs_more(book, claim) for claim in claims):
        return Recognised(None, [], store.NOTHING_REPLACED, book)
    answers = [decide(book, claim) for claim in claims]
    return Recognised(answers, store.newer_rows(book), store.replaced_columns(book), book)


async def identify(
    connection: Connection,
    claims: Sequence[Claim],
    *,
    random_key: Callable[[], int],
    recognised: Recognised | None = None,
) -> list[Identified | Undecided]:
    """One answer for each claim, in order, in the caller's transaction. One query where all are known and unchanged."""
    book = recognised.book if recognised else await _open(connection, claims, random_key)
    if unsure := [claim for claim in claims if _needs_more(book, claim)]:
        await _learn_more(connection, book, unsure)
    answers = [decide(book, claim) for claim in claims]
    await store.write(connection, book)
    return answers


async def _open(connection: Connection, claims: Sequence[Claim], random_key: Callable[[], int]) -> Book:
    book = Book(random_key)
    book.learn(await store.find_identities(connection, {names[0] for claim in claims if (names := claim.names)}))
    return book


def decide(book: Book, claim: Claim) -> Identified | Undecided:
    """Pure but for the book, which takes what follows from the decision. An undecided claim leaves no trace in it."""
    names = claim.names
    if not names:
        return Undecided(outcome=Outcome.REFUSED, problem=_NO_IDENTIFIER)
    known = book.find(names[0]) or _find_by_other_name(book, names[1:], claim)
    if claim.must_be_known:
        referred = _find_referred(book, names)
        if isinstance(referred, Undecided):
            return referred
        known = referred
    placement = _place_new(book, claim) if known is None else _place_known(book, claim, known)
    if isinstance(placement, Undecided):
        return placement
    if claim.merge and (
        refused := merge.find_contradiction(book, claim, known, placement.person_key, placement.is_verified)
    ):
        return refused
    if known is None:
        known = book.create(
            names[0],
            claim,
            subject=claim.subject,
            said_at=claim.said_at_most,
            person_key=placement.person_key,
            is_verified=placement.is_verified,
            rule=placement.rule,
            reasons=placement.reasons,
        )
        for name in names[1:]:
            book.add_name(name, known)
    else:
        _apply(book, claim, known, placement)
        book.add_name(names[0], known)
    if claim.merge:
        merge.merge(book, claim, known)
    return known.identified


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """Where a claim's identity belongs: `person_key` None means its own (new) or where it is (known)."""

    person_key: int | None = None
    is_verified: bool = False
    has_number: bool = False  # the claim's number is to be kept with the identity
    rule: str = FIRST_SEEN
    reasons: tuple[str, ...] = ("The source's own identifier was seen for the first time.",)


def _place_new(book: Book, claim: Claim) -> Placement | Undecided:
    if claim.subject.nhs_number is None:
        return Placement()
    return _place_by_number(book, claim, claim.subject.nhs_number, known=None)


def _place_known(book: Book, claim: Claim, known: Known) -> Placement | Undecided:
    if rules.is_someone_else(known.subject, claim.subject):
        return waiting(_SOMEONE_ELSE)
    number = claim.subject.nhs_number
    if number is None or (number == known.nhs_number and (known.is_verified or known.is_contested)):
        return Placement()
    if known.is_verified:
        return waiting(_ANOTHER_NUMBER)
    held = book.verified_numbers(known.person_key)
    if held and number not in held:
        return waiting(_ANOTHER_NUMBER)
    placement = _place_by_number(book, claim, number, known=known)
    if isinstance(placement, Placement) and held and placement.person_key not in {None, known.person_key}:
        return waiting(_TWO_HOLDERS)
    return placement


def _place_by_number(book: Book, claim: Claim, number: str, *, known: Known | None) -> Placement | Undecided:
    """The person who holds this number, if the demographics agree."""
    subject = claim.subject if known is None else rules.updated(known.subject, claim.subject)
    if subject.nhs_number_status in rules.DOUBTED_BY_SENDER:
        return Placement(
            has_number=True, rule=BY_NUMBER, reasons=("The sender doubts the number: it was not used to join.",)
        )
    holders = book.verified_holders(number)
    if not holders:
        is_verified = rules.may_verify(subject)
        return Placement(is_verified=is_verified, has_number=True, rule=BY_NUMBER, reasons=(_ALONE[is_verified],))
    agreeing: dict[int, tuple[str, ...]] = {}
    too_little: tuple[str, ...] = ()
    for person_key, identities in holders.items():
        found = [rules.agreement(holder.subject, subject) for holder in identities]
        if contradiction := next((one for one in found if one.verdict is Verdict.CONTRADICT), None):
            return waiting(_CONTRADICTION, reasons=contradiction.reasons)
        if agreed := next((one for one in found if one.verdict is Verdict.AGREE), None):
            agreeing[person_key] = agreed.reasons
        else:
            too_little = found[0].reasons
    if len(agreeing) > 1 or (agreeing and too_little):
        return waiting(_TWO_HOLDERS)
    if not agreeing:
        return Placement(has_number=True, rule=BY_NUMBER, reasons=too_little)
    ((person_key, reasons),) = agreeing.items()
    return Placement(person_key=person_key, is_verified=True, has_number=True, rule=BY_NUMBER, reasons=reasons)


def _apply(book: Book, claim: Claim, known: Known, placement: Placement) -> None:
    if placement.person_key is not None and placement.person_key != known.person_key:
        for mate in book.own_group(known):
            book.move(
                mate,
                placement.person_key,
                rule=placement.rule,
                reasons=placement.reasons if mate is known else ("Its sender has merged it with one that was joined.",),
                at=claim.received_at,
                by=claim.source,
                original=claim.original,
            )
    if placement.has_number:
        book.set_number(known, claim, is_verified=placement.is_verified, rule=placement.rule, reasons=placement.reasons)
    book.hear(known, claim)


def _find_by_other_name(book: Book, names: Sequence[Name], claim: Claim) -> Known | None:
    """A further identifier in PID-3 may be a family's or an account's: it counts only where demographics agree too."""
    for name in names:
        known = book.find(name)
        if known and rules.agreement(known.subject, claim.subject).verdict is Verdict.AGREE:
            return known
    return None


def _find_referred(book: Book, names: Sequence[Name]) -> Known | Undecided:
    """Who is only referred to is known already, and the same by every name that is given."""
    found = {known.identity_key: known for name in names if (known := book.find(name))}
    if len(found) == 1:
        return next(iter(found.values()))
    return waiting(_NAMES_DIFFER if found else _NOT_KNOWN)


def _needs_more(book: Book, claim: Claim) -> bool:
    names = claim.names
    if not names:
        return False
    known = book.find(names[0])
    if known is None or claim.merge is not None or (claim.must_be_known and len(names) > 1):
        return True
    return _is_number_news(known, claim)


def _is_number_news(known: Known, claim: Claim) -> bool:
    number = claim.subject.nhs_number
    return number is not None and not (known.is_verified and number == known.nhs_number)


async def _learn_more(connection: Connection, book: Book, claims: Sequence[Claim]) -> None:
    """What new patients, arriving numbers and merges need to know, read again under locks that other processes heed."""
    names = {name for claim in claims for name in (*claim.names, *claim.superseded_names())}
    numbers = {claim.subject.nhs_number for claim in claims if claim.subject.nhs_number}
    if any(claim.merge or book.find(claim.names[0]) for claim in claims):
        await store.lock_links(connection)
    await store.lock_numbers(connection, numbers)
    book.learn(await store.find_concerned(connection, names, numbers))


def waiting(problem: Problem, *, reasons: Sequence[str] = ()) -> Undecided:
    sentence = " ".join((problem.sentence, *reasons))
    return Undecided(outcome=Outcome.WAITING, problem=msgspec.structs.replace(problem, sentence=sentence))


_ALONE = {
    True: "Nobody held this number, and it came with a birth date and a family name.",
    False: "Nobody held this number; without a birth date and a family name it is not verified.",
}
_NO_IDENTIFIER = Problem(
    segment="PID",
    field="PID-3",
    rule="required",
    sentence="PID-3 holds no identifier that can be used: send the patient's own number at your organisation, "
    "or the NHS number.",
    fatal=True,
)
_NOT_KNOWN = Problem(
    segment="PID",
    field="PID-3",
    rule="not known",
    sentence="PID-3 only refers to a patient of whom nothing was said yet: send the patient's demographics first.",
)
_NAMES_DIFFER = Problem(
    segment="PID",
    field="PID-3",
    rule="identifiers of two",
    sentence="PID-3 refers by its identifiers to more than one patient: an operator must decide whose it is.",
)
_SOMEONE_ELSE = Problem(
    segment="PID",
    field="PID-3",
    rule="identifier of another person",
    sentence="PID-3 was used for a patient with another birth date and another name: check that the number was not "
    "used again, and correct the message or the registration.",
)
_ANOTHER_NUMBER = Problem(
    segment="PID",
    field="PID-3",
    rule="another NHS number",
    sentence="PID-3 gives a verified patient another NHS number: check which is right; it is not changed by itself.",
)
_CONTRADICTION = Problem(
    segment="PID",
    field="PID-3",
    rule="demographics contradict",
    sentence="PID-3 gives an NHS number that is held with other demographics: check the number, the birth date and the "
    "name.",
)
_TWO_HOLDERS = Problem(
    segment="PID",
    field="PID-3",
    rule="held twice",
    sentence="PID-3 gives an NHS number that two persons hold here: an operator must decide which is right.",
)
