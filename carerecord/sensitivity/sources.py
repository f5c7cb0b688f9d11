"""What a region says of its sources' services and marks, checked: a misspelt one would label nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from carerecord.model import Source
from carerecord.sensitivity.codes import ListDoesNotFit
from carerecord.sensitivity.marks import MARKS
from carerecord.sensitivity.never import SERVICE
from carerecord.sensitivity.services import by_kind, read_services

_OPEN: Final = frozenset({"", "U", "L", "M", "N"})  # v3-Confidentiality: nothing more than any record


def check_sources(sources: Iterable[Source]) -> None:
    """Raises ListDoesNotFit, so that a source is not believed to be guarded that is not."""
    for source in sources:
        for service in (source.service, *(service for _, service in source.units)):
            if service and service != SERVICE and not by_kind(service):
                known = ", ".join(sorted([SERVICE, *(each.id for each in read_services())]))
                raise ListDoesNotFit(
                    f"source {source.id}: {service} is no service that is known here: write one of {known}."
                )
        if source.confidentiality.upper() not in MARKS and source.confidentiality.upper() not in _OPEN:
            raise ListDoesNotFit(
                f"source {source.id}: {source.confidentiality} is no mark of confidentiality: write N, R or V."
            )
