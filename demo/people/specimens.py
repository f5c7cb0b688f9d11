"""What the laboratory tells of one person: bloods, reports in words, corrections."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import msgspec

from demo.people import measurements
from demo.people.contents import Clinician, Content
from demo.people.nouns import Demographics, Happening, Panel, Reported, Stated, Value, Visit
from demo.people.pathways import COURSE, REPORTS, Pathway

_DRIFT = {"EGFR": 2.5, "CREA": -2.0, "HBA1C": -1.8}  # a year earlier, this much different


class Specimens:
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
        is_light: bool = False,
    ) -> None:
        self.rng = rng
        self.index = index
        self.timeline = timeline
        self.until = until
        self.nhs_number = nhs_number
        self.laboratory_number = laboratory_number
        self.pathway = pathway
        self.is_light = is_light
        self.events: list[Happening] = []
        self.planted: list[str] = []
        self.guarded: list[tuple[str, tuple[str, ...]]] = []
        self.as_known_to: dict[str, Demographics] = {}  # A source with its own idea of who this is.
        now = timeline[-1][1]
        self.born_at = datetime(now.birth_date.year, now.birth_date.month, now.birth_date.day)
        self.age = (until.date() - now.birth_date).days // 365
        self.gender = now.gender
        self.numbers_from = numbers_from
        self._specimens = numbers_from
        self._usual = measurements.baseline(rng, now.gender, self.age, pathway.usual if pathway else {})

    def who(self, at: datetime, source: str = "") -> Demographics:
        if source in self.as_known_to:
            return self.as_known_to[source]
        return next((told for since, told in reversed(self.timeline) if since <= at), self.timeline[0][1])

    @property
    def now(self) -> Demographics:
        return self.timeline[-1][1]

    def guard(self, label: str, *told: str) -> None:
        """What was told in confidence: its label, and the ids or numbers under which its source sent it."""
        self.guarded.append((label, told))

    def may_tell(self, at: datetime) -> bool:
        """From birth to the end of the histories; for a week after a death, while the news travels."""
        died_at = self.now.died_at
        return self.born_at < at <= self.until and (died_at is None or at <= died_at + timedelta(days=7))

    def state(
        self, source: str, at: datetime, own_id: str, content: Content, *, stay: str = "", is_in_error: bool = False
    ) -> str:
        """A system that speaks FHIR says one thing; `own_id` is made this person's own. Returns the whole id."""
        own_id = f"{own_id}-{self.index:06d}"
        if self.may_tell(at):
            self.events.append(
                Stated(
                    at=at,
                    who=self.who(at, source),
                    source=source,
                    own_id=own_id,
                    content=content,
                    stay=stay,
                    is_in_error=is_in_error,
                )
            )
        return own_id

    # --- specimens ----------------------------------------------------------------------------------------------------

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
    ) -> None:
        """One drawing of blood: a report for each kind of specimen, final at once."""
        levels = self.levels(at, pathway, day)
        by_specimen: dict[str, list[str]] = {}
        for code in panels or (pathway.panels if pathway else ("UE", "FBC")):
            by_specimen.setdefault(measurements.PANELS[code][1], []).append(code)
        for specimen, codes in by_specimen.items():
            number = self.specimen_number(at, {"S": "B", "W": "H", "C": "C"}[specimen[0]])
            drawn = tuple(
                measurements.panel(
                    self.rng, code, filler=f"{number}-{code}", who=(self.gender, self.age), levels=levels
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
                    measurements.ANALYTES[code], float(value.text) - 1.4, who=(self.gender, self.age)
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
                self.planted.append("corrected-result")
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


def _find(event: Reported, code: str) -> tuple[Panel, Value] | None:
    return next(((panel, value) for panel in event.panels for value in panel.values if value.code == code), None)
