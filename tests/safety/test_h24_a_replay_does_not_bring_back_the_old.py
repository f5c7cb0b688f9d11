"""H24: a replay of old messages brings back an old truth."""

from __future__ import annotations

import itertools
import random

import pytest
from msgspec.structs import replace

from carerecord import clock, database
from carerecord.intake import inbox
from carerecord.settings import Settings
from tests.house import segment
from tests.safety.reading import Part
from tests.safety.ward import (
    JOAN,
    PATHOLOGY,
    POTASSIUM,
    REGION,
    banner,
    but,
    closed,
    current,
    found,
    letter,
    open_ward,
    order,
    section,
    visit,
    wrote,
)

MOVED = but(JOAN, address="9 New Street^^Oxford^^OX2 2BB", gp="F84001^Mile End")
AT_LABORATORY = but(JOAN, number="L1")
PENICILLIN = segment("IAM", {1: "1", 2: "DA", 3: "^Penicillin", 4: "SV", 5: "Anaphylaxis", 6: "A", 7: "A-1"})
WRONG_PENICILLIN = PENICILLIN + "|" * 10 + "E"

STORY = (
    wrote("ADT^A01", visit("V1"), PENICILLIN, at="20261103090000", number="1"),
    wrote(
        "ORU^R01",
        order("L1"),
        found(POTASSIUM, "7.9", flag="HH"),
        by=PATHOLOGY,
        about=AT_LABORATORY,
        at="20261109080000",
        number="2",
    ),
    wrote(
        "ORU^R01",
        order("L1", status="C"),
        found(POTASSIUM, "4.2", status="C"),
        by=PATHOLOGY,
        about=AT_LABORATORY,
        at="20261109100000",
        number="3",
    ),
    letter("D1", "Draft: continue bisoprolol.", at="20261110080000", completion="IP"),
    letter("D1", "Final: stop bisoprolol.", at="20261110100000"),
    wrote("ADT^A03", visit("V1", until="202611111000"), WRONG_PENICILLIN, about=MOVED, at="20261111100000", number="6"),
)


def truth(page: Part) -> dict[str, object]:
    """What a clinician would act on."""
    (potassium,) = section(page, "results").all(".cr-table--results", "tbody", "tr")
    return {
        "dangers": page.one(".cr-banner__dangers").words,
        "address": "9 New Street" in banner(page),
        "practice": page.one(".cr-answers", "li").words,
        "stay": section(page, "stays-and-visits").one("tbody", "tr", ".cr-when").words,
        "potassium": (potassium.words_of("b"), potassium.words_of("s")),
        "flagged": bool(page.all(".cr-flagged")),
        "letter": section(page, "letters").words_of(".cr-words"),
        "taken back": "Penicillin" in closed(section(page, "allergies")),
        "still listed": "Penicillin" in current(section(page, "allergies")),
    }


NOW = {
    "dangers": "Allergies not recorded",
    "address": True,
    "practice": "GP record: Mile End Practice is not connected to this record",
    "stay": "03–11-Nov-2026",
    "potassium": (["4.2"], ["7.9"]),
    "flagged": False,
    "letter": ["Final: stop bisoprolol."],
    "taken back": True,
    "still listed": False,
}
ORDERS = {
    "as they happened": STORY,
    "backwards": STORY[::-1],
    "the newest first, then the rest": (STORY[-1], *STORY[:-1]),
    "each one twice": tuple(itertools.chain.from_iterable((message, message) for message in STORY)),
    "all of it, and all of it again": STORY + STORY,
    "shuffled": tuple(random.Random(24).sample(STORY, len(STORY))),
    "shuffled otherwise": tuple(random.Random(25).sample(STORY, len(STORY))),
}


@pytest.mark.parametrize("messages", ORDERS.values(), ids=list(ORDERS))
@pytest.mark.parametrize("is_folded", [False, True], ids=["", "folded after each"])
async def test_the_page_says_the_newest_in_whatever_order_the_messages_came(
    settings: Settings, messages: tuple[bytes, ...], is_folded: bool
) -> None:
    async with open_ward(settings) as ward:
        for message in messages:
            await ward.hear(message)
            if is_folded:
                await ward.fold()
        assert truth(await ward.summary()) == NOW


async def test_old_messages_sent_again_under_new_control_ids_change_nothing(settings: Settings) -> None:
    """An interface engine that resends from its archive often numbers anew."""
    async with open_ward(settings) as ward:
        await ward.hear(*STORY)
        for number, message in enumerate(STORY[:-1]):
            head, _, rest = message.partition(b"\r")
            fields = head.split(b"|")
            fields[9] = b"again-%d" % number
            await ward.hear(b"|".join(fields) + b"\r" + rest)
        assert truth(await ward.summary()) == NOW


async def test_an_operators_replay_of_what_was_set_aside_does_not_win_over_what_came_since(settings: Settings) -> None:
    """The laboratory was not registered when its first report came; its correction came after it was."""
    before = replace(REGION, sources=tuple(source for source in REGION.sources if source.id != "nel-pathology"))
    async with open_ward(settings, region=before) as ward:
        await ward.hear(STORY[0])
        assert await ward.told(STORY[1]) == ["refused"]
    async with open_ward(settings) as ward:
        await ward.hear(*STORY[2:])
        async with database.connect(settings, "operate") as operator:
            waiting = [each.reference for each in await inbox.list_unsettled(operator)]
            (replayed,) = await inbox.replay(
                operator, REGION, settings, waiting, at=clock.now(), random_key=clock.random_key
            )
        assert isinstance(replayed, inbox.Replayed)
        assert replayed.outcome == "recorded"
        assert truth(await ward.summary()) == NOW
