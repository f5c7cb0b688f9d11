"""As-seen replay against somebody who owns the database and changes the record, and not the audit."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from carerecord.disclosure.replay import CHANGED
from carerecord.model import OriginalReference, StoredStatement
from carerecord.record import chunk, dictionary
from carerecord.settings import Settings
from carerecord.web import again
from tests.rooms.disclosure.test_replay import LATER, RICH, Desk, open_desk, remove


async def rewrite_chunks(desk: Desk, change: str) -> int:
    """Words of a folded statement changed under the version of the old ones, or only the cut that pages are made of."""

    def forged(each: StoredStatement) -> StoredStatement:
        if change == "cut":
            return (
                msgspec.structs.replace(each, cut=(each.cut[0], each.cut[1].replace("4.1", "7.9")))
                if each.cut
                else each
            )
        return msgspec.structs.replace(each, body=each.body.replace(b"4.1", b"7.9"), cut=None)

    count = 0
    for row in await desk.ward.owner.fetch("select ctid, patient_key, header, body from record.chunk"):
        held = chunk.unpack_folded(row["header"], row["body"], patient_key=row["patient_key"])
        changed = [forged(each) for each in held]
        count += sum(one != other for one, other in zip(held, changed, strict=True))
        packed = chunk.pack_folded(changed)
        await desk.ward.owner.execute(
            "update record.chunk set header = $1, body = $2 where ctid = $3", packed.header, packed.body, row["ctid"]
        )
    return count


@pytest.mark.parametrize("change", ["body", "cut"])
async def test_words_changed_under_an_old_version_are_not_passed_off_as_what_was_seen(
    settings: Settings, change: str
) -> None:
    async with open_desk(settings) as desk:
        await desk.ward.hear(*RICH)
        await desk.ward.fold()
        chart = await desk.ward.open()
        event, page = await desk.seen(chart)
        assert b"4.1" in page
        assert await rewrite_chunks(desk, change)
        assert b"7.9" in (await desk.seen(chart))[1], "whoever owns the database can show something else from now on"
        replay = await desk.again(event)
        drawn = again.draw(replay)
        if change == "cut":  # What it was cut from is still there.
            assert drawn is not None
            assert drawn.content == page
        else:
            assert (replay.is_alarm, replay.is_identical, drawn) == (True, False, None)


async def test_an_original_whose_bytes_were_changed_is_not_passed_off_as_what_was_seen(settings: Settings) -> None:
    async with open_desk(settings) as desk:
        await desk.ward.hear(*RICH)
        chart = await desk.ward.open()
        summary = await chart.page()
        lines = {link.attributes["href"] for link in summary.all("a") if link.attributes["href"].startswith("entry/")}
        receipts = [await chart.page(line) for line in sorted(lines)]
        links = [link.attributes["href"] for page in receipts for link in page.all("a")]
        places = sorted({link.removeprefix(f"{chart.address}/") for link in links if "/original/" in link})
        seen = [await desk.seen(chart, place) for place in places]
        event = next(event for event, page in seen if b"4.1" in page)
        row = await desk.ward.owner.fetchrow(
            "select day, seq, content from intake.original where source = 'nel-pathology'"
        )
        assert row is not None
        content = dictionary.decompress(row["content"]).replace(b"|4.1|", b"|7.9|")
        packed = dictionary.compress(content, dictionary=dictionary.ORIGINALS)
        await desk.ward.owner.execute(
            "update intake.original set content = $1 where day = $2 and seq = $3", packed, row["day"], row["seq"]
        )
        replay = await desk.again(event)
        assert (replay.is_alarm, replay.page) == (True, None)


async def test_a_lawful_removal_does_not_hide_that_something_else_was_changed(
    settings: Settings, tmp_path: Path
) -> None:
    async with open_desk(settings) as desk:
        await desk.ward.hear(*RICH, LATER[1])
        event, _ = await desk.seen(await desk.ward.open())
        wrong = await desk.ward.owner.fetchrow("select day, seq from intake.original order by seq desc limit 1")
        assert wrong is not None
        await remove(desk, OriginalReference(wrong["day"], wrong["seq"]), tmp_path)
        assert not (await desk.again(event)).is_alarm
        await desk.ward.owner.execute("delete from record.log where source = 'royal-free' or original_seq = 1")
        replay = await desk.again(event)
        assert replay.proof == "none"
        assert replay.is_alarm
        assert not replay.is_explained


@pytest.mark.parametrize(
    "change",
    [
        "update audit.entry set snapshot = sha256('other') where kind = 'shown'",
        "update audit.text set said[1] = replace(said[1], 'Osei', 'Okoro')",
        "delete from audit.circumstance",
        "update audit.circumstance set content = replace(content, 'Oxford', 'Cambridge')",
    ],
)
async def test_a_witness_that_is_not_as_it_was_written_proves_no_page(settings: Settings, change: str) -> None:
    async with open_desk(settings) as desk:
        await desk.ward.hear(*RICH)
        event, _ = await desk.seen(await desk.ward.open())
        assert (await desk.again(event)).is_identical
        assert await desk.ward.owner.execute(change) not in ("UPDATE 0", "DELETE 0")
        replay = await desk.again(event)
        assert (replay.is_alarm, replay.page, replay.reasons) == (True, None, (CHANGED,))
