"""The whole system as its users meet it: started by its command, spoken to over its sockets, killed by number."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp
from joserfc import jws
from joserfc.jwk import ECKey

from carerecord.settings import Settings

ROOT = Path(__file__).parents[1]
READY_SECONDS_MAX = 60
OXFORD = "https://epr.ouh.example"
CLIENT = "oxford-research-free-client"
REGION = """
name = "London"
title = "London Care Record"
phone = "020 7946 0999"

[[organisation]]
ods_code = "R1H"
name = "Barts Health NHS Trust"
short_name = "Barts Health"
area = "London"
phone = "020 7946 0000"

[[organisation]]
ods_code = "NELP"
name = "North East London Pathology"
kind = "laboratory"
area = "London"

[[organisation]]
ods_code = "RTH"
name = "Oxford University Hospitals NHS Foundation Trust"
short_name = "Oxford University Hospitals"
area = "Oxfordshire"
in_region = false

[[source]]
id = "barts"
organisation = "R1H"
name = "Barts Health"
phone = "020 7946 0000"
sending = ["CERNER|R1H"]

[[source]]
id = "nel-pathology"
organisation = "NELP"
name = "North East London Pathology"
kind = "laboratory"
sending = ["WINPATH|NELP"]

[[source]]
id = "anyone"
organisation = "R1H"
name = "Any other sender"
sending = ["*"]

[[neighbour]]
issuer = "https://epr.ouh.example"
organisation = "RTH"
name = "Oxford's record system"
jwks_file = "oxford.jwks.json"

[[client]]
client_id = "oxford-research-free-client"
organisation = "RTH"
name = "Oxford's integration engine"
jwks_file = "client.jwks.json"
scope = "system/*.rs"

[roles]
"S8000:G8000:R8000" = "clinician"
"S8008:G8008:R8008" = "admin"
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_key(folder: Path, name: str, algorithm: str = "ES256", curve: str = "P-256") -> ECKey:
    key = ECKey.generate_key(curve, {"kid": name, "use": "sig", "alg": algorithm}, private=True)
    (folder / f"{name}.jwks.json").write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    return key


@dataclass
class System:
    """`carerecord run` in a home of its own, with a region of one hospital, one laboratory and one neighbour."""

    environment: dict[str, str] = field(default_factory=dict)
    home: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="carerecord-system-")))
    port: int = field(default_factory=free_port)
    mllp_port: int = field(default_factory=free_port)
    region_more: str = ""
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.oxford = write_key(self.home, "oxford")
        self.client = write_key(self.home, "client", "ES384", "P-384")
        (self.home / "region.toml").write_text(REGION + self.region_more)
        self.home.chmod(0o755)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> Settings:
        return Settings(
            home=self.home / "state", region=self.home / "region.toml", serve_port=self.port, public_url=self.url
        )

    def start(self) -> None:
        named = {
            "CARERECORD_HOME": str(self.home / "state"),
            "CARERECORD_REGION": str(self.home / "region.toml"),
            "CARERECORD_SERVE_PORT": str(self.port),
            "CARERECORD_LISTEN_PORT": str(self.mllp_port),
            "CARERECORD_PUBLIC_URL": self.url,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "carerecord", "run"],
            cwd=ROOT,
            env=os.environ | named | self.environment,
            stdout=subprocess.PIPE,
            stderr=(self.home / "log").open("ab"),
            start_new_session=True,
        )
        self._wait_until_ready(self.process)

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout
        os.set_blocking(process.stdout.fileno(), False)
        until = time.monotonic() + READY_SECONDS_MAX
        said = b""
        while b"carerecord: ready" not in said:
            said += process.stdout.read() or b""
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"carerecord run did not become ready: {self.log()[-3000:]}")
            time.sleep(0.02)

    def stop(self) -> int:
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def log(self) -> str:
        return (self.home / "log").read_text(errors="replace")

    def __enter__(self) -> System:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process and self.process.poll() is None:
            self.stop()

    def pids(self) -> dict[str, int]:
        """The running processes: run, listen, work, serve, postgres (the postmaster)."""
        assert self.process
        found = {"run": self.process.pid}
        for pid in _children(self.process.pid):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if b"carerecord" in words:
                found[words[words.index(b"carerecord") + 1].decode()] = pid
            elif words[0].endswith(b"postgres"):
                found["postgres"] = pid
        return found

    def kill(self, name: str) -> bool:
        """kill -9; False if it is not up at this moment."""
        pid = self.pids().get(name)
        if pid is None:
            return False
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def launch_token(self, *, nhs_number: str, birth_date: str, family: str = "", **changes: Any) -> str:
        """What Oxford's system signs when its button is pressed; `changes` replace claims, None removes one."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": OXFORD,
            "aud": f"{self.url}/launch",
            "iat": now,
            "exp": now + 60,
            "jti": secrets.token_urlsafe(16),
            "sub": "ouh-4411",
            "organisation": "RTH",
            "staff": {"name": "Dr Amara Okafor", "role_code": "S8000:G8000:R8000", "role_name": "Consultant"},
            "patient": {"nhs_number": nhs_number, "birth_date": birth_date, "family": family},
            "evidence": {
                "kind": "appointment",
                "id": "OUH-APT-1",
                "start": "2026-11-22T09:00:00+00:00",
                "place": "Cardiology clinic",
            },
            "purpose": "TREAT",
        } | changes
        header = {"alg": "ES256", "kid": "oxford", "typ": "carerecord-launch+jwt"}
        kept = {name: claim for name, claim in claims.items() if claim is not None}
        return jws.serialize_compact(header, json.dumps(kept).encode(), self.oxford)


def _children(pid: int) -> list[int]:
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in path.read_text().split()]
        except OSError:
            continue
    return found


class Sender:
    """One connection of a sending system: one message at a time, sent again until it is answered."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self._host, self._port = host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, message: bytes, *, seconds: float = 30) -> bytes:
        """The answer's bytes, after as many attempts as it takes."""
        until = time.monotonic() + seconds
        while True:
            try:
                if self._streams is None:
                    self._streams = await asyncio.open_connection(self._host, self._port)
                reader, writer = self._streams
                writer.write(b"\x0b" + message + b"\x1c\r")
                await writer.drain()
                answer = await asyncio.wait_for(reader.readuntil(b"\x1c\r"), timeout=20)
                return answer[1:-2]
            except (OSError, asyncio.IncompleteReadError, TimeoutError):
                await self.close()
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(0.05)

    async def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def answer_code(answer: bytes) -> str:
    """MSA-1 of an acknowledgement."""
    segment = next(line for line in answer.replace(b"\n", b"\r").split(b"\r") if line.startswith(b"MSA"))
    return segment.split(b"|")[1].decode()


async def open_record(system: System, client: aiohttp.ClientSession, token: str) -> tuple[int, str, str]:
    """Launches as a browser does. Gives the last status, the page, and the session in the address ('' if refused)."""
    async with client.post(f"{system.url}/launch", data=token, headers={"Content-Type": "application/jwt"}) as minted:
        if minted.status != 201:
            return minted.status, await minted.text(), ""
        address = (await minted.json())["url"]
    async with client.get(address, allow_redirects=True) as page:
        text = await page.text()
        parts = page.url.path.split("/")
        return page.status, text, parts[2] if len(parts) > 2 and parts[1] == "patient" else ""
