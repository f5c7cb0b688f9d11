"""Recall: everyone who saw something that proved wrong is told of it, through their own organisation.

To find out is a look of its own and is witnessed. To tell is done once: one notice to each organisation with a
reference and no word of whom it is about, a case for its privacy desk, and a file where other programs pick notices up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from carerecord import audit
from carerecord.database import Database
from carerecord.disclosure import Saw, Target, WhoSaw
from carerecord.model import Staff
from carerecord.organisations import Region
from carerecord.stewardship.cases import Case, open_cases
from carerecord.stewardship.desk import deed
from carerecord.stewardship.notices import Notice, reference_of, tell

KIND = "recall"
DESK = "privacy"


class FolderMissing(FileNotFoundError):
    """The folder for notices is not there: make it, or take CARERECORD_NOTICES away; nobody was told anything."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One organisation, and what it was told, or would be."""

    organisation: str
    name: str
    phone: str | None
    reference: str  # "": nothing was sent
    people: int  # of its staff who looked
    programs: int  # of its programs to which it was sent
    looks: int


class Recalled(msgspec.Struct, frozen=True, kw_only=True):
    """Who saw it, and which organisations are told."""

    saw: tuple[Saw, ...]
    told: tuple[Told, ...]
    is_told: bool

    @property
    def is_proven(self) -> bool:
        return all(saw.is_proven for saw in self.saw)


class Recalls:
    """The hand of the records desk for what proved wrong."""

    def __init__(
        self,
        db: Database,
        writer: audit.Writer,
        region: Region,
        *,
        random_key: Callable[[], int],
        folder: Path | None = None,
    ) -> None:
        self._db = db
        self._writer = writer
        self._region = region
        self._random_key = random_key
        self._folder = folder
        self._who_saw = WhoSaw(db, writer, region)

    async def recall(
        self, target: Target, *, by: Staff, because: str, session: str, at: datetime, notify: bool = False
    ) -> Recalled:
        """Without `notify` nobody is told: the list is to be read first."""
        if notify and self._folder is not None and not self._folder.is_dir():
            raise FolderMissing(FolderMissing.__doc__)
        saw = await self._who_saw.who_saw(target, by=by, because=because, session=session, at=at)
        by_organisation: dict[str, list[Saw]] = defaultdict(list)
        for look in saw:
            by_organisation[look.organisation].append(look)
        told = []
        for organisation, looks in sorted(by_organisation.items()):
            reference = ""
            if notify:
                reference = await self._tell(target, organisation, looks, by=by, session=session, at=at)
            told.append(self._told(organisation, looks, reference))
        return Recalled(saw=tuple(saw), told=tuple(told), is_told=notify)

    async def _tell(
        self, target: Target, organisation: str, looks: Sequence[Saw], *, by: Staff, session: str, at: datetime
    ) -> str:
        """The reference; none where this organisation was told of just these looks before."""
        number = self._random_key()
        reference = reference_of(number)
        sentence = _sentence(reference, looks, self._region)
        notice = Notice(
            patient_key=looks[-1].patient_key,
            id=number,
            organisation=organisation,
            kind=KIND,
            about=about_of(target, looks),
            sentence=sentence,
            detail={"looks": [_look(each) for each in looks]},
            created_at=at,
        )
        async with self._db.transaction() as connection:
            if not await tell(connection, [notice]):
                return ""
            # Nothing of this is there for anybody before its witness is; without one it is taken back.
            witness = await self._writer.witness(self._notified(notice, looks, by=by, session=session, at=at))
            case = Case(
                patient_key=notice.patient_key,
                id=self._random_key(),
                desk=DESK,
                kind=KIND,
                rule=KIND,
                organisation=organisation,
                sentence=sentence,
                detail={"reference": reference},
                about=(witness.stream, witness.seq),
                opened_at=at,
            )
            await open_cases(connection, [case])
        if self._folder is not None:
            put(self._folder, notice, reference)
        return reference

    def _notified(self, notice: Notice, looks: Sequence[Saw], *, by: Staff, session: str, at: datetime) -> audit.Event:
        detail = {
            "what": KIND,
            "organisation": notice.organisation,
            "reference": reference_of(notice.id),
            "about": notice.about,
            "looks": len(looks),
        }
        return deed(audit.Kind.NOTIFIED, by, notice.patient_key, detail, route="desk", session=session, at=at)

    def _told(self, organisation: str, looks: Sequence[Saw], reference: str) -> Told:
        entry = self._region.find_organisation(organisation)
        return Told(
            organisation=organisation,
            name=entry.called if entry else looks[-1].organisation_name,
            phone=entry.phone if entry else None,
            reference=reference,
            people=len({each.staff for each in looks if each.how == "seen"}),
            programs=len({each.staff for each in looks if each.how == "sent"}),
            looks=len(looks),
        )


def about_of(target: Target, looks: Sequence[Saw]) -> str:
    """Once for each organisation and thing, and once more when somebody has looked since."""
    last = max((look.at, look.stream, look.seq) for look in looks)
    if target.original is not None:
        named = f"original {target.original}"
    elif target.is_link:
        named = f"link {target.identity_key} {target.judgement}"
    else:
        named = f"statement {target.local_id} {target.version}".rstrip()
    return f"recall of {named} until {last[1]}-{last[2]}"


def put(folder: Path, notice: Notice, reference: str) -> Path:
    """One file, whole or not there: whoever picks it up never reads half of one. It names nobody."""
    content = {
        "reference": reference,
        "organisation": notice.organisation,
        "kind": notice.kind,
        "sentence": notice.sentence,
        "at": notice.created_at,
    }
    path = folder / f"{notice.organisation}-{reference}.json"
    half = path.with_suffix(".part")
    half.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n")
    return half.replace(path)


def _sentence(reference: str, looks: Sequence[Saw], region: Region) -> str:
    people = len({each.staff for each in looks if each.how == "seen"})
    programs = len({each.staff for each in looks if each.how == "sent"})
    saw = [f"{people} of your staff saw it"] if people else []
    saw += [f"it was sent to {programs} of your programs"] if programs else []
    first, last = min(each.at for each in looks), max(each.at for each in looks)
    when = f"on {first:%d-%b-%Y}" if first.date() == last.date() else f"between {first:%d-%b-%Y} and {last:%d-%b-%Y}"
    return (
        f"Something that {region.title} showed proved wrong: {' and '.join(saw)} {when}. Your privacy desk can open "
        f"notice {reference} and see who, what and when. Check whether any decision rested on it. For help, phone "
        f"{region.phone}."
    )


def _look(saw: Saw) -> dict[str, object]:
    """What whoever opens the notice by its reference is told of each look."""
    return {
        "stream": saw.stream,
        "seq": saw.seq,
        "at": saw.at.isoformat(),
        "how": saw.how,
        "what": saw.what,
        "staff": saw.staff,
        "name": saw.name,
        "role": saw.role,
        "versions": list(saw.versions),
        "is_proven": saw.is_proven,
    }
