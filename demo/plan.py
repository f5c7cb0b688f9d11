"""What one demonstration is: its folder, its people, its ports; kept on disk so that it starts again where it was."""

from __future__ import annotations

import os
import socket
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec

from demo.people import ANCHOR
from demo.region.write import write_privately
from demo.systems.neighbours import Neighbour, neighbours

HOST = "127.0.0.1"


class CannotStart(Exception):
    """The demonstration cannot start: the message says why and what to do."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What must not change between two starts in one folder: the histories were made from it."""

    seed: int
    people: int
    until: date = ANCHOR


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """Every port but that of HL7 v2 is a place after `base`, so that two demonstrations need only two bases."""

    base: int = 8400
    mllp: int = 2575

    @property
    def record(self) -> int:
        return self.base

    @property
    def operator(self) -> int:
        return self.base + 1

    @property
    def provider(self) -> int:
        return self.base + 2

    @property
    def pds(self) -> int:
        return self.base + 4

    @property
    def ods(self) -> int:
        return self.base + 5

    @property
    def fhir_push(self) -> int:
        return self.base + 10

    @property
    def nhs_login(self) -> int:
        return self.base + 12

    def neighbour(self, neighbour: Neighbour) -> int:
        """Oxford was there first, at base + 3; the others follow base + 20 in their order."""
        return self.base + 3 if neighbour.id == "oxford" else self.base + 20 + neighbour.place

    def named(self) -> tuple[tuple[str, int], ...]:
        return (
            ("the record", self.record),
            ("the operator's page", self.operator),
            ("the sign-in provider", self.provider),
            ("the Personal Demographics Service", self.pds),
            ("the organisation directory", self.ods),
            ("FHIR that is pushed", self.fhir_push),
            ("the sign-in provider of people", self.nhs_login),
            *((f"the record system of {each.name}", self.neighbour(each)) for each in neighbours()),
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
    def record_home(self) -> Path:
        return self.home / "carerecord"

    @property
    def operate(self) -> Path:
        """The operator's commands on this demonstration's record."""
        return self.home / "operate"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def drop(self) -> Path:
        """Where documents are dropped for the record: a folder for each source."""
        return self.home / "drop"

    @property
    def seals(self) -> Path:
        """What proves the audit, outside the database."""
        return self.home / "seals"

    @property
    def staff_registers(self) -> Path:
        """Who works where, as organisations tell it for the watch."""
        return self.home / "registers"

    @property
    def fhir_push(self) -> str:
        return f"{self.address(self.ports.fhir_push)}/fhir"

    def outbox(self, source: str) -> Path:
        return self.home / "outbox" / f"{source}.sqlite"

    def pause(self, source: str) -> Path:
        """While this file is there the source sends nothing: its line is down."""
        return self.home / "systems" / f"{source}.pause"

    def fault(self, service: str) -> Path:
        """What a national service does wrong, as long as this file names it."""
        return self.home / "systems" / f"{service}.fault"


def make_plan(home: Path, *, seed: int | None, people: int | None, ports: Ports, quiet: bool, at: datetime) -> Plan:
    """The plan of a new folder, or that of the folder as it was begun. Raises CannotStart when the two disagree."""
    home = home.absolute()
    for folder in (home, home / "logs", home / "outbox", home / "systems", home / "drop"):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as refused:
            raise CannotStart(
                f"{folder} cannot be made ({refused.strerror}): name a folder that you may write to,"
                ' `make demo ARGS="--home FOLDER"`.'
            ) from refused
    if not os.access(home, os.W_OK | os.X_OK):
        raise CannotStart(f'{home} may not be written to: name another folder, `make demo ARGS="--home FOLDER"`.')
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
    """Raises CannotStart naming the first port that something else holds, or that two of ours would."""
    meant = Counter(port for _, port in ports.named())
    for name, port in ports.named():
        if meant[port] > 1:
            raise CannotStart(
                f"Port {port} is meant for {name} and for another: HL7 v2 needs a port outside"
                f" {ports.base} to {ports.base + 31}, `make demo PORT_BASE=8500 MLLP_PORT=2600`."
            )
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except (OSError, OverflowError) as taken:
                raise CannotStart(
                    f"Port {port}, meant for {name}, cannot be used ({taken}). Free it, or choose others:"
                    " `make demo PORT_BASE=8500 MLLP_PORT=2600` (or --port-base and --mllp-port)."
                ) from taken
