"""What follows when a reader declares emergency access: a case for the privacy desk, at once, and notices of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from carerecord import audit
from carerecord.model import Staff
from carerecord.stewardship import notices
from carerecord.stewardship.cases import Case, open_cases
from carerecord.stewardship.desk import Desk

KIND, RULE = "break-glass", "declared"
DUE = timedelta(hours=24)  # The reader was told that a privacy officer looks at it today.


class EmergencyCases(Desk):
    """Opens the case of a declaration: handed to the door out, which lets nobody in before this returns. No role opens
    one by hand."""

    route = "desk"

    async def open(
        self, *, staff: Staff, declared: audit.Witness, reason: str, until: datetime, session: str, at: datetime
    ) -> None:
        """`declared` is the declaration in the audit, where the reader's words stay: they may name the person."""
        hours = round((until - at).total_seconds() / 3600)
        organisation = staff.organisation_name or self.region.organisation_name(staff.organisation)
        case = Case(
            patient_key=declared.patient_key,
            id=self._random_key(),
            desk="privacy",
            kind=KIND,
            rule=RULE,
            organisation=staff.organisation,
            staff=staff.user_id,
            sentence=f"Emergency access was declared: {staff.role_name or staff.role}, {organisation}.",
            detail={
                "reason": reason,
                "hours": hours,
                "role": staff.role_name or staff.role,
                "why": [
                    f"A reader declared emergency access to one person’s record, for {hours} "
                    f"{'hour' if hours == 1 else 'hours'}.",
                    "Every declaration is looked at: most are right, and this is how it is known.",
                ],
            },
            about=(declared.stream, declared.seq),
            opened_at=at,
            due_at=at + DUE,
        )
        for opened in await open_cases(self._db, [case]):
            await self._tell(opened, staff, session=session, at=at)

    async def _tell(self, case: Case, staff: Staff, *, session: str, at: datetime) -> None:
        """The privacy officers of the reader's organisation and of the one that leads: a reference, and no name."""
        whom = dict.fromkeys((case.organisation, self.region.privacy_organisation))
        told = await notices.tell(
            self._db,
            [
                notices.Notice(
                    patient_key=case.patient_key,
                    id=self._random_key(),
                    organisation=organisation,
                    kind="case",
                    about=f"case {case.id}",
                    sentence=case.sentence,
                    detail={"case": str(case.id)},
                    created_at=at,
                )
                for organisation in whom
                if organisation
            ],
        )
        for notice in told:
            detail = {"what": "case", "organisation": notice.organisation, "reference": notice.reference}
            await self._witness(staff, case.patient_key, "notified", session=session, at=at, **detail)
