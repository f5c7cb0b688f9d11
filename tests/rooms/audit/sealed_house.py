"""An audit of two streams, sealed several times, for tests that then do to it what a superuser could."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from carerecord import audit, database
from carerecord.audit import keys
from carerecord.audit.chain import first_hash, link
from carerecord.audit.mark import Mark
from carerecord.audit.sealer import Sealer
from carerecord.audit.seals import Folder, SignedSeal
from carerecord.database import Database
from carerecord.settings import Settings
from tests.rooms.audit.test_witness import AT, event


class SealedHouse:
    def __init__(self, settings: Settings, owner: Database, work: Database, path: Path) -> None:
        self.settings = settings
        self.owner = owner
        self.work = work
        self.folder = Folder(path / "seals")
        self.signer = keys.FileSigner(path / "keys")
        self.now = AT
        self.writers: list[audit.Writer] = []
        self.mark = Mark(path / "keys" / "last-seal")
        self.sealer = Sealer(work, self.folder, self.signer, clock=lambda: self.now, mark=self.mark)
        self.trusted: list[keys.Jwk] = []

    async def write(self, count: int, *, writer: int = 0) -> None:
        for number in range(count):
            kind = "opened" if number % 2 == 0 else "shown"
            await self.writers[writer].witness(
                event(number % 3, kind=kind, detail={"number": number}, session=f"s-{number // 4}")
            )

    async def seal(self) -> None:
        self.now += timedelta(seconds=30)
        while await self.sealer.seal():
            pass

    async def verified(
        self, *, seals: bool = True, trusted: list[keys.Jwk] | None = None, known: Sequence[SignedSeal] = ()
    ) -> audit.Report:
        async with database.connect(self.settings, "witness") as db:
            folder = Folder(self.folder.path) if seals else None
            believed = self.trusted if trusted is None else trusted
            return await audit.verify(db, seals=folder, trusted=believed, known=known)

    async def found(self) -> list[tuple[str, int, int]]:
        report = await self.verified()
        assert all(finding.sentence.endswith(".") for finding in report.findings)
        return [(finding.fault.value, finding.stream, finding.seq) for finding in report.findings]

    async def relink(self, stream: int) -> None:
        """What whoever can write everything would do: every hash of the stream made anew, and its head."""
        previous, seq = first_hash(stream), 0
        for record in await self.owner.fetch("select seq from audit.event where stream = $1 order by seq", stream):
            row = await audit.find_row(self.owner, stream=stream, seq=record["seq"])
            assert row is not None
            previous, seq = link(previous, row), row.seq
            await self.owner.execute(
                "update audit.event set hash = $1 where stream = $2 and seq = $3", previous, stream, seq
            )
        await self.owner.execute(
            "update audit.stream set head_seq = $1, head_hash = $2 where stream = $3", seq, previous, stream
        )

    async def copy_of(self, like: int, /, **changed: Any) -> None:
        """A row put in, like another."""
        record = await self.owner.fetchrow("select * from audit.entry where stream = 1 and seq = $1", like)
        assert record is not None
        values = list({**dict(record), **changed}.values())
        places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
        await self.owner.execute(f"insert into audit.entry values ({places})", *values)


@asynccontextmanager
async def sealed_house(settings: Settings, path: Path, *, is_written: bool = True) -> AsyncIterator[SealedHouse]:
    """Stream 1 of 22 events and stream 2 of 9, sealed in three seals; then two of stream 1 that no seal holds yet."""
    async with (
        database.connect(settings, "owner") as owner,
        database.connect(settings, "work") as work,
        database.connect(settings, "serve") as serve,
        audit.Writer.open(serve, clock=lambda: AT) as one,
        audit.Writer.open(serve, clock=lambda: AT) as other,
    ):
        house = SealedHouse(settings, owner, work, path)
        house.writers = [one, other]
        house.trusted = [house.signer.make(at=AT)]
        if is_written:
            for first, second in ((7, 0), (8, 4), (7, 5)):
                await house.write(first)
                await house.write(second, writer=1)
                await house.seal()
            await house.write(2)
        yield house


def changed(key: keys.Jwk, **more: Any) -> keys.Jwk:
    return msgspec.json.decode(msgspec.json.encode({**key, **more}))
