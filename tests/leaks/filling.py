"""Who stands in the record: people of every sort that has leaked somewhere, and of one a twin for each reader."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.leaks.installation import Installation
from tests.leaks.judging import due
from tests.leaks.oracle import EMERGENCY_OPENS_LABELS, LABELS, NEVER, Circumstances, Objection
from tests.leaks.people import Item, Someone

DEEP = "deep"
REMOVED_ONE_IN = 6
OBJECTING: tuple[tuple[str, str, str], ...] = (
    ("whole", "", "weighed"),
    ("whole", "", "upheld"),
    ("organisation", "RTH", "weighed"),
    ("organisation", "RAL", "upheld"),
    ("heading", "RESULTS", "weighed"),
    ("heading", "PROBLEMS", "upheld"),
    ("heading", "LETTERS", "overruled"),
    ("whole", "", "withdrawn"),
)


class Filling:
    """Fills an installation. Each person's references go to a stay that only the one before them has."""

    def __init__(self, place: Installation) -> None:
        self._place = place
        self._before = ""
        self._turn = 0

    async def fill(self, *, plain: int = 7) -> None:
        for number in range(plain):
            await self._add(f"plain-{number}", is_at_barts=number % 3 == 0)
        for number, (scope, value, becomes) in enumerate(OBJECTING):
            someone = await self._add(f"objects-{number}", is_at_barts=number % 2 == 0)
            await self._place.object_to(someone, scope, value, becomes=becomes)
            if becomes in ("weighed", "upheld"):
                someone.objections = (Objection(scope, value),)  # type: ignore[arg-type]
        await self._add("restricted-0", is_restricted=True)
        someone = await self._add("restricted-1", is_restricted=True, is_at_barts=True)
        await self._place.object_to(someone, "heading", "MEDICINES")
        someone.objections = (Objection("heading", "MEDICINES"),)
        await self._add("removed-0", removes=True)
        await self._add("removed-1", removes=True, is_at_barts=True)
        await self._mistaken()
        await self._deep()
        await self._place.fold()  # Who comes now stays as it was said, row by row: both must be read alike.
        await self._mother_and_child()
        await self._changed()

    async def _add(self, name: str, *, removes: bool = False, **is_: Any) -> Someone:
        someone = await self._place.register(name, **is_)
        items = self._some(name)
        if removes:
            items = [
                msgspec.structs.replace(item, is_removed=number % REMOVED_ONE_IN == 1)
                for number, item in enumerate(items)
            ]
        await self._place.tell(someone, items)
        return someone

    def _some(self, name: str, **more: Any) -> list[Item]:
        own = self._place.writer.item(name, "STAYS", own=f"only-{name}", **more)
        items = [own, *self._place.writer.some(name, self._turn, elsewhere=self._before, **more)]
        self._turn += 1
        self._before = f"Encounter/{own.local_id}"
        return items

    async def _mistaken(self) -> None:
        """One who is known by two hospitals; and two who were taken for one and separated again."""
        merged = await self._place.register("merged", second_says="royal-free")
        first = self._some("merged")
        await self._place.tell(merged, first)
        second = [
            self._place.writer.item("merged", "PROBLEMS", (label,), own=f"rf-{label}", identity=1) for label in LABELS
        ]
        await self._place.tell(merged, second)
        both = await self._place.register("unlinked-a", second_says="royal-free")
        await self._place.tell(both, self._some("unlinked-a"))
        await self._place.tell(both, self._some("unlinked-b", identity=1, suffix="b"))
        await self._place.fold()  # One row holds what both hospitals said, and parts again.
        await self._place.separate(both, into="unlinked-b")

    async def _mother_and_child(self) -> None:
        """The child's record refers to the mother's stay in every item that refers to anything."""
        await self._add("mother")
        await self._add("newborn")

    async def _changed(self) -> None:
        """Items whose newest version bears a label and whose older one bore none; and lists of hidden things alone."""
        someone = await self._place.register("changed")
        items = self._some("changed")
        writer = self._place.writer
        for number, label in enumerate(LABELS):
            heading = ("PROBLEMS", "RESULTS", "LETTERS", "ALERTS")[number % 4]
            items.append(writer.item("changed", heading, (label,), own=f"changed-{label}", with_older=True))
            inside = writer.item("changed", "RESULTS", (label,), own=f"inside-{label}", source="barts")
            panel = writer.item(
                "changed",
                "RESULTS",
                resource_type="DiagnosticReport",
                own=f"panel-{label}",
                about=(inside,),
                source="barts",
            )
            items += [inside, panel]
        await self._place.tell(someone, items)

    async def _deep(self) -> None:
        """One with everything; and for each reader from whom something is hidden, one with only what is due to them."""
        deep = await self._place.register(DEEP)
        items = self._place.writer.everything(DEEP, elsewhere=self._before)
        await self._place.tell(deep, items)
        made: dict[frozenset[str], str] = {}
        for asks in classes():
            seen = due(deep, asks).items
            if seen not in made and len(seen) < len(items):
                name = f"twin-{len(made)}"
                made[seen] = name
                twin = await self._place.register(name, of_whom=DEEP)
                await self._place.tell(twin, [item for item in items if item.key in seen])


def classes() -> list[Circumstances]:
    """Those among whom what is due differs."""
    plain = [
        Circumstances(role, "agreement" if role == "program" else "strong", "X26" if role == "program" else "RTH")
        for role in NEVER
    ]
    return plain + [Circumstances(role, "emergency", purpose="BTG") for role in EMERGENCY_OPENS_LABELS]
