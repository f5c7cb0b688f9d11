"""Reads `region.toml`: where a region's data becomes a Region, or a sentence that says what does not fit."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from carerecord.organisations.region import (
    TELL_AFTER_DAYS,
    Client,
    Neighbour,
    Organisation,
    PersonSignIn,
    Region,
    SensitiveCodes,
    SignIn,
    SourceEntry,
)

T = TypeVar("T")
Days = Annotated[int, msgspec.Meta(ge=0, le=365)]
_TABLES = frozenset(
    {"name", "title", "phone", "organisation", "source", "neighbour", "client", "sign_in", "person_sign_in", "roles"}
    | {"sensitive_codes", "privacy_organisation", "tell_after_days"}
)
# It stands in addresses of codes and is the name of the source's folder.
_SOURCE_ID = re.compile(r"[a-z0-9][a-z0-9-]*")
_OF_NOBODY = "unknown"  # what comes from no source is kept under this

# What Content-Security-Policy takes as one origin (https://www.w3.org/TR/CSP3/#framework-directive-source-list),
# without its wildcards: a name that anybody may take below a domain must not frame a record.
_FRAME_ORIGIN = re.compile(
    r"https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?|http://(127\.0\.0\.1|localhost)(:[0-9]{1,5})?"
)
# A page that says why nothing is shown names every origin in one header: more than this and proxies cut it off.
FRAME_ORIGINS_LETTERS_MAX = 3000


class RegionDoesNotFit(ValueError):
    """The region's file does not fit: the message names the entry and the rule; mend the file and start again."""


def read_region(path: Path) -> Region:
    """The region described by the TOML file at `path`; key and secret files are found relative to it."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        region = _region(raw, path.parent)
    except OSError as refused:
        where = "set CARERECORD_REGION to the region's file"
        if refused.filename != str(path):
            where = f"put it there, or mend its entry in {path}"
        raise RegionDoesNotFit(f"{refused.filename} cannot be read ({refused.strerror}): {where}.") from refused
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as wrong:
        raise RegionDoesNotFit(f"{path}: {wrong}. Mend that entry and start again.") from wrong
    _check(region, path)
    return region


def _region(raw: dict[str, Any], folder: Path) -> Region:
    sign_in = raw.get("sign_in")
    if sign_in and "client_secret_file" in sign_in:
        secret = (folder / sign_in.pop("client_secret_file")).read_text(encoding="utf-8").strip()
        sign_in = {**sign_in, "client_secret": secret}
    person = raw.get("person_sign_in")
    if person and "key_file" in person:
        person = {"key": _read_key(folder / person.pop("key_file")), **person}
    if unknown := sorted(raw.keys() - _TABLES):
        raise msgspec.ValidationError(f"{unknown[0]} is nothing that a region has: it has {', '.join(sorted(_TABLES))}")
    return Region(
        name=_converted(raw.get("name"), str, "name"),
        title=_converted(raw.get("title"), str, "title"),
        phone=_converted(raw.get("phone"), str, "phone"),
        organisations=_entries(raw, "organisation", Organisation),
        sources=_entries(raw, "source", SourceEntry),
        neighbours=_entries(raw, "neighbour", Neighbour, folder),
        clients=_entries(raw, "client", Client, folder),
        sign_in=_converted(sign_in, SignIn, "[sign_in]") if sign_in else None,
        person_sign_in=_converted(person, PersonSignIn, "[person_sign_in]") if person else None,
        roles=_converted(raw.get("roles", {}), dict[str, str], "[roles]"),
        sensitive_codes=msgspec.convert(_listed(raw.get("sensitive_codes", []), folder), tuple[SensitiveCodes, ...]),
        privacy_organisation=_converted(raw.get("privacy_organisation", ""), str, "privacy_organisation"),
        tell_after_days=_converted(raw.get("tell_after_days", TELL_AFTER_DAYS), Days, "tell_after_days"),
    )


def _entries(raw: dict[str, Any], table: str, kind: type[T], keys_in: Path | None = None) -> tuple[T, ...]:
    """A misspelt line is not passed over: it might say how a source is heard, or how sensitive it is."""
    entries = _converted(raw.get(table, []), list[dict[str, Any]], f"[[{table}]]")
    if keys_in is not None:
        entries = _with_keys(entries, keys_in)
    return tuple(
        _converted(entry, kind, f"[[{table}]] number {number}") for number, entry in enumerate(entries, start=1)
    )


def _converted(value: Any, kind: Any, where: str) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as wrong:
        raise msgspec.ValidationError(f"{where}: {'it is missing' if value is None else wrong}") from wrong


def _listed(entries: list[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """Lists written out, and those of a file beside the region's, which may be licensed and kept apart."""
    found: list[dict[str, Any]] = []
    for entry in entries:
        if "file" in entry:
            found += tomllib.loads((folder / entry["file"]).read_text(encoding="utf-8")).get("list", [])
        else:
            found.append(entry)
    return found


def _with_keys(entries: list[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    return [
        {"jwks": _read_key(folder / entry.pop("jwks_file")), **entry} if "jwks_file" in entry else entry
        for entry in entries
    ]


def _read_key(path: Path) -> Any:
    try:
        return msgspec.json.decode(path.read_bytes())
    except msgspec.DecodeError as wrong:
        raise RegionDoesNotFit(f"{path} is not JSON: write that key's file again and start again.") from wrong


def _check(region: Region, path: Path) -> None:
    known = {organisation.ods_code for organisation in region.organisations}
    speakers = [("source", source.id, source.organisation) for source in region.sources]
    speakers += [("neighbour", neighbour.issuer, neighbour.organisation) for neighbour in region.neighbours]
    speakers += [("client", client.client_id, client.organisation) for client in region.clients]
    if region.privacy_organisation:
        speakers.append(("privacy_organisation", region.title, region.privacy_organisation))
    for kind, name, organisation in speakers:
        if organisation not in known:
            raise RegionDoesNotFit(
                f"{path}: {kind} {name} names organisation {organisation}, which is not listed. Add it."
            )
    for client in region.clients:
        if client.source is not None and region.find_source(client.source) is None:
            raise RegionDoesNotFit(
                f"{path}: client {client.client_id} speaks for source {client.source}, which is not listed. Add it."
            )
    _check_frames(region, path)
    _check_names(region, path)
    seen: dict[str, str] = {}
    for source in region.sources:
        for sending in source.sending:
            if sending != "*" and sending.count("|") != 1:
                raise RegionDoesNotFit(
                    f"{path}: source {source.id} sends as {sending}, which no message does: write MSH-3|MSH-4,"
                    " with * for either that may be anything."
                )
            if sending in seen:
                raise RegionDoesNotFit(
                    f"{path}: {sending} is claimed by {seen[sending]} and {source.id}. Give it to one."
                )
            seen[sending] = source.id


def _check_names(region: Region, path: Path) -> None:
    named = [("organisation", each.ods_code) for each in region.organisations]
    named += [("source", each.id) for each in region.sources]
    named += [("neighbour", each.issuer) for each in region.neighbours]
    named += [("client", each.client_id) for each in region.clients]
    for (kind, name), times in Counter(named).items():
        if times > 1:
            raise RegionDoesNotFit(f"{path}: {kind} {name} stands there twice. Take one away or name it otherwise.")
    for source in region.sources:
        if not _SOURCE_ID.fullmatch(source.id) or source.id == _OF_NOBODY:
            raise RegionDoesNotFit(
                f"{path}: source {source.id} must have an id of small letters, digits and hyphens,"
                f" and not {_OF_NOBODY}. Name it otherwise."
            )
        try:
            ZoneInfo(source.timezone)
        except (KeyError, ValueError, OSError) as wrong:
            raise RegionDoesNotFit(
                f"{path}: source {source.id} is in {source.timezone}, which is no time zone: write Europe/London."
            ) from wrong


def _check_frames(region: Region, path: Path) -> None:
    """An origin is written into the header by which browsers decide who may frame a chart, so it is one and no more."""
    for neighbour in region.neighbours:
        for origin in neighbour.frame_origins:
            if not _FRAME_ORIGIN.fullmatch(origin):
                raise RegionDoesNotFit(
                    f"{path}: neighbour {neighbour.issuer} frames from {origin!r}, which is no origin: write https://,"
                    " the host in small letters, and its port if it is not 443, with no path and no *"
                    " (http:// for 127.0.0.1 or localhost alone)."
                )
    if len(" ".join(region.frame_origins)) > FRAME_ORIGINS_LETTERS_MAX:
        raise RegionDoesNotFit(
            f"{path}: the frame_origins of all neighbours together are longer than {FRAME_ORIGINS_LETTERS_MAX} letters,"
            " and one header has to hold them: name one origin for each record system that is hosted for many."
        )
