"""Safety problems that readers report: a case of the safety desk, and a notice that names nobody.

DCB0160 asks that whoever uses a health IT system can report what nearly harmed somebody, and that the clinical safety
officer looks at it: https://digital.nhs.uk/data-and-information/information-standards. Which page and whose record it
was about stands in the witness and in the case; neither is ever in an address.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from carerecord import audit, database
from carerecord.audit.events import NOBODY
from carerecord.disclosure import sentences
from carerecord.disclosure.sight import told
from carerecord.disclosure.values import Refusal
from carerecord.model import Staff
from carerecord.organisations import Region
from carerecord.stewardship import notices
from carerecord.stewardship.cases import (
    Case,
    Disposition,
    Note,
    add_note,
    close_case,
    find_case,
    list_cases,
    open_cases,
    read_notes,
)
from carerecord.stewardship.desk import LETTERS_MIN as REASON_LETTERS_MIN
from carerecord.stewardship.desk import Desk, deed
from carerecord.stewardship.privacy_rules import no_reason, no_words
from carerecord.stewardship.privacy_values import NamedPerson

QUERIES = database.queries(__package__)
DESK, KIND, RULE = "safety", "safety", "reported"
LETTERS_MIN, LETTERS_MAX = 10, 2000
DUE_AFTER_HARM, DUE = timedelta(hours=24), timedelta(days=5)
FOUND = (Disposition.HAZARD, Disposition.NO_HAZARD, Disposition.TRAINING, Disposition.DUPLICATE)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader says happened. `page` names the page by what it was, never by whose."""

    words: str
    was_harm: bool
    again: str  # yes, no, unknown
    page: str = ""
    reference: str = ""  # of the line or the message that was open


class SafetyCase(msgspec.Struct, frozen=True, kw_only=True):
    case: Case
    organisation: str
    reporter: str  # role: a report is about the record, not about who reports
    notes: tuple[Note, ...]  # the first is what the reporter said


class Safety(Desk):
    """Takes reports from anybody who is signed in or was launched; shows them to the safety officer."""

    desks = (DESK,)
    for_others = "The safety desk is for the clinical safety officer."
    route = f"desk-{DESK}"

    @told
    async def report(
        self, staff: Staff, said: Report, *, patient_key: int = NOBODY, route: str, session: str, at: datetime
    ) -> str | Refusal:
        """The number by which the reporter can ask after it. Whoever may not see a record may still report."""
        words = said.words.strip()[:LETTERS_MAX]
        if len(words) < LETTERS_MIN:
            return Refusal(kind="reason-needed", sentences=("Say in a sentence or two what happened.",))
        number = self._random_key()
        case = Case(
            patient_key=patient_key,
            id=number,
            desk=DESK,
            kind=KIND,
            rule=RULE,
            organisation=staff.organisation,
            staff=staff.user_id,
            sentence=_sentence(staff, said, self.region),
            detail={
                "role": staff.role_name or staff.role,
                "harm": said.was_harm,
                "again": said.again,
                "page": said.page,
                "reference": said.reference,
            },
            opened_at=at,
            due_at=at + (DUE_AFTER_HARM if said.was_harm else DUE),
        )
        reference = notices.reference_of(number)
        detail = {"what": "safety", "case": str(number), "page": said.page, "line": said.reference}
        await self._writer.witness(
            deed(audit.Kind.NOTIFIED, staff, patient_key, detail, route=route, session=session, at=at)
        )
        async with self._db.transaction() as connection:
            await open_cases(connection, [case])
            await add_note(connection, case, staff=staff, words=words, at=at)
            await notices.tell(connection, self._notices(case))
        return reference

    @told
    async def list_cases(
        self, staff: Staff, *, is_open: bool, session: str, at: datetime
    ) -> tuple[Case, ...] | Refusal:
        if refused := self._may_not(staff):
            return refused
        await self._witness(staff, NOBODY, session=session, at=at, what="reports")
        return tuple(await list_cases(self._db, desk=DESK, is_open=is_open))

    @told
    async def read_case(self, staff: Staff, case_id: int, *, session: str, at: datetime) -> SafetyCase | Refusal:
        case = await self._find(staff, case_id)
        if isinstance(case, Refusal):
            return case
        detail = {"what": "report", "case": str(case.id)}
        await self._witness(staff, case.patient_key, session=session, at=at, **detail)
        return SafetyCase(
            case=case,
            organisation=self.region.organisation_name(case.organisation),
            reporter=str(case.detail.get("role", "")),
            notes=await read_notes(self._db, case, region=self.region),
        )

    @told
    async def name_person(
        self, staff: Staff, case_id: int, *, because: str, session: str, at: datetime
    ) -> NamedPerson | Refusal:
        """Whose record it was: only for a reason, and only once it is written down."""
        case = await self._find(staff, case_id)
        if isinstance(case, Refusal):
            return case
        said = " ".join(because.split())[:LETTERS_MAX]
        if len(said) < REASON_LETTERS_MIN:
            return no_reason()
        detail = {"what": "person", "case": str(case.id), "because": said}
        await self._witness(staff, case.patient_key, session=session, at=at, **detail)
        return await self._name(case.patient_key)

    @told
    async def write_note(self, staff: Staff, case_id: int, *, words: str, session: str, at: datetime) -> Refusal | None:
        case = await self._find(staff, case_id)
        if isinstance(case, Refusal):
            return case
        said = words.strip()[:LETTERS_MAX]
        if not said:
            return no_words()
        await self._note(staff, case, said, session=session, at=at)
        return None

    @told
    async def close(
        self,
        staff: Staff,
        case_id: int,
        *,
        found: str,
        hazards: Sequence[str],
        words: str,
        session: str,
        at: datetime,
    ) -> Refusal | None:
        """Closed with what was found, and the hazards of the log that it belongs to."""
        case = await self._find(staff, case_id)
        if isinstance(case, Refusal):
            return case
        if found not in FOUND or not words.strip():
            return Refusal(kind="reason-needed", sentences=("Choose what you found, and say in a few words why.",))
        disposition = Disposition(found)
        of = f" ({', '.join(hazards)})" if hazards else ""
        said = f"Closed as {disposition.value.replace('-', ' ')}{of}: {words.strip()[:LETTERS_MAX]}"
        await self._note(staff, case, said, session=session, at=at, found=disposition.value, hazards=list(hazards))
        if not await close_case(self._db, case, disposition=disposition, at=at):
            return sentences.not_allowed(self.region, ("This case was closed before.",))
        return None

    # --- Inside -----------------------------------------------------------------------------------------------------

    async def _find(self, staff: Staff, case_id: int) -> Case | Refusal:
        if refused := self._may_not(staff):
            return refused
        case = await find_case(self._db, case_id)
        return case if case is not None and case.desk == DESK else sentences.nothing_there(self.region)

    async def _note(self, staff: Staff, case: Case, words: str, *, session: str, at: datetime, **detail: Any) -> None:
        said = {"what": "note", "case": str(case.id), **detail}
        await self._witness(staff, case.patient_key, session=session, at=at, **said)
        await add_note(self._db, case, staff=staff, words=words, at=at)

    def _notices(self, case: Case) -> list[notices.Notice]:
        """To the organisation that leads, where the safety officer is: a reference, and no name."""
        if not self.region.privacy_organisation:
            return []
        return [
            notices.Notice(
                patient_key=case.patient_key,
                id=self._random_key(),
                organisation=self.region.privacy_organisation,
                kind=KIND,
                about=f"safety {case.id}",
                sentence=case.sentence,
                detail={"safety": str(case.id)},
                created_at=case.opened_at,
            )
        ]


def _sentence(staff: Staff, said: Report, region: Region) -> str:
    organisation = staff.organisation_name or region.organisation_name(staff.organisation)
    harm = "somebody was harmed" if said.was_harm else "nobody was harmed"
    return f"A safety problem was reported, {harm}: {staff.role_name or staff.role}, {organisation}."
