"""Safeguarding: what only those who safeguard may see, in their source's own words."""

from __future__ import annotations

from collections.abc import Sequence

from carerecord.reconciliation.alerts import flag_line
from carerecord.reconciliation.entries import Entry
from carerecord.reconciliation.one_line import entries as line_entries
from carerecord.reconciliation.versions import Context, Item


def entries(items: Sequence[Item], context: Context) -> tuple[Entry, ...]:
    return line_entries(items, context, flag_line, Entry)
