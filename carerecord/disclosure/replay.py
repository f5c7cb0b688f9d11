"""As-seen replay: make again the page that somebody saw, prove that it is that page, and say what it could not hold.

A steward's look is a look: it is witnessed as `examined`, about that person, before anything is read. What cannot be
made again is explained: a lawful removal since, another version of the program, or, and then it is an alarm, nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from carerecord import access, audit, database, patient_index
from carerecord.disclosure import as_seen, compose, programs, sentences
from carerecord.disclosure.as_seen import Look, Seen
from carerecord.disclosure.circumstances import Circumstance, find_circumstance, program, public
from carerecord.disclosure.sight import Sight
from carerecord.disclosure.snapshot import digest
from carerecord.disclosure.values import Answer, Document, Looking, Receipt, Refusal, ShownOriginal, Summary
from carerecord.model import (
    Evidence,
    EvidenceClass,
    Heading,
    OriginalReference,
    Person,
    Purpose,
    Staff,
    StoredStatement,
)
from carerecord.organisations import Region
from carerecord.record import read

QUERIES = database.queries(__package__)
ROUTE: Final = "desk"
LOOKS: Final = frozenset((audit.Kind.SHOWN, audit.Kind.SENT))
Page = Summary | Receipt | ShownOriginal | Document | Refusal | bytes


ALARM: Final = (
    "What the record holds does not make what the witness says was shown, and no removal explains it: run `carerecord "
    "witness verify`, keep the audit and the record as they are, and tell the safety officer."
)
CHANGED: Final = (
    "The witness of this look, or what it says its page was drawn with, is not as it was written: run `carerecord "
    "witness verify`, keep the audit and the record as they are, and tell the safety officer."
)


class NothingToReplay(LookupError):
    """This event showed nothing of anybody: name one of the kind `shown`, as `carerecord witness` lists them."""


class OtherBytes(Exception):
    """The original that is kept is not the one that was shown."""


class Removal(msgspec.Struct, frozen=True, kw_only=True):
    """A lawful removal, as its ledger says it: never what was removed."""

    id: int
    authority: str
    withdrawn_at: datetime


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """What was not there to be seen at the look and is there now."""

    heading: str
    source: str
    count: int
    first_at: datetime
    last_at: datetime
    is_joined: bool  # it was there, as somebody else's: the two were linked since


class Unavailable(msgspec.Struct, frozen=True, kw_only=True):
    """What this reader could not have seen at that moment, and why."""

    arrived_since: tuple[Arrived, ...] = ()
    withheld: Mapping[str, int] = {}  # heading -> statements that this reader's decision did not let them see
    not_heard: tuple[str, ...] = ()  # sources that were late or silent, as the page said


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """One look again. `page` is what the same code draws; None where it cannot be made, and `reasons` says why."""

    stream: int
    seq: int
    what: str
    looking: Looking
    shown_at: datetime
    region: Region
    page: Page | None
    proof: Literal["whole", "rest", "none"]  # all that was shown is as it was; all but what was removed; or not proven
    is_same_program: bool
    reasons: tuple[str, ...]
    unavailable: Unavailable
    emergency_until: datetime | None = None
    may_declare: bool = False
    is_alarm: bool = False  # nothing lawful explains the difference

    @property
    def is_identical(self) -> bool:
        return self.page is not None and self.proof == "whole" and self.is_same_program

    @property
    def is_explained(self) -> bool:
        """Identical, or different for a reason that is given and lawful."""
        return self.is_identical or bool(self.reasons and not self.is_alarm)


class Replays:
    """Makes looks again, for a steward, under a witness of their own."""

    def __init__(self, db: database.Database, writer: audit.Writer, region: Region) -> None:
        self._db = db
        self._writer = writer
        self._region = region

    async def replay(self, *, stream: int, seq: int, by: Staff, because: str, session: str, at: datetime) -> Replay:
        event = await audit.find_event(self._db, stream=stream, seq=seq)
        if event is None or event.kind not in LOOKS or event.staff is None or event.snapshot is None:
            raise NothingToReplay(NothingToReplay.__doc__)
        witness = await self._writer.witness(
            audit.Event(
                kind=audit.Kind.EXAMINED,
                patient_key=event.patient_key,
                staff=by,
                purpose=Purpose.PATADMIN,
                evidence=None,
                decision="",
                detail={"what": "replay", "stream": stream, "seq": seq, "because": because},
                route=ROUTE,
                session=session,
                at=at,
            )
        )
        return await self._replayed(event, witness)

    async def _replayed(self, event: audit.StoredEvent, witness: audit.Witness) -> Replay:
        under = str(event.detail.get("under", ""))
        circumstance = await find_circumstance(self._db, under)
        is_written = await audit.is_as_written(self._db, event) and (circumstance is not None or not under)
        opened = await audit.find_event(self._db, stream=event.about[0], seq=event.about[1]) if event.about else None
        region = circumstance.region if circumstance else public(self._region)
        looking, decision = looking_of(event), decision_of(event, circumstance)
        look = Look.of(
            event.detail,
            snapshot=event.snapshot or b"",
            opened_at=opened.recorded_at if opened else event.recorded_at,
            shown_at=event.recorded_at,
        )
        history = await patient_index.read_history(self._db, event.patient_key)
        kept = await read.read_examined(
            self._db, witness=witness, patient_key=event.patient_key, identities=history.homes
        )
        later = await read.recorded_later(self._db, {each.original for each in kept.statements})
        arrived = as_seen.arrivals(kept.statements, later)
        removals = await self._removals([event.patient_key, *history.homes.values()], since=event.recorded_at)

        def see(person: Person, statements: list[StoredStatement]) -> Sight:
            return compose.sight_of(
                looking, decision, witness=witness, person=person, statements=statements, region=region
            )

        seen = as_seen.find_seen(
            look,
            history,
            kept.statements,
            arrived=arrived,
            removed=as_seen.removed_of(kept.withdrawn),
            see=see,
            region=region,
        )
        heard = _heard(event.detail)
        proof = _proof(look, seen, event.detail) if is_written else "none"
        page, is_changed = None, False
        if seen is not None and proof != "none":  # What is not proven is not handed out as what was seen.
            try:
                page = await self._page(look, seen, region, heard, witness, circumstance)
            except OtherBytes:
                is_changed = True
        is_explained = is_written and removals and not is_changed and (proof != "none" or _may_be_removed(seen, kept))
        is_alarm = page is None and not is_explained
        return Replay(
            stream=event.stream,
            seq=event.seq,
            what=look.what,
            looking=looking,
            shown_at=event.recorded_at,
            region=region,
            page=page,
            proof=proof,
            is_same_program=circumstance is not None and circumstance.program == program(),
            reasons=_reasons(proof, seen, removals, circumstance, is_made=page is not None, is_alarm=is_alarm)
            if is_written
            else (CHANGED,),
            unavailable=Unavailable(
                arrived_since=_arrived_since(seen, kept.statements, arrived, decision, look, region),
                withheld=event.detail.get("withheld", {}),
                not_heard=tuple(answer.sentence for answer in heard),
            ),
            emergency_until=await self._emergency_until(event),
            may_declare=circumstance.may_declare if circumstance else False,
            is_alarm=is_alarm,
        )

    async def _page(
        self,
        look: Look,
        seen: Seen,
        region: Region,
        heard: Sequence[Answer],
        witness: audit.Witness,
        circumstance: Circumstance | None,
    ) -> Page | None:
        sight = seen.sight
        if not look.is_found:
            is_protected = sight.known.subject.restricted and look.what in ("original", "document")
            return sentences.protected(region) if is_protected else sentences.nothing_there(region)
        if look.what == "summary":
            return compose.summary_of(sight, region, heard)
        if look.what == "receipt":
            opened = compose.receipt_of(sight, look.entry, region)
            return opened.receipt if opened else None
        if look.what == "original":
            reference = OriginalReference.parse(look.original)
            kept = await read.read_original_examined(
                self._db, witness=witness, patient_key=witness.patient_key, reference=reference
            )
            if kept is None:
                return None
            if look.content not in ("", digest(kept.content)):
                raise OtherBytes
            behind = compose.behind_original(sight, reference, look.entry)
            return compose.original_of(sight, kept, behind, region, of=look.entry)
        if look.what == "document":
            letter = compose.letter_of(sight, look.entry)
            return letter[1] if letter else None
        if look.what == "everything":
            return compose.bundle_of(sight, region, heard, base=circumstance.base if circumstance else "")
        if look.what == "patient":
            return msgspec.json.encode(programs.patient_resource(sight.person))
        return None

    async def _removals(self, patient_keys: Sequence[int], *, since: datetime) -> list[Removal]:
        rows = await self._db.fetch(QUERIES["list_removals_since"], list(patient_keys), since)
        return [Removal(id=row["id"], authority=row["authority"], withdrawn_at=row["withdrawn_at"]) for row in rows]

    async def _emergency_until(self, event: audit.StoredEvent) -> datetime | None:
        """How long the emergency access lasted under which this was seen: its line stands on the page."""
        if event.evidence is None or event.evidence.kind is not EvidenceClass.EMERGENCY or event.staff is None:
            return None
        declared = await audit.read_events(
            self._db, patient_key=event.patient_key, until=event.recorded_at, kinds=[audit.Kind.DECLARED]
        )
        for each in reversed(declared):
            is_own = each.staff is not None and each.staff.user_id == event.staff.user_id
            if is_own and isinstance(until := each.detail.get("until"), str):
                return datetime.fromisoformat(until)
        return None


def looking_of(event: audit.StoredEvent) -> Looking:
    assert event.staff is not None  # `replay` has asked.
    at = event.detail.get("at")
    return Looking(
        staff=event.staff,
        patient_key=event.patient_key,
        evidence=event.evidence or Evidence(kind=EvidenceClass.NONE),
        purpose=Purpose(event.purpose),
        route=event.route,
        session=event.session,
        at=datetime.fromisoformat(at) if isinstance(at, str) else event.recorded_at,
        form=str(event.detail.get("form", "")),
    )


def decision_of(event: audit.StoredEvent, circumstance: Circumstance | None) -> access.Decision:
    """As it was made then; the policy of today is not asked."""
    said: Any = event.decision
    return access.Decision(
        kind=said.get("kind", "permit"),
        headings={Heading[name]: bits for name, bits in said.get("headings", {}).items()},
        reasons=circumstance.reasons if circumstance else (),
        limits=circumstance.limits if circumstance else (),
        basis=circumstance.basis if circumstance else (),
        policies=tuple(said.get("policies", ())),
        policy_version=said.get("policy_version", ""),
    )


def _heard(detail: Mapping[str, Any]) -> tuple[Answer, ...]:
    return tuple(Answer(kind=kind, sentence=sentence) for kind, sentence in detail.get("heard", ()))


def _proof(look: Look, seen: Seen | None, detail: Mapping[str, Any]) -> Literal["whole", "rest", "none"]:
    """Also what was withheld must be as the witness counted it, and the person the one that it says."""
    if seen is None or not (seen.is_person_proven or not look.who):
        return "none"
    if seen.proof == "whole" and seen.sight.seen.kinds != detail.get("withheld", {}):
        return "none" if look.who else "whole"
    return seen.proof


def _may_be_removed(seen: Seen | None, kept: read.Examined) -> bool:
    """Whether what was removed may be why a look cannot be proven: not where all of it was tried and explains nothing.

    Of a whole identity no ids are kept, and who somebody was may have been taken back with a message.
    """
    return seen is None or not seen.is_searched or any(not item.local_id for item in kept.withdrawn)


def _reasons(
    proof: str,
    seen: Seen | None,
    removals: Sequence[Removal],
    circumstance: Circumstance | None,
    *,
    is_made: bool,
    is_alarm: bool,
) -> tuple[str, ...]:
    """Why the page is not, or may not be, byte for byte what was seen. Nothing to say: it is."""
    said: list[str] = []
    if is_alarm:
        said.append(ALARM)
    elif proof != "whole" or not is_made:
        if proof == "rest" and seen is not None:
            count = len(seen.missing)
            are = (
                "statement that was there to be shown is"
                if count == 1
                else "statements that were there to be shown are"
            )
            said.append(f"{count} {are} not here any more. The witness proves that all others are as they were.")
        said += [
            f"Something of this person was lawfully removed on {each.withdrawn_at:%d-%b-%Y} "
            f"(authority: {each.authority}; entry {each.id} of the ledger of removals)."
            for each in removals
        ]
    if circumstance is None:
        said.append(
            "This look was witnessed by a version of the program that did not keep what its page was drawn with: it is "
            "drawn with what is in force today."
        )
    elif circumstance.program != program():
        said.append(
            f"Another version of the program drew the page then ({circumstance.program}; now {program()}): it says the "
            "same, from the same statements, and may be arranged otherwise."
        )
    return tuple(said)


def _arrived_since(
    seen: Seen | None,
    statements: Sequence[StoredStatement],
    arrived: Mapping[as_seen.Coming, datetime],
    decision: access.Decision,
    look: Look,
    region: Region,
) -> tuple[Arrived, ...]:
    """Of what this reader may be shown: everything kept that was not before them."""
    if seen is None:
        return ()
    then = {(each.original, each.local_id, each.version) for each in seen.sight.statements}
    then_identities = seen.sight.person.identities
    found: dict[tuple[str, str, bool], list[datetime]] = {}
    for each in statements:
        if (each.original, each.local_id, each.version) in then or not decision.may_show(
            each.heading, each.sensitivity
        ):
            continue
        arrived_at = arrived[as_seen.coming(each)]
        is_joined = each.identity_key not in then_identities and arrived_at <= look.opened_at
        if is_joined or arrived_at > look.opened_at - as_seen.BEFORE:
            found.setdefault((each.heading.name, each.source, is_joined), []).append(arrived_at)
    names = {source.id: source.name for source in region.sources}
    return tuple(
        Arrived(
            heading=heading,
            source=names.get(source, source),
            count=len(instants),
            first_at=min(instants),
            last_at=max(instants),
            is_joined=is_joined,
        )
        for (heading, source, is_joined), instants in sorted(found.items())
    )
