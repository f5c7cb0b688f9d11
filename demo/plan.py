"""What one demonstration is: its folder, its people, its ports; kept on disk so that it starts again where it was."""

from __future__ import annotations

import socket
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec

from demo.people import ANCHOR
from demo.region.write import write_privately

HOST = "127.0.0.1"


class CannotStart(Exception):
    """The demonstration cannot start: the message says why and what to do."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What must not change between two starts in one folder: the histories were made from it."""

    seed: int
    people: int
    until: date = ANCHOR


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    record: int = 8400
    operator: int = 8401
    provider: int = 8402
    oxford: int = 8403
    mllp: int = 2575

    @classmethod
    def from_base(cls, base: int, mllp: int) -> Ports:
        return cls(record=base, operator=base + 1, provider=base + 2, oxford=base + 3, mllp=mllp)

    def named(self) -> tuple[tuple[str, int], ...]:
        return (
            ("the record", self.record),
            ("the operator's page", self.operator),
            ("the sign-in provider", self.provider),
            ("Oxford's record system", self.oxford),
            ("HL7 v2 over MLLP", self.mllp),
        )


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    home: Path
    told: Told
    ports: Ports
    quiet: bool

    def address(self, port: int) -> str:
        return f"http://{HOST}:{port}"

    @property
    def record(self) -> str:
        return self.address(self.ports.record)

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    def outbox(self, source: str) -> Path:
        return self.home / "outbox" / f"{source}.sqlite"


def make_plan(home: Path, *, seed: int | None, people: int | None, ports: Ports, quiet: bool, at: datetime) -> Plan:
    """The plan of a new folder, or that of the folder as it was begun. Raises CannotStart when the two disagree."""
    home = home.absolute()
    for folder in (home, home / "logs", home / "outbox", home / "systems"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = home / "state.json"
    if kept.exists():
        told = msgspec.json.decode(kept.read_bytes(), type=Told)
        if (seed or told.seed) != told.seed or (people or told.people) != told.people:
            raise CannotStart(
                f"{home} holds {told.people} people of seed {told.seed}. Ask for the same,"
                " name another folder with --home, or remove this one to begin anew."
            )
    else:
        # Histories end on a morning that is over, so that nothing in them is still to come.
        until = at.date() if at.hour >= 8 else at.date() - timedelta(days=1)
        told = Told(seed=seed or 7, people=people or 60, until=until)
        write_privately(kept, msgspec.json.encode(told))
    return Plan(home=home, told=told, ports=ports, quiet=quiet)


def check_ports(ports: Ports) -> None:
    """Raises CannotStart naming the first port that something else holds."""
    for name, port in ports.named():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except (OSError, OverflowError) as taken:
                raise CannotStart(
                    f"Port {port}, meant for {name}, cannot be used ({taken}). Free it, or choose others:"
                    " `make demo PORT_BASE=8500 MLLP_PORT=2600` (or --port-base and --mllp-port)."
                ) from taken
