"""Tells what happened to one person, event by event, from their mould and their pathway."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import msgspec

from demo.people import measurements, pathways
from demo.people.letters import discharge_lines, outpatient_lines
from demo.people.nouns import (
    Allergy,
    Clinician,
    Demographics,
    Diagnosis,
    EarlyNumber,
    Merged,
    Panel,
    Reported,
    Told,
    Value,
    Visit,
    Written,
)
from demo.people.pathways import COURSE, NO_KNOWN_ALLERGIES, REPORTS, Pathway
from demo.people.places import CONSULTANTS

_DRIFT = {"EGFR": 2.5, "CREA": -2.0, "HBA1C": -1.8}  # a year earlier, this much different
Happening = Told | Merged | Reported | Written


class Teller:
    """Gathers the events of one person. Times are London wall-clock time, as the systems themselves keep it."""

    def __init__(
        self,
        rng: random.Random,
        *,
        index: int,
        timeline: tuple[tuple[datetime, Demographics], ...],
        until: datetime,
        nhs_number: str | None,
        laboratory_number: str,
        pathway: Pathway | None,
        numbers_from: int = 0,
    ) -> None:
        self.rng = rng
        self.index = index
        self.timeline = timeline
        self.until = until
        self.nhs_number = nhs_number
        self.laboratory_number = laboratory_number
        self.pathway = pathway
        self.events: list[Happening] = []
        self.allergies: tuple[Allergy, ...] = ()
        self._specimens = numbers_from
        self._visits = numbers_from
        self._letters = numbers_from
        now = timeline[-1][1]
        self._age = (until.date() - now.birth_date).days // 365
        self._gender = now.gender
        self._usual = measurements.baseline(rng, now.gender, self._age, pathway.usual if pathway else {})

    def who(self, at: datetime) -> Demographics:
        return next((told for since, told in reversed(self.timeline) if since <= at), self.timeline[0][1])

    # --- visits -------------------------------------------------------------------------------------------------------

    def visit(self, kind: str, start: datetime, *, end: datetime | None = None, pathway: Pathway) -> Visit:
        self._visits += 1
        in_bed = kind == "I"
        return Visit(
            number=f"6{self.index:06d}{self._visits:05d}",
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
        self, trigger: str, at: datetime, visit: Visit | None = None, *, diagnoses: tuple[Diagnosis, ...] = ()
    ) -> None:
        """An ADT event; the allergies known at the time go with those that carry them."""
        if at > self.until:
            return
        allergies = self.allergies if trigger in ("A01", "A04", "A08", "A28", "A31") else ()
        self.events.append(
            Told(at=at, who=self.who(at), trigger=trigger, visit=visit, allergies=allergies, diagnoses=diagnoses)
        )

    def clinic(self, at: datetime, pathway: Pathway, *, letter: bool = True) -> Visit:
        """An outpatient visit: seen, bloods taken, a letter some days later."""
        visit = self.visit("O", at, pathway=pathway)
        self.told("A04", at, visit)
        self.bloods(at + timedelta(minutes=25), visit, pathway)
        ended = _ended(visit, at + timedelta(minutes=50), "")
        self.told("A03", at + timedelta(minutes=50), ended, diagnoses=(self._diagnosis(pathway.diagnosis, at, "W"),))
        if letter:
            self.letter(at + timedelta(days=self.rng.randint(1, 6), hours=3), "OL", ended, pathway)
        return visit

    def emergency(self, at: datetime, pathway: Pathway, *, bloods: bool = True) -> None:
        visit = self.visit("E", at, pathway=pathway)
        self.told("A04", at, visit)
        if bloods:
            self.bloods(at + timedelta(minutes=40), visit, pathway, day=0)
        end = at + timedelta(hours=self.rng.randint(2, 7), minutes=self.rng.randint(0, 50))
        self.told("A03", end, _ended(visit, end, "Usual place of residence"))

    def stay(
        self, start: datetime, days: int, pathway: Pathway, *, planned: bool, ends: bool, died: bool, pdf: bool
    ) -> None:
        """A stay in hospital: admitted, moved, bloods each morning, a report, discharged, a letter."""
        visit = self.visit("I", start, pathway=pathway)
        if planned:
            self.told("A05", start - timedelta(days=10, hours=1), visit)
        self.told("A01", start, visit, diagnoses=(self._diagnosis(pathway.diagnosis, start, "A"),))
        for day in range(max(days, 1)):
            morning = start.replace(hour=6, minute=self.rng.randint(5, 55)) + timedelta(days=day)
            self.bloods(max(morning, start + timedelta(minutes=35)), visit, pathway, day=day)
        if days > 3:
            moved = start + timedelta(days=2, hours=2)
            self.told("A02", moved, _moved(visit, f"{visit.place} step-down", self.rng))
        if pathway.report:
            self.report(start + timedelta(days=1, hours=1), visit, pathway)
        if not ends:
            return
        end = start.replace(hour=15, minute=self.rng.randint(0, 59)) + timedelta(days=max(days, 1) if days != 1 else 0)
        end = max(end, start + timedelta(hours=6))
        ended = _ended(visit, end, "Patient died" if died else "Usual place of residence")
        final = tuple(self._diagnosis(each, start, "F") for each in (pathway.diagnosis, *pathway.also))
        self.told("A03", end, ended, diagnoses=final)
        if not died:
            self.letter(end + timedelta(hours=2, minutes=7), "DS", ended, pathway, pdf=pdf)

    def _diagnosis(self, coded: tuple[str, str], at: datetime, kind: str) -> Diagnosis:
        return Diagnosis(code=coded[0], text=coded[1], at=at, kind=kind)

    # --- the laboratory -----------------------------------------------------------------------------------------------

    def specimen_number(self, at: datetime, discipline: str) -> str:
        self._specimens += 1
        return f"{at:%y}{discipline}{self.index:06d}{self._specimens:05d}"

    def levels(self, at: datetime, pathway: Pathway | None, day: int | None) -> dict[str, float]:
        years = (self.until - at).days / 365.25
        levels = {code: level + _DRIFT.get(code, 0.0) * years for code, level in self._usual.items()}
        if pathway and day is not None:
            effect = COURSE[min(day, len(COURSE) - 1)]
            for code, most in pathway.peak.items():
                levels[code] = max(0.3, levels[code] + most * effect)
        return levels

    def bloods(
        self,
        at: datetime,
        visit: Visit | None,
        pathway: Pathway | None,
        *,
        day: int | None = None,
        panels: tuple[str, ...] = (),
        by: Clinician | None = None,
        place: str = "",
        corrected: str = "",
    ) -> None:
        """One venepuncture: a report for each kind of specimen, some hours later."""
        levels = self.levels(at, pathway, day)
        by_specimen: dict[str, list[str]] = {}
        for code in panels or (pathway.panels if pathway else ("UE", "FBC")):
            by_specimen.setdefault(measurements.PANELS[code][1], []).append(code)
        for specimen, codes in by_specimen.items():
            number = self.specimen_number(at, {"S": "B", "W": "H", "C": "C"}[specimen[0]])
            drawn = tuple(
                measurements.panel(
                    self.rng, code, filler=f"{number}-{code}", who=(self._gender, self._age), levels=levels
                )
                for code in codes
            )
            told_at = at + timedelta(minutes=self.rng.randint(45, 200))
            requester = by or (visit.consultant if visit else None)
            self._reported(told_at, specimen, at, "F", drawn, requester, visit.place if visit else place)

    def report(self, at: datetime, visit: Visit, pathway: Pathway) -> None:
        """A report in words: preliminary where the kind has one, then final, on the same number."""
        code, name, specimen, early, final = REPORTS[pathway.report]
        filler = f"{self.specimen_number(at, 'M' if early else 'P')}-{code}"
        for words, status, days in ((early, "P", 2), (final, "F", 5)):
            if words:
                told = Value(code=code, name=name, loinc="", text="\n".join(words), is_text=True)
                panel = Panel(code=code, name=name, filler=filler, values=(told,))
                self._reported(at + timedelta(days=days), specimen, at, status, (panel,), visit.consultant, visit.place)

    def correct(self, code: str) -> None:
        """The laboratory's latest report with this analyte was wrong: haemolysed. It says so on the same number."""
        for event in reversed(self.events):
            if isinstance(event, Reported) and (wrong := _find(event, code)):
                panel, value = wrong
                right = measurements.value(
                    measurements.ANALYTES[code], float(value.text) - 1.4, who=(self._gender, self._age)
                )
                right = msgspec.structs.replace(right, status="C")
                values = tuple(
                    right if each is value else msgspec.structs.replace(each, status="F") for each in panel.values
                )
                note = f"CORRECTED REPORT. {value.name} previously reported as {value.text}: sample haemolysed."
                again = Panel(code=panel.code, name=panel.name, filler=panel.filler, values=values, note=note)
                told_at = min(event.at + timedelta(hours=5), self.until)
                self._reported(
                    told_at, event.specimen, event.collected_at, "C", (again,), event.requested_by, event.place
                )
                return

    def _reported(
        self,
        at: datetime,
        specimen: str,
        collected_at: datetime,
        status: str,
        panels: tuple[Panel, ...],
        by: Clinician | None,
        place: str,
    ) -> None:
        if at <= self.until:
            self.events.append(
                Reported(
                    at=at,
                    who=self.who(at),
                    specimen=specimen,
                    collected_at=collected_at,
                    status=status,
                    panels=panels,
                    requested_by=by,
                    place=place,
                    number=self.laboratory_number,
                    nhs_number=self.nhs_number,
                )
            )

    # --- letters and numbers ------------------------------------------------------------------------------------------

    def letter(self, at: datetime, kind: str, visit: Visit, pathway: Pathway, *, pdf: bool = False) -> None:
        if at > self.until:
            return
        self._letters += 1
        who = self.who(at)
        lines = (discharge_lines if kind == "DS" else outpatient_lines)(who, visit, pathway, self.allergies)
        title = "Discharge summary" if kind == "DS" else f"Outpatient letter, {pathway.clinic}"
        self.events.append(
            Written(
                at=at,
                who=who,
                number=f"DOC{self.index:06d}{self._letters:05d}",
                kind=kind,
                title=title,
                author=visit.consultant,
                visit=visit,
                lines=lines,
                is_pdf=pdf,
            )
        )

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


def _find(event: Reported, code: str) -> tuple[Panel, Value] | None:
    return next(((panel, value) for panel in event.panels for value in panel.values if value.code == code), None)


def _ended(visit: Visit, end: datetime, to: str) -> Visit:
    return Visit(
        number=visit.number,
        kind=visit.kind,
        place=visit.place,
        room=visit.room,
        bed=visit.bed,
        site=visit.site,
        specialty=visit.specialty,
        consultant=visit.consultant,
        reason=visit.reason,
        start=visit.start,
        end=end,
        discharged_to=to,
    )


def _moved(visit: Visit, place: str, rng: random.Random) -> Visit:
    return Visit(
        number=visit.number,
        kind=visit.kind,
        place=place,
        room=visit.room,
        bed=f"{rng.randint(1, 28):02d}",
        site=visit.site,
        specialty=visit.specialty,
        consultant=visit.consultant,
        reason=visit.reason,
        start=visit.start,
    )
