"""Fewer messages of the same kinds: for loading a hundred thousand people in reasonable time."""

from __future__ import annotations

from demo.people.nouns import Booked, Happening, Imaged, Referred, Reported, Stated, Told, Written

MOST = 14
_KEPT_OF_A_KIND = 2


def thin(story: tuple[Happening, ...]) -> tuple[Happening, ...]:
    """At most MOST events: of each kind of each source the latest two, the rarest kinds first.

    What belongs together stays together: an appointment with its move, an item with the word that takes it back.
    """
    if len(story) <= MOST:
        return story
    by_kind: dict[tuple[str, str], list[int]] = {}
    for position, event in enumerate(story):
        by_kind.setdefault((event.source, _kind(event)), []).append(position)
    kept: list[int] = []
    for positions in sorted(by_kind.values(), key=len):
        kept += positions[-_KEPT_OF_A_KIND:]
    wanted = sorted(kept[:MOST])
    own = {each.own_id for place in wanted if isinstance(each := story[place], Stated)}
    needed = {place for place, event in enumerate(story) if isinstance(event, Stated) and event.own_id in own}
    return tuple(story[place] for place in sorted({*wanted, *needed}))


def _kind(event: Happening) -> str:
    if isinstance(event, Stated):
        return event.content.__class__.__name__
    if isinstance(event, Told):
        return event.trigger
    return {Reported: "R", Written: "W", Booked: "B", Referred: "F", Imaged: "I"}.get(type(event), "M")
