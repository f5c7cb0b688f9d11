"""PV1-10, PV1-3: of which service and place a message is, whether or not what it says has room for that."""

from __future__ import annotations

from functools import lru_cache

from carerecord.formats.hl7v2.codes import system
from carerecord.formats.hl7v2.datatypes import place
from carerecord.formats.hl7v2.delimiters import Delimiters
from carerecord.formats.hl7v2.grammar import value
from carerecord.formats.hl7v2.translating import Translating

Setting = tuple[str, str, str]  # (system, code, name)
KEPT_LENGTH_MAX = 200


def read_settings(translating: Translating) -> tuple[Setting, ...]:
    """The service (PV1-10), the place (PV1-3) and the type of visit (PV1-18) as the message says them."""
    pv1 = translating.message.find("PV1")
    if pv1 is None:
        return ()
    said = (value(pv1, 10), value(pv1, 3), value(pv1, 18))
    if not any(said) or sum(map(len, said)) > KEPT_LENGTH_MAX:
        return ()
    return _read(*said, translating.message.delimiters, translating.source.id)


# A hospital's wards and clinics are some hundreds, and beds some thousands.
@lru_cache(maxsize=8192)
def _read(service: str, where: str, kind: str, delimiters: Delimiters, source: str) -> tuple[Setting, ...]:
    found: list[Setting] = []
    for field, table in ((service, "PV1-10"), (kind, "PV1-18")):
        code, name, named = delimiters.parts(field.split(delimiters.repetition, 1)[0], 3)
        if code or name:
            found.append((system(named, source=source, table=table), code, name or code))
    if where:
        unit = delimiters.parts(where, 1)[0]
        found.append((f"urn:carerecord:source:{source}:PV1-3", unit, place(where, delimiters)))
    return tuple(found)
