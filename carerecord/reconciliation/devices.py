"""Devices and appliances: implants with what is said about MRI, aids, appliances."""

from __future__ import annotations

from collections.abc import Sequence

from carerecord.fhir.care_resources import Device, read
from carerecord.model import StoredStatement
from carerecord.reconciliation import other
from carerecord.reconciliation.entries import Entry
from carerecord.reconciliation.one_line import Line, all_words, words_of
from carerecord.reconciliation.one_line import entries as line_entries
from carerecord.reconciliation.versions import Context, Item

KINDS = frozenset(("Device", "DeviceUseStatement"))


def entries(items: Sequence[Item], context: Context) -> tuple[Entry, ...]:
    return line_entries(items, context, line_of, Entry)


def line_of(statement: StoredStatement) -> Line:
    if statement.resource_type not in KINDS:
        return other.line_of(statement)
    said = read(Device, statement.body)
    name = next((each.name for each in said.deviceName if each.name), "")
    what = words_of(said.type) or name or said.named(said.device)
    properties = [all_words(each.valueCode) or words_of(each.type) for each in said.property]
    return Line(
        what=what or f"Device that {other.UNREADABLE}",
        details=(
            all_words(said.safety),
            *properties,
            name if name != what else "",
            words_of(said.bodySite),
            said.manufacturer,
            said.modelNumber,
            *(note.text for note in said.note),
            "" if said.status in ("active", "completed", "") else said.status.replace("-", " "),
        ),
        # "completed" is what R4 calls the use of a device that was once recorded; only these end it.
        is_over=said.status in ("inactive", "entered-in-error", "stopped") or other.is_ended("", statement),
    )
