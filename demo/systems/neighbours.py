"""The neighbours as data: twelve record systems outside London, who works in each, and how each looks."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

import msgspec

from demo.region.write import key_name, read_template

_FILE = Path(__file__).with_name("neighbours.toml")

# National role codes, as `[roles]` of the region reads them.
ROLES = {
    "practitioner": ("S8000:G8000:R8000", "Clinical Practitioner"),
    "nurse": ("S8000:G8000:R8001", "Nurse"),
    "health-professional": ("S8000:G8000:R8003", "Health Professional"),
    "gp": ("S0010:G0020:R0260", "General Medical Practitioner"),
    "pharmacist": ("S8000:G8000:R1290", "Pharmacist"),
    "paramedic": ("S8000:G8000:R9901", "Paramedic"),
    "mental-health": ("S8000:G8000:R9902", "Mental Health Practitioner"),
    "social-worker": ("S8000:G8000:R8017", "Social Worker"),
    "secretary": ("S8000:G8000:R8006", "Medical Secretary"),
    "administrator": ("S8000:G8000:R8008", "Admin/Clinical Support"),
    "receptionist": ("S8000:G8000:R8009", "Receptionist"),
}


class Staff(msgspec.Struct, frozen=True, kw_only=True):
    user_id: str
    name: str
    post: str
    role_code: str
    role_name: str


class Neighbour(msgspec.Struct, frozen=True, kw_only=True):
    """One record system of one organisation. `place` is where it stands among the neighbours."""

    id: str
    place: int
    kind: str  # hospital, practice, community, ambulance, social-care
    area: str
    site: str  # where its encounters happen
    style: str  # CSS variables: its own look
    issuer: str
    organisation: str
    name: str
    has_panel: bool  # shows the record beside its own patient, in a frame
    staff: tuple[Staff, ...]

    def find_staff(self, user_id: str | None) -> Staff | None:
        return next((staff for staff in self.staff if staff.user_id == user_id), None)


@cache
def neighbours() -> tuple[Neighbour, ...]:
    """All of them, in order: their names, codes and issuers are those of the region."""
    registered = {key_name(entry): entry for entry in read_template()["neighbour"]}
    entries = tomllib.loads(_FILE.read_text(encoding="utf-8"))["neighbour"]
    return tuple(
        Neighbour(
            place=place,
            has_panel=bool(registered[entry["id"]].get("frame_origins")),
            staff=tuple(_staff(**staff) for staff in entry.pop("staff")),
            **{name: registered[entry["id"]][name] for name in ("issuer", "organisation", "name")},
            **entry,
        )
        for place, entry in enumerate(entries)
    )


def read_neighbour(neighbour_id: str) -> Neighbour:
    """Raises LookupError for an id that is none of them."""
    for neighbour in neighbours():
        if neighbour.id == neighbour_id:
            return neighbour
    raise LookupError(f"No neighbour is called {neighbour_id}: see {_FILE.name}.")


def _staff(user_id: str, name: str, post: str, role: str) -> Staff:
    code, role_name = ROLES[role]
    return Staff(user_id=user_id, name=name, post=post, role_code=code, role_name=role_name)
