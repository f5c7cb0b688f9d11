"""The door: decide, witness, read, withhold, reconcile, witness again, show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any

import msgspec

from carerecord import access, audit, database, patient_index, sources
from carerecord.disclosure import compose, programs, sentences
from carerecord.disclosure.answers import feed_answers
from carerecord.disclosure.banner import name_words
from carerecord.disclosure.circumstances import Circumstances, as_then
from carerecord.disclosure.sight import Sight, decision_words, told
from carerecord.disclosure.snapshot import snapshot
from carerecord.disclosure.values import (
    Answer,
    Document,
    Found,
    Looking,
    Receipt,
    Refusal,
    ShownOriginal,
    Summary,
)
from carerecord.model import (
    Evidence,
    EvidenceClass,
    NHSNumber,
    OriginalReference,
    Purpose,
    Staff,
    StoredStatement,
)
from carerecord.organisations import Region
from carerecord.record import read

NOBODY = 0  # The patient_key of events about nobody.
NO_EVIDENCE = Evidence(kind=EvidenceClass.NONE)


class Door:
    """Every way out of the record. What it returns is finished: no caller may see anything behind it."""

    def __init__(self, db: database.Database, writer: audit.Writer, region: Region, *, public_url: str = "") -> None:
        self.region = region
        self._db = db
        self._writer = writer
        self._base = f"{public_url}/fhir" if public_url else ""
        self._circumstances = Circumstances(db, region, base=self._base)
        self._feeds = sources.Feeds(db)
        self._expected = {source.id: source.expected_every_seconds for source in region.sources}

    # --- For people -------------------------------------------------------------------------------------------------

    @told
    async def summary(self, looking: Looking) -> Summary | Refusal:
        sight = await self._look(looking)
        if isinstance(sight, Refusal):
            return sight
        heard = await self._heard(sight)
        shown = compose.summary_of(sight, self.region, heard)
        await self._witness_shown(sight, sight.statements, what="summary", heard=heard)
        return shown

    @told
    async def receipt(self, looking: Looking, entry_id: str) -> Receipt | Refusal:
        """What each source said behind one line; a line that a newer statement renamed is found by its old id."""
        sight = await self._look(looking)
        if isinstance(sight, Refusal):
            return sight
        opened = compose.receipt_of(sight, entry_id, self.region)
        if opened is None:
            return await self._nothing_there(sight, what="receipt")
        await self._witness_shown(sight, opened.behind, what="receipt", entry=opened.receipt.entry.id)
        return opened.receipt

    @told
    async def original(self, looking: Looking, reference: OriginalReference) -> ShownOriginal | Refusal:
        """A message as it arrived: only one that is behind what this reader may see, and holds nothing they may not."""
        sight = await self._look(looking)
        if isinstance(sight, Refusal):
            return sight
        if sight.person.subject.restricted:
            return await self._protected(sight, what="original")
        behind = compose.behind_original(sight, reference)
        if not behind:
            return await self._nothing_there(sight, what="original")
        kept = await read.read_original(self._db, witness=sight.witness, person=sight.person, reference=reference)
        if kept is None:
            return await self._nothing_there(sight, what="original")
        await self._witness_shown(sight, behind, what="original", original=str(reference))
        return compose.original_of(sight, kept, self.region)

    @told
    async def document(self, looking: Looking, statement_id: str) -> Document | Refusal:
        """The file of a letter as its source sent it."""
        sight = await self._look(looking)
        if isinstance(sight, Refusal):
            return sight
        if sight.person.subject.restricted:
            return await self._protected(sight, what="document")
        found = compose.letter_of(sight, statement_id)
        if found is None:
            return await self._nothing_there(sight, what="document")
        statement, document = found
        await self._witness_shown(sight, [statement], what="document", entry=statement_id)
        return document

    # --- For programs -----------------------------------------------------------------------------------------------

    @told
    async def patient(self, looking: Looking) -> bytes | Refusal:
        """The person as a FHIR Patient."""
        sight = await self._look(looking, reads=False)
        if isinstance(sight, Refusal):
            return sight
        await self._witness_shown(sight, [], what="patient")
        return msgspec.json.encode(programs.patient_resource(sight.person))

    @told
    async def everything(self, looking: Looking) -> bytes | Refusal:
        """The person and every current statement, as a FHIR searchset."""
        sight = await self._look(looking)
        if isinstance(sight, Refusal):
            return sight
        heard = await self._heard(sight)
        bundle = compose.bundle_of(sight, self.region, heard, base=self._base)
        await self._witness_shown(sight, programs.newest_versions(sight.statements), what="everything", heard=heard)
        return bundle

    # --- Finding someone, arriving and leaving ----------------------------------------------------------------------

    @told
    async def find(
        self, staff: Staff, *, nhs_number: str, birth_date: date | None, route: str, session: str, at: datetime
    ) -> Found | Refusal:
        """The person with this NHS number and this date of birth; both must agree. Every search is witnessed."""
        evidence = Evidence(kind=EvidenceClass.AGREEMENT) if staff.is_program else NO_EVIDENCE
        decision = self._decide(staff, evidence=evidence, route=route, purpose=Purpose.TREAT)
        event = partial(
            self._event, staff=staff, evidence=evidence, decision=decision, route=route, session=session, at=at
        )
        asked = {"nhs_number": nhs_number[:20], "birth_date": birth_date.isoformat() if birth_date else ""}
        if decision.kind == "deny":
            await self._writer.witness(event("refused", patient_key=NOBODY, detail={"what": "search", **asked}))
            return sentences.not_allowed(self.region, decision.reasons)
        number = NHSNumber.found_in(nhs_number)
        person = (
            await patient_index.find_person(self._db, nhs_number=number, birth_date=birth_date)
            if number and birth_date
            else None
        )
        patient_key = person.patient_key if person else NOBODY
        await self._writer.witness(event("searched", patient_key=patient_key, detail=asked))
        if person is None:
            return sentences.nobody_found(self.region)
        spaced = NHSNumber.found_in(person.subject.nhs_number)
        return Found(
            patient_key=person.patient_key,
            name=name_words(person.subject),
            birth_date=person.subject.birth_date,
            nhs_number=spaced.spaced() if spaced else None,
        )

    @told
    async def witness_event(
        self,
        kind: str,
        *,
        staff: Staff | None,
        route: str,
        session: str,
        at: datetime,
        patient_key: int = NOBODY,
        evidence: Evidence | None = None,
        purpose: Purpose = Purpose.TREAT,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Writes down that someone arrived, signed_in, signed_out, or was refused. None once it is durable."""
        event = self._event(
            kind,
            patient_key=patient_key,
            staff=staff,
            evidence=evidence,
            decision=None,
            purpose=purpose,
            route=route,
            session=session,
            at=at,
            detail=dict(detail or {}),
        )
        await self._writer.witness(event)

    # --- Inside -----------------------------------------------------------------------------------------------------

    async def _look(self, looking: Looking, *, reads: bool = True) -> Sight | Refusal:
        """Decides, witnesses, and only then reads: the one way by which anything of the record reaches this room."""
        decision = self._decide(looking.staff, evidence=looking.evidence, route=looking.route, purpose=looking.purpose)
        if decision.kind != "permit":
            await self._writer.witness(self._event_of(looking, "refused", decision, detail={}))
            if decision.kind == "reason-needed":
                return sentences.reason_needed(decision.reasons)
            return sentences.not_allowed(self.region, decision.reasons)
        witness = await self._writer.witness(self._event_of(looking, "opened", decision, detail={}))
        try:
            person = await patient_index.read_person(self._db, looking.patient_key)
        except patient_index.NoSuchPerson:
            return sentences.nothing_there(self.region)
        statements: list[StoredStatement] = []
        if reads:
            statements = await read.read_statements(self._db, witness=witness, person=person)
        return compose.sight_of(
            looking, decision, witness=witness, person=person, statements=statements, region=self.region
        )

    def _decide(self, staff: Staff, *, evidence: Evidence, route: str, purpose: Purpose) -> access.Decision:
        in_agreement = self.region.find_organisation(staff.organisation) is not None
        return access.decide(
            access.Question.of(
                staff,
                evidence=evidence,
                organisation_in_agreement=in_agreement,
                route=route,
                purpose=purpose,
            )
        )

    async def _heard(self, sight: Sight) -> tuple[Answer, ...]:
        """What may be missing because a source was not heard as usual: no statement can say that."""
        feeds = await self._feeds.read(self._expected, at=sight.looking.at)
        return feed_answers(
            feeds.values(),
            sight.statements if sight.is_clinical else (),
            self.region,
            is_restricted=bool(sight.person.subject.restricted),
        )

    async def _nothing_there(self, sight: Sight, *, what: str) -> Refusal:
        """The same answer for what does not exist and for what this reader may not see."""
        await self._witness_shown(sight, [], what=what, found=False)
        return sentences.nothing_there(self.region)

    async def _protected(self, sight: Sight, *, what: str) -> Refusal:
        """What a source wrote as a whole names places: of a restricted person it is not opened here."""
        await self._witness_shown(sight, [], what=what, found=False)
        return sentences.protected(self.region)

    async def _witness_shown(
        self, sight: Sight, shown: list[StoredStatement], *, what: str, heard: Sequence[Answer] = (), **more: Any
    ) -> None:
        detail = {
            "what": what,
            "count": len(shown),
            "sources": sorted({sight.true_sources.get(source, source) for source in {each.source for each in shown}}),
            "withheld": sight.seen.kinds,
            **as_then(sight, shown, heard=heard),
            "under": await self._circumstances.kept(sight.decision),
            **more,
        }
        await self._writer.witness(
            self._event_of(
                sight.looking, "shown", sight.decision, detail=detail, about=sight.witness, shown=snapshot(shown)
            )
        )

    def _event_of(
        self,
        looking: Looking,
        kind: str,
        decision: access.Decision,
        *,
        detail: dict[str, Any],
        about: audit.Witness | None = None,
        shown: bytes | None = None,
    ) -> audit.Event:
        return self._event(
            kind,
            patient_key=looking.patient_key,
            staff=looking.staff,
            evidence=looking.evidence,
            decision=decision,
            purpose=looking.purpose,
            route=looking.route,
            session=looking.session,
            at=looking.at,
            detail=detail,
            about=about,
            shown=shown,
        )

    def _event(
        self,
        kind: str,
        *,
        patient_key: int,
        staff: Staff | None,
        evidence: Evidence | None,
        decision: access.Decision | None,
        purpose: Purpose = Purpose.TREAT,
        route: str,
        session: str,
        at: datetime,
        detail: dict[str, Any],
        about: audit.Witness | None = None,
        shown: bytes | None = None,
    ) -> audit.Event:
        return audit.Event(
            kind=kind,
            patient_key=patient_key,
            staff=staff,
            purpose=purpose,
            evidence=evidence,
            decision=decision_words(decision),
            about=about,
            snapshot=shown,
            detail=detail,
            route=route,
            session=session,
            at=at,
        )
