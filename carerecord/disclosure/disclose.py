"""The door: decide, witness, read, withhold, reconcile, witness again, show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any

import msgspec

from carerecord import access, audit, database, patient_index, sources
from carerecord.audit.events import NOBODY
from carerecord.disclosure import compose, emergency, programs, sentences
from carerecord.disclosure.answers import feed_answers
from carerecord.disclosure.banner import name_words
from carerecord.disclosure.circumstances import Circumstances, as_then
from carerecord.disclosure.facts import Facts, read_facts, rests_on
from carerecord.disclosure.sight import Sight, told
from carerecord.disclosure.snapshot import digest, snapshot
from carerecord.disclosure.values import (
    PRINT,
    Answer,
    Document,
    Found,
    Looking,
    Receipt,
    Refusal,
    ShownOriginal,
    Summary,
)
from carerecord.disclosure.written import event, event_of, rested_on
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

NO_EVIDENCE = Evidence(kind=EvidenceClass.NONE)
SUPPOSED = Evidence(kind=EvidenceClass.LAUNCH)


class Door:
    """Every way out of the record. What it returns is finished: no caller may see anything behind it."""

    def __init__(
        self,
        db: database.Database,
        writer: audit.Writer,
        region: Region,
        *,
        public_url: str = "",
        emergency_cases: emergency.Cases | None = None,
    ) -> None:
        """Without `emergency_cases` nobody would look at an emergency afterwards, so none can be declared."""
        self.region = region
        self._emergency_cases = emergency_cases
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
    async def original(self, looking: Looking, reference: OriginalReference, *, of: str) -> ShownOriginal | Refusal:
        """What of a message made one statement that this reader may see, in the source's own writing."""
        sight = await self._look(looking)
        if isinstance(sight, Refusal):
            return sight
        if sight.person.subject.restricted:
            return await self._protected(sight, what="original")
        behind = compose.behind_original(sight, reference, of) if of else []
        if not behind:
            return await self._nothing_there(sight, what="original")
        kept = await read.read_original(self._db, witness=sight.witness, person=sight.person, reference=reference)
        if kept is None:
            removed_at = await read.find_removed(self._db, person=sight.person, reference=reference)
            nothing = await self._nothing_there(sight, what="original")
            return sentences.original_removed(self.region, at=removed_at) if removed_at else nothing
        content = digest(kept.content)
        await self._witness_shown(sight, behind, what="original", original=str(reference), entry=of, content=content)
        return compose.original_of(sight, kept, behind, self.region, of=of)

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
        """The person with this NHS number and this date of birth; both must agree. Every search is witnessed.

        Whether the record opens then is decided anew, by what is known of this reader and this person.
        """
        evidence = Evidence(kind=EvidenceClass.AGREEMENT) if staff.is_program else NO_EVIDENCE
        # A relationship cannot be asked for before it is known whose: who might open a record may look for one.
        supposed = evidence if staff.is_program else SUPPOSED
        decision = self._decide(staff, evidence=supposed, route=route, purpose=Purpose.TREAT)
        said = partial(event, staff=staff, evidence=evidence, decision=decision, route=route, session=session, at=at)
        asked = {"nhs_number": nhs_number[:20], "birth_date": birth_date.isoformat() if birth_date else ""}
        if decision.kind == "deny":
            await self._writer.witness(said("refused", patient_key=NOBODY, detail={"what": "search", **asked}))
            return sentences.not_allowed(self.region, decision.reasons)
        number = NHSNumber.found_in(nhs_number)
        person = (
            await patient_index.find_person(self._db, nhs_number=number, birth_date=birth_date)
            if number and birth_date
            else None
        )
        patient_key = person.patient_key if person else NOBODY
        is_closed = person is not None and await self._is_closed(person.patient_key, staff, decision, at=at)
        if is_closed:
            asked["closed"] = "objection"
        await self._writer.witness(said("searched", patient_key=patient_key, detail=asked))
        if person is None or is_closed:
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
        await self._writer.witness(
            event(
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
        )

    @told
    async def declare_emergency(
        self, looking: Looking, *, evidence: Evidence, until: datetime, is_rehearsal: bool
    ) -> Refusal | None:
        """Written down and with the privacy desk when this returns None; until then nobody may be let in.

        A rehearsal is about nobody: it is walked through to its end, and opens nothing.
        """
        declaring = msgspec.structs.replace(looking, evidence=evidence, purpose=Purpose.BTG)
        if self._emergency_cases is None:
            return sentences.not_allowed(self.region, (emergency.NOT_SET_UP,))
        if not emergency.is_declared(declaring, until):
            return sentences.not_allowed(self.region, (emergency.NOT_DECLARED,))
        facts = await self._facts(declaring)
        decision = self._decided(declaring, facts)
        detail = emergency.detail_of(until, is_rehearsal=is_rehearsal)
        if facts is None or decision.kind != "permit":
            await self._writer.witness(event_of(declaring, "refused", decision, detail=detail))
            return sentences.not_allowed(self.region, decision.reasons)
        if is_rehearsal:
            rehearsed = msgspec.structs.replace(declaring, patient_key=NOBODY)
            await self._writer.witness(event_of(rehearsed, "declared", decision, detail=detail))
            return None
        declared = await self._writer.witness(event_of(declaring, "declared", decision, detail=detail))
        await self._emergency_cases.open(
            staff=looking.staff,
            declared=declared,
            reason=evidence.id or "",
            until=until,
            session=looking.session,
            at=looking.at,
        )
        return None

    # --- Inside -----------------------------------------------------------------------------------------------------

    async def _look(self, looking: Looking, *, reads: bool = True) -> Sight | Refusal:
        """Decides, witnesses, and only then reads: the one way by which anything of the record reaches this room."""
        facts = await self._facts(looking)
        resting = rests_on(looking.evidence, facts.known if facts else None)
        looking = msgspec.structs.replace(looking, evidence=resting.evidence)
        decision = self._decided(looking, facts)
        detail = rested_on(resting)
        if facts and facts.objections:
            detail["objections"] = [f"{each.scope} {each.value}".strip() for each in facts.objections]
        if decision.kind != "permit":
            await self._writer.witness(event_of(looking, "refused", decision, detail=detail))
            return sentences.refused(self.region, decision)
        witness = await self._writer.witness(event_of(looking, "opened", decision, detail=detail))
        if facts is None:
            return sentences.no_record(self.region)
        person = facts.person
        statements: list[StoredStatement] = []
        if reads:
            statements = await read.read_statements(self._db, witness=witness, person=person)
        return compose.sight_of(
            looking, decision, witness=witness, person=person, statements=statements, region=self.region
        )

    async def _facts(self, looking: Looking) -> Facts | None:
        """Read anew for each look, so that an objection or a discharge counts from the next request on."""
        try:
            return await read_facts(
                self._db, looking.patient_key, organisation=looking.staff.organisation, at=looking.at
            )
        except patient_index.NoSuchPerson:
            return None

    def _decided(self, looking: Looking, facts: Facts | None) -> access.Decision:
        staff = looking.staff
        decision = self._decide(staff, evidence=looking.evidence, route=looking.route, purpose=looking.purpose)
        objections = facts.objections if facts else ()
        if objections:
            decision = access.narrow(decision, objections, organisation=staff.organisation)
        return access.on_paper(decision) if looking.form == PRINT else decision

    async def _is_closed(self, patient_key: int, staff: Staff, decision: access.Decision, *, at: datetime) -> bool:
        """Whether an objection closes the record to this searcher, who could not open it in an emergency either: then a
        search finds what it finds where there is nobody."""
        facts = await read_facts(self._db, patient_key, organisation=staff.organisation, at=at)
        if not facts.objections or decision.may_declare_emergency:
            return False
        opening = msgspec.structs.replace(decision, kind="permit")
        return access.narrow(opening, facts.objections, organisation=staff.organisation).kind == "deny"

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
            "under": await self._circumstances.kept(sight.decision, staff=sight.looking.staff),
            **more,
        }
        await self._writer.witness(
            event_of(sight.looking, "shown", sight.decision, detail=detail, about=sight.witness, shown=snapshot(shown))
        )
