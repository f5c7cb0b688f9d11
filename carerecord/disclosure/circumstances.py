"""What a page depends on besides the record: kept once under its own hash, which stands in the event of each look.

The region's names and telephones change with its file, the sentences of a decision with the policy, and how a page is
drawn with the program. A look months ago can only be made again, or its difference explained, with those of its day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import blake2b, sha256
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from typing import Any, Final

import msgspec

from carerecord import database, patient_index
from carerecord.access import Decision, Question, decide
from carerecord.database import Database
from carerecord.disclosure.sight import Sight
from carerecord.disclosure.snapshot import held
from carerecord.disclosure.values import Answer
from carerecord.model import Evidence, EvidenceClass, Purpose, Staff, StoredStatement
from carerecord.organisations import Region

QUERIES = database.queries(__package__)
# The rooms and libraries that make a page of statements.
ROOMS: Final = ("disclosure", "fhir", "formats", "organisations", "patient_index", "reconciliation", "record", "web")
LIBRARIES: Final = ("jinja2", "markupsafe", "msgspec")
_NOTHING: Final = Evidence(kind=EvidenceClass.NONE)


class Circumstance(msgspec.Struct, frozen=True, kw_only=True):
    """Under what a page was made."""

    program: str  # fingerprint of the code
    base: str  # the address of the record for programs
    region: Region  # without keys, secrets and routes
    reasons: tuple[str, ...]  # the decision's sentences
    limits: tuple[str, ...]
    basis: tuple[str, ...]
    may_declare: bool  # emergency access: whether its link stood on the page


class _Stored(msgspec.Struct, frozen=True, kw_only=True):
    program: str
    base: str
    region: str  # the hash of its own row: it is the same for all decisions
    reasons: tuple[str, ...]
    limits: tuple[str, ...]
    basis: tuple[str, ...]
    may_declare: bool


class Circumstances:
    """Keeps those of one serving process; what was kept once costs nothing again."""

    def __init__(self, db: Database, region: Region, *, base: str) -> None:
        self._db = db
        self._base = base
        self._region = msgspec.json.encode(public(region)).decode()
        self._kept: dict[Any, str] = {}

    async def kept(self, decision: Decision, *, staff: Staff) -> str:
        """The hash under which the circumstances of this decision are kept, durably."""
        may_declare = _may_declare(staff)
        key = (decision.reasons, decision.limits, decision.basis, may_declare)
        if known := self._kept.get(key):
            return known
        stored = _Stored(
            program=program(),
            base=self._base,
            region=_hash(self._region),
            reasons=decision.reasons,
            limits=decision.limits,
            basis=decision.basis,
            may_declare=may_declare,
        )
        content = msgspec.json.encode(stored).decode()
        await self._db.execute(
            QUERIES["keep_circumstances"], [_hash(self._region), _hash(content)], [self._region, content]
        )
        return self._kept.setdefault(key, _hash(content))


async def find_circumstance(db: Database, hash_: str) -> Circumstance | None:
    """None where it is not kept, or is no longer what its hash says."""
    content = await _find(db, hash_)
    if content is None:
        return None
    stored = msgspec.json.decode(content, type=_Stored)
    region = await _find(db, stored.region)
    if region is None:
        return None
    return Circumstance(
        program=stored.program,
        base=stored.base,
        region=msgspec.json.decode(region, type=Region),
        reasons=stored.reasons,
        limits=stored.limits,
        basis=stored.basis,
        may_declare=stored.may_declare,
    )


async def _find(db: Database, hash_: str) -> str | None:
    content: str | None = await db.fetchval(QUERIES["find_circumstance"], hash_)
    return content if content is not None and _hash(content) == hash_ else None


def public(region: Region) -> Region:
    """What pages may say of a region: nothing by which anybody signs in."""
    return msgspec.structs.replace(region, neighbours=(), clients=(), sign_in=None, roles={})


def _may_declare(staff: Staff) -> bool:
    """Whether this role may declare emergency access at all: then its link stands on every page."""
    question = Question.of(
        staff, evidence=_NOTHING, organisation_in_agreement=True, route="launch", purpose=Purpose.TREAT
    )
    return decide(question).may_declare_emergency


def as_then(sight: Sight, shown: Sequence[StoredStatement], *, heard: Sequence[Answer]) -> dict[str, Any]:
    """What the event of a look says, so that it can be proven which person and which statements it rested on."""
    known = sight.known
    then: dict[str, Any] = {"who": patient_index.fingerprint(known), "said": (known.said_by, known.said_at)}
    if len(shown) != len(sight.statements):
        then["held"] = held(sight.statements)
    if heard:
        then["heard"] = [(answer.kind, answer.sentence) for answer in heard]
    if sight.looking.form:
        then["form"] = sight.looking.form
    return then


@cache
def program() -> str:
    """What tells this version of the program from any other: a hash of all that makes a page."""
    hashed = sha256()
    root = resources.files("carerecord")
    for place in (root / "model.py", *(file for room in ROOMS for file in _files(root / room))):
        content = place.read_bytes()
        hashed.update(f"{place.name} {len(content)}\n".encode() + content)
    hashed.update(" ".join(metadata.version(library) for library in LIBRARIES).encode())
    return hashed.hexdigest()[:16]


def _files(folder: Traversable) -> Iterator[Traversable]:
    for each in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if each.is_dir():
            if each.name != "__pycache__":
                yield from _files(each)
        elif not each.name.endswith(".pyc"):
            yield each


def _hash(content: str) -> str:
    return blake2b(content.encode(), digest_size=16).hexdigest()
