"""Tells what happened to one person in hospitals, event by event, from their mould and their pathway."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import msgspec

from demo.people import pathways
from demo.people.codes.conditions import snomed_beside
from demo.people.codes.imaging import EXAMINATIONS
from demo.people.contents import Clinician
from demo.people.letters import discharge_lines, outpatient_lines
from demo.people.nouns import (
    Allergy,
    Booked,
    Diagnosis,
    EarlyNumber,
    Happening,
    Imaged,
    Merged,
    Referred,
    Told,
    Visit,
    Written,
)
from demo.people.pathways import NO_KNOWN_ALLERGIES, Pathway
from demo.people.places import CONSULTANTS, RADIOLOGISTS, gp_of
from demo.people.specimens import Specimens

_NUMBERED = {"barts": "6", "uclh": "4", "gosh": "8"}  # How each hospital's visit numbers begin.


class Teller(Specimens):
    """Gathers the events of one person. Times are London wall-clock time, as the systems themselves keep it."""

    allergies: tuple[Allergy, ...] = ()
    quirks: frozenset[str] = frozenset()  # what the mould asks for
    _visits = -1
    _letters = -1

    def _next(self, counter: str) -> int:
        """Visits and letters are numbered from where the history of this person left off."""
        last: int = getattr(self, counter)
        number = (self.numbers_from if last < 0 else last) + 1
        setattr(self, counter, number)
        return number

    # --- visits -------------------------------------------------------------------------------------------------------

    def visit(self, kind: str, start: datetime, *, end: datetime | None = None, pathway: Pathway) -> Visit:
        in_bed = kind == "I"
        return Visit(
            number=f"{_NUMBERED[pathway.source]}{self.index:06d}{self._next('_visits'):05d}",
            kind=kind,
            place={"I": pathway.ward, "O": pathway.clinic, "E": "Emergency Department"}[kind],
            room=f"Bay {self.rng.randint(1, 6)}" if in_bed else "",
            bed=f"{self.rng.randint(1, 28):02d}" if in_bed else "",
            site=pathway.site,
            specialty=pathway.specialty if kind != "E" else "180",
            consultant=self.rng.choice(CONSULTANTS[pathway.team if kind != "E" else "general"]),
            reason=pathway.reason,
            start=start,
            end=end,
        )

    def told(
        self,
        trigger: str,
        at: datetime,
        visit: Visit | None = None,
        *,
        diagnoses: tuple[Diagnosis, ...] = (),
        source: str = "barts",
    ) -> None:
        """An ADT event; the allergies known at the time go with those that carry them."""
        if at > self.until:
            return
        allergies = self.allergies if trigger in ("A01", "A04", "A08", "A28", "A31") else ()
        self.events.append(
            Told(
                at=at,
                who=self.who(at, source),
                source=source,
                trigger=trigger,
                visit=visit,
                allergies=allergies,
                diagnoses=diagnoses,
            )
        )

    def clinic(self, at: datetime, pathway: Pathway, *, letter: bool = True) -> Visit:
        """An outpatient visit: seen, bloods taken, a letter some days later."""
        visit = self.visit("O", at, pathway=pathway)
        self.told("A04", at, visit, source=pathway.source)
        self.bloods(at + timedelta(minutes=25), visit, pathway)
        ended = _ended(visit, at + timedelta(minutes=50), "")
        worked_out = (self._diagnosis(pathway.diagnosis, at, "W"),)
        self.told("A03", at + timedelta(minutes=50), ended, diagnoses=worked_out, source=pathway.source)
        if letter:
            self.letter(at + timedelta(days=self.rng.randint(1, 6), hours=3), "OL", ended, pathway)
        return visit

    def emergency(self, at: datetime, pathway: Pathway, *, bloods: bool = True) -> None:
        visit = self.visit("E", at, pathway=pathway)
        self.told("A04", at, visit, source=pathway.source)
        if bloods:
            self.bloods(at + timedelta(minutes=40), visit, pathway, day=0)
        end = at + timedelta(hours=self.rng.randint(2, 7), minutes=self.rng.randint(0, 50))
        self.told("A03", end, _ended(visit, end, "Usual place of residence"), source=pathway.source)

    def stay(
        self,
        start: datetime,
        days: int,
        pathway: Pathway,
        *,
        planned: bool,
        ends: bool,
        died: bool,
        pdf: bool,
        slips: frozenset[str] = frozenset(),
    ) -> Visit:
        """A stay in hospital: admitted, moved, bloods each morning, a report, discharged, a letter.

        `slips`: what the hospital took back on the way: "A11" an admission, "A12" a move, "A13" the discharge.
        """
        source = pathway.source
        visit = self.visit("I", start, pathway=pathway)
        if planned:
            self.told("A05", start - timedelta(days=10, hours=1), visit, source=source)
        admitting = (self._diagnosis(pathway.diagnosis, start, "A"),)
        if "A11" in slips:  # Admitted a day too early on paper: there was no bed.
            early = self.visit("I", start - timedelta(days=1), pathway=pathway)
            self.told("A01", early.start, early, source=source)
            self.told("A11", early.start + timedelta(hours=2), early, source=source)
        self.told("A01", start, visit, diagnoses=admitting, source=source)
        for day in range(1 if self.is_light else max(days, 1)):
            morning = start.replace(hour=6, minute=self.rng.randint(5, 55)) + timedelta(days=day)
            self.bloods(max(morning, start + timedelta(minutes=35)), visit, pathway, day=day)
        if days > 3:
            moved = start + timedelta(days=2, hours=2)
            there = _moved(visit, f"{visit.place} step-down", self.rng)
            self.told("A02", moved, there, source=source)
            if "A12" in slips:
                self.told("A12", moved + timedelta(minutes=40), visit, source=source)
        if pathway.report:
            self.report(start + timedelta(days=1, hours=1), visit, pathway)
        if not ends:
            return visit
        end = start.replace(hour=15, minute=self.rng.randint(0, 59)) + timedelta(days=max(days, 1) if days != 1 else 0)
        end = max(end, start + timedelta(hours=6))
        ended = _ended(visit, end, "Patient died" if died else "Usual place of residence")
        final = tuple(self._diagnosis(each, start, "F") for each in (pathway.diagnosis, *pathway.also))
        if "A13" in slips and not died:  # Discharged in the morning, kept after all, discharged in the afternoon.
            early_end = end - timedelta(hours=4)
            self.told("A03", early_end, _ended(visit, early_end, "Usual place of residence"), source=source)
            self.told("A13", early_end + timedelta(minutes=50), visit, source=source)
        self.told("A03", end, ended, diagnoses=final, source=source)
        if not died:
            self.letter(end + timedelta(hours=2, minutes=7), "DS", ended, pathway, pdf=pdf)
        return ended

    def _diagnosis(self, coded: tuple[str, str], at: datetime, kind: str) -> Diagnosis:
        code, text = coded
        is_mapped = (self.index * 7 + sum(map(ord, code))) % 20  # One code in twenty has no alternate in its table.
        return Diagnosis(code=code, text=text, at=at, kind=kind, snomed=snomed_beside(code) if is_mapped else None)

    # --- referrals, appointments, images ------------------------------------------------------------------------------

    def referred(self, at: datetime, pathway: Pathway, *, status: str = "active", priority: str = "routine") -> None:
        """The practice asks the hospital: REF I12. Said again with another status when it is dealt with."""
        if not self.may_tell(at):
            return
        practice = self.now.practice
        self.events.append(
            Referred(
                at=at,
                who=self.who(at, pathway.source),
                source=pathway.source,
                number=f"REF{self.index:06d}01",
                ubrn=f"0000{self.index:06d}01",
                priority=priority,
                reason=pathway.reason,
                diagnosis=None,
                referred_by=gp_of(practice),
                referring_practice=practice,
                to_service=pathway.clinic,
                specialty=pathway.specialty,
                status=status,
            )
        )

    def booked(
        self,
        trigger: str,
        at: datetime,
        start: datetime,
        pathway: Pathway,
        *,
        ordinal: int,
        was: datetime | None = None,
        reason: str = "",
    ) -> None:
        """The hospital's scheduler says something of one appointment."""
        if not self.may_tell(at):
            return
        self.events.append(
            Booked(
                at=at,
                who=self.who(at, pathway.source),
                source=pathway.source,
                trigger=trigger,
                number=f"AP{self.index:06d}{ordinal:03d}",
                start=start,
                minutes=20,
                clinic=pathway.clinic,
                site=pathway.site,
                specialty=pathway.specialty,
                consultant=CONSULTANTS[pathway.team][0],
                reason=reason or pathway.reason,
                was=was,
            )
        )

    def imaged(
        self, at: datetime, examination: str, *, ordinal: int, by: Clinician | None, place: str, amended: bool = False
    ) -> None:
        """An examination and its report two days later; `amended`: read again, and the words changed."""
        found = EXAMINATIONS[examination]
        told_at = at + timedelta(days=1, hours=self.rng.randint(2, 20))
        lines = (*found.findings, "", f"CONCLUSION: {found.conclusion}")
        said = [(told_at, "F", lines)]
        if amended:
            addendum = ("", "ADDENDUM: compared with outside images, an incidental 4 mm lung nodule is noted.")
            said.append((told_at + timedelta(days=3), "C", (*lines, *addendum)))
            self.planted.append("amended-imaging-report")
        for said_at, status, words in said:
            if self.may_tell(at) and said_at <= self.until:
                self.events.append(
                    Imaged(
                        at=said_at,
                        who=self.who(said_at, "london-imaging"),
                        source="london-imaging",
                        accession=f"IM{self.index:06d}{ordinal:02d}",
                        examination=found.concept,
                        modality=found.modality,
                        performed_at=at,
                        status=status,
                        lines=words,
                        requested_by=by,
                        reported_by=RADIOLOGISTS[self.index % 2],
                        place=place,
                    )
                )

    # --- letters and numbers ------------------------------------------------------------------------------------------

    def letter(self, at: datetime, kind: str, visit: Visit, pathway: Pathway, *, pdf: bool = False) -> None:
        if at > self.until:
            return
        who = self.who(at, pathway.source)
        lines = (discharge_lines if kind == "DS" else outpatient_lines)(who, visit, pathway, self.allergies)
        title = "Discharge summary" if kind == "DS" else f"Outpatient letter, {pathway.clinic}"
        self.events.append(
            Written(
                at=at,
                who=who,
                source=pathway.source,
                number=f"DOC{self.index:06d}{self._next('_letters'):05d}",
                kind=kind,
                title=title,
                author=visit.consultant,
                visit=visit,
                lines=lines,
                is_pdf=pdf,
            )
        )

    def replace_last_letter(self, line: str) -> None:
        """The last letter was wrong: another takes its place two days later."""
        for event in reversed(self.events):
            if isinstance(event, Written) and event.at + timedelta(days=2) <= self.until:
                again = msgspec.structs.replace(
                    event,
                    at=event.at + timedelta(days=2),
                    number=f"DOC{self.index:06d}{self._next('_letters'):05d}",
                    lines=(*event.lines[:-2], f"CORRECTION: {line}", *event.lines[-2:]),
                    replaces=event.number,
                )
                self.events.append(again)
                self.planted.append("replaced-letter")
                return

    def allergic(self, which: str, at: datetime) -> None:
        """What the hospital knows of allergies from now on."""
        if which == "unrecorded":
            return
        if which == "none":
            chosen: tuple[tuple[str, str, str, str, str], ...] = (NO_KNOWN_ALLERGIES,)
        elif which == "penicillin":
            chosen = (pathways.ALLERGIES[0],)
        else:
            chosen = tuple(self.rng.sample(pathways.ALLERGIES[1:], self.rng.choice((1, 1, 2))))
        self.allergies = tuple(
            Allergy(kind=kind, code=code, text=text, severity=severity, reaction=reaction, recorded_on=at.date())
            for kind, code, text, severity, reaction in chosen
        )

    def merge(self, at: datetime, former_number: str) -> EarlyNumber:
        self.events.append(Merged(at=at, who=self.who(at), former_number=former_number))
        return EarlyNumber(former_number, at)

    def in_order(self) -> tuple[Happening, ...]:
        return tuple(sorted(self.events, key=lambda event: event.at))


def _ended(visit: Visit, end: datetime, to: str) -> Visit:
    return msgspec.structs.replace(visit, end=end, discharged_to=to)


def _moved(visit: Visit, place: str, rng: random.Random) -> Visit:
    return msgspec.structs.replace(visit, place=place, bed=f"{rng.randint(1, 28):02d}")
