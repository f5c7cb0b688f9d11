"""What the index knows of the patients of one batch, and what is to be written once it is decided. No SQL here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from carerecord.model import OriginalReference, Subject
from carerecord.patient_index import rules
from carerecord.patient_index.values import NOTHING_SAID_YET, Claim, Judgement, Known, Name


class Book:
    """Later claims of a batch see what earlier ones did, because both read and write this book and not the database."""

    def __init__(self, random_key: Callable[[], int]) -> None:
        self.random_key = random_key
        self.identities: dict[int, Known] = {}
        self.names: dict[Name, Known] = {}
        self.people: dict[int, dict[int, Known]] = {}  # who is in a person; whole for each that a claim may change
        self.new_names: dict[Name, Known] = {}
        self.new_numbers: dict[tuple[str, int], Known] = {}
        self.judgements: list[Judgement] = []

    def learn(self, found: Iterable[tuple[Name, Known]]) -> None:
        """What was read later is newer: after a lock was taken, it replaces what was read before."""
        for name, known in found:
            held = self.identities.setdefault(known.identity_key, known)
            if held is not known:
                self.people[held.person_key].pop(held.identity_key, None)
                for field in Known.__struct_fields__:
                    setattr(held, field, getattr(known, field))
            self.people.setdefault(held.person_key, {})[held.identity_key] = held
            self.names[name] = held

    def find(self, name: Name) -> Known | None:
        return self.names.get(name)

    def verified_numbers(self, person_key: int) -> set[str]:
        return {
            known.nhs_number
            for known in self.people.get(person_key, {}).values()
            if known.is_verified and known.nhs_number
        }

    def verified_holders(self, nhs_number: str) -> dict[int, list[Known]]:
        """Who holds a verified number, by person."""
        holders: dict[int, list[Known]] = {}
        for known in self.identities.values():
            if known.is_verified and known.nhs_number == nhs_number:
                holders.setdefault(known.person_key, []).append(known)
        return holders

    def create(
        self,
        name: Name,
        claim: Claim,
        *,
        subject: Subject,
        said_at: datetime,
        person_key: int | None,
        is_verified: bool,
        rule: str,
        reasons: Sequence[str],
    ) -> Known:
        person = person_key or self.random_key()
        known = Known(
            identity_key=self.random_key(),
            home_key=person,
            person_key=person,
            source=claim.source,
            system=name[0],
            value=name[1],
            nhs_number=subject.nhs_number,
            is_verified=is_verified,
            subject=subject,
            said_at=said_at,
        )
        self.identities[known.identity_key] = known
        self.people.setdefault(person, {})[known.identity_key] = known
        self.add_name(name, known)
        if subject.nhs_number:
            self.new_numbers[subject.nhs_number, known.identity_key] = known
        self._judge(
            known, None, rule=rule, reasons=reasons, at=claim.received_at, by=claim.source, original=claim.original
        )
        return known

    def add_name(self, name: Name, known: Known) -> None:
        if name not in self.names:
            self.names[name] = self.new_names[name] = known

    def hear(self, known: Known, claim: Claim) -> None:
        """Take what a message says of a known patient, unless something newer was said before."""
        said_at = claim.said_at_most
        is_newer = said_at >= known.said_at or known.subject.is_copy
        if known.said_at != NOTHING_SAID_YET and not (claim.updates_demographics and is_newer):
            return
        # Whoever says the same again changes nothing, whichever of it is empty.
        is_same = claim.subject == known.subject
        subject = known.subject if is_same else rules.updated(known.subject, claim.subject)
        # The instant is kept even where nothing changed: an older message that arrives later must not win.
        is_other = not is_same and subject != known.subject
        if is_other:
            known.replaced_at = claim.received_at
        if is_other or said_at != known.said_at:
            known.subject, known.said_at, known.has_new_subject = subject, said_at, True

    def set_number(self, known: Known, claim: Claim, *, is_verified: bool, rule: str, reasons: Sequence[str]) -> None:
        number = claim.subject.nhs_number
        if (known.nhs_number, known.is_verified) == (number, is_verified) or number is None:
            return
        if number != known.nhs_number:
            self.new_numbers[number, known.identity_key] = known
        known.nhs_number, known.is_verified, known.has_new_number, known.is_contested = number, is_verified, True, False
        # What verified the number must be there to compare with for the next who brings it.
        known.subject = rules.with_number_of(rules.updated(claim.subject, known.subject), claim.subject)
        known.has_new_subject, known.replaced_at = True, claim.received_at
        self._judge(
            known,
            known.person_key,
            rule=rule,
            reasons=reasons,
            at=claim.received_at,
            by=claim.source,
            original=claim.original,
        )

    def move(
        self,
        known: Known,
        person_key: int,
        *,
        rule: str,
        reasons: Sequence[str],
        at: datetime,
        by: str,
        original: OriginalReference | None = None,
    ) -> None:
        """Make an identity part of another person. Its rows stay where they are."""
        before = known.person_key
        if before == person_key:
            return
        self.people[before].pop(known.identity_key, None)
        self.people.setdefault(person_key, {})[known.identity_key] = known
        known.person_key = person_key
        self._judge(known, before, rule=rule, reasons=reasons, at=at, by=by, original=original)

    def own_group(self, known: Known) -> list[Known]:
        """The identity and those its own sender merged with it: what it brings from a person without a number."""
        if self.verified_numbers(known.person_key):
            return [known]
        return [mate for mate in self.people[known.person_key].values() if mate.source == known.source]

    def _judge(
        self,
        known: Known,
        before: int | None,
        *,
        rule: str,
        reasons: Sequence[str],
        at: datetime,
        by: str,
        original: OriginalReference | None,
    ) -> None:
        self.judgements.append(
            Judgement(
                patient_key=known.home_key,
                identity_key=known.identity_key,
                at=at,
                from_person_key=before,
                to_person_key=known.person_key,
                rule=rule,
                reasons=tuple(reasons),
                said_by=by,
                original=original,
            )
        )
