"""What would go, for a target: statements, originals, identities under each key, and the hashes by which it is proven.

It looks, and changes nothing. Invariant: an original of which any part must go goes whole, since it holds that part;
what else it said stays in the record.
"""

from __future__ import annotations

from base64 import b32decode
from binascii import Error as NotBase32
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

import msgspec

from carerecord.fhir.references import PATIENT_PART_LENGTH
from carerecord.intake import withdrawn as originals
from carerecord.model import OriginalReference, StoredStatement
from carerecord.patient_index import forget
from carerecord.record import rewrite
from carerecord.record.withdrawn import Item, item_of, pack_items
from carerecord.stewardship import traces_rules
from carerecord.stewardship.removal_ledger import What

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.Connection[asyncpg.Record]

NOBODY = 0


class Authority(StrEnum):
    """On whose authority something is removed. Stored: only add."""

    RECTIFICATION = "rectification"  # UK GDPR Article 16
    ERASURE = "erasure"  # UK GDPR Article 17
    COURT_ORDER = "court-order"
    MISFILED = "misfiled"  # filed under the wrong person
    RETENTION = "retention"  # its time is over
    SOURCE_LEFT = "source-left"


class RemovalRefused(Exception):
    """Nothing was removed: the sentence says why and what to do."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What is to go: a statement, one version or all; an original and all that came of it; all of an identity."""

    kind: Literal["statement", "original", "source", "identity", "identities"]
    patient_key: int = NOBODY  # of the statement's rows, or of the person
    local_id: str = ""
    version: str = ""  # none: all of them
    original: OriginalReference | None = None
    identity_key: int = 0
    identities: tuple[int, ...] = ()  # several whose rows are found under one key
    source: str = ""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Who decided, and why."""

    authority: Authority
    reason: str
    asked_by: str
    agreed_by: str


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What would go under one key."""

    patient_key: int
    target: str
    source: str
    what: What
    counts: dict[str, int]


def patient_key_of(patient_part: str) -> int | None:
    """The key of a Patient's own id, by which people name a person to us; None if it is none."""
    try:
        key = int.from_bytes(b32decode(f"{patient_part.upper()}==="), "big")
    except (NotBase32, ValueError):
        return None
    return key if len(patient_part) == PATIENT_PART_LENGTH and key < 2**63 else None


async def plan_removal(connection: Connection, target: Target, *, removal: int, give_back: bool = False) -> list[Part]:
    """One part for each key under which something would go. Reads the record: the caller witnessed that it is examined.

    `give_back`: a misfiled original is not removed but waits again for whose it is.
    """
    if target.kind == "statement":
        return [await _plan_statement(connection, target, removal)]
    if target.kind == "original":
        return [await _plan_original(connection, target, removal, give_back)]
    identities = await _identities(connection, target)
    if not identities:
        raise RemovalRefused("No such identity is part of that person now: look again at whom you mean.")
    homes = sorted({identity.patient_key for identity in identities})
    return [
        await _plan_identities(connection, [each for each in identities if each.patient_key == home], removal)
        for home in homes
    ]


async def _plan_statement(connection: Connection, target: Target, removal: int) -> Part:
    held = await rewrite.read_all(connection, target.patient_key)
    gone = [
        statement
        for statement in held
        if statement.local_id == target.local_id and target.version in ("", statement.version)
    ]
    if not gone:
        raise RemovalRefused("There is no such statement: give its id as its receipt or FHIR shows it.")
    messages = await originals.find_messages(connection, {statement.original for statement in gone})
    return _part(target.kind, target.patient_key, held, gone, [item_of(each) for each in gone], messages, removal)


async def _plan_original(connection: Connection, target: Target, removal: int, give_back: bool) -> Part:
    assert target.original is not None
    messages = await originals.find_messages(connection, [target.original])
    if not messages:
        raise RemovalRefused(f"No original {target.original} is kept: list the inbox, or look at a receipt.")
    (message,) = messages
    patient_key = message.patient_key or NOBODY
    held = await rewrite.read_all(connection, patient_key) if patient_key else []
    gone = [statement for statement in held if statement.original == target.original]
    elsewhere = {_wording(statement) for statement in held if statement.original != target.original}
    # What another message said in the same words was said rightly by that one, and stays.
    items = [item_of(each, only_there=_wording(each) in elsewhere) for each in gone]
    part = _part(target.kind, patient_key, held, gone, items, [] if give_back else messages, removal)
    what = part.what
    if message.identity_key is not None:
        if set(await originals.find_of_identities(connection, [message.identity_key])) <= {target.original}:
            # It is all that was ever heard of this identity, which came of it.
            what = msgspec.structs.replace(what, identities=(message.identity_key,))
            part = msgspec.structs.replace(part, counts=part.counts | {"identities": 1})
        else:
            what = msgspec.structs.replace(what, subjects=((message.identity_key, message.received_at),))
    part = msgspec.structs.replace(part, what=what)
    if not give_back:
        return part
    # Its content may rightly stand under another key soon, so it is looked for by its key alone.
    what = msgspec.structs.replace(what, given_back=(str(target.original),), hashes=(), runs=(), stored=())
    return msgspec.structs.replace(part, what=what, source=message.source, counts=part.counts | {"given_back": 1})


async def _plan_identities(connection: Connection, identities: Sequence[forget.KnownIdentity], removal: int) -> Part:
    patient_key, keys = identities[0].patient_key, {each.identity_key for each in identities}
    held = await rewrite.read_all(connection, patient_key)
    gone = [statement for statement in held if statement.identity_key in keys]
    references = {statement.original for statement in gone}
    references |= set(await originals.find_of_identities(connection, keys))
    for identity in identities:
        names = [name for name in (identity.value, identity.nhs_number) if name]
        references |= set(await originals.find_unattributed(connection, identity.source, naming=names))
    messages = await originals.find_messages(connection, references)
    # All that was ever said about it: what a fold has not seen yet goes too.
    items = [Item(key, None, "", "") for key in keys]
    part = _part("identity", patient_key, held, gone, items, messages, removal)
    said = {traces_rules.hash_of(msgspec.json.encode(each.subject)) for each in identities}
    hashes = tuple(sorted({*part.what.hashes, *said}))
    what = msgspec.structs.replace(part.what, identities=tuple(sorted(keys)), hashes=hashes)
    counts = part.counts | {"identities": len(keys)}
    return msgspec.structs.replace(part, what=what, counts=counts, source=identities[0].source)


async def plan_unattributed(connection: Connection, source: str, *, removal: int) -> Part:
    """Of a source that leaves: what it sent that is nobody's."""
    references = await originals.find_unattributed(connection, source)
    messages = await originals.find_messages(connection, references)
    return _part("source", NOBODY, [], [], [], messages, removal)


async def _identities(connection: Connection, target: Target) -> list[forget.KnownIdentity]:
    if target.kind == "identity":
        one = await forget.find_identity(connection, target.patient_key, target.identity_key)
        return [one] if one else []
    if target.kind == "identities":
        several = [await forget.find_identity(connection, target.patient_key, each) for each in target.identities]
        return [each for each in several if each]
    found = await forget.find_identities_of_person(connection, target.patient_key)
    return [identity for identity in found if identity.source == target.source]


def _part(
    kind: str,
    patient_key: int,
    held: Sequence[StoredStatement],
    gone: Sequence[StoredStatement],
    items: Sequence[Item],
    messages: Sequence[originals.Message],
    removal: int,
) -> Part:
    """`gone` may hold more than what goes for good: what stays by another message's word is not looked for after."""
    there = {(each.identity_key, each.original, each.local_id, each.version) for each in gone}
    left = [each for each in held if (each.identity_key, each.original, each.local_id, each.version) not in there]
    salt = traces_rules.salt_of(removal)
    contents = [*(each.body for each in gone), *(message.content for message in messages)]
    remaining = [each.body for each in left]
    hashes = _all_hashes(contents) - _all_hashes(remaining)
    words = traces_rules.runs((text for each in gone for text in traces_rules.texts_in(each.body)), salt=salt)
    words -= traces_rules.runs((text for body in remaining for text in traces_rules.texts_in(body)), salt=salt)
    sources = {each.source for each in gone} | {message.source for message in messages}
    references = {message.reference for message in messages}
    return Part(
        patient_key=patient_key,
        target=kind,
        source=sorted(sources)[0] if sources else "",
        what=What(
            items=pack_items(items),
            keys=tuple(originals.key_of(message) for message in messages),
            hashes=tuple(sorted(hashes)),
            runs=traces_rules.chosen(words),
            stored=traces_rules.windows_of(message.stored for message in messages),
        ),
        counts={
            "statements": len(gone),
            "originals": len(messages),
            # Their original goes, since it holds what must go; they stay, and say so where it would be opened.
            "left_without_original": sum(each.original in references for each in left),
            **{f"heading {name}": count for name, count in _by_heading(gone).items()},
        },
    )


def _all_hashes(contents: Iterable[bytes]) -> set[str]:
    found: set[str] = set()
    for content in contents:
        found |= traces_rules.hashes_in(content)
    return found


def _by_heading(statements: Sequence[StoredStatement]) -> dict[str, int]:
    found: dict[str, int] = {}
    for statement in statements:
        name = statement.heading.name.lower()
        found[name] = found.get(name, 0) + 1
    return dict(sorted(found.items()))


def _wording(statement: StoredStatement) -> tuple[int, str, str]:
    return statement.identity_key, statement.local_id, statement.version
