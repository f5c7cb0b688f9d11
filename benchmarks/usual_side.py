"""Sets up what the record is compared with: the usual stack, given the same resources; nginx, given the same bytes."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress

import asyncpg
import msgspec

from benchmarks import clients, harness, usual_stack
from benchmarks.audit import CLINICIAN
from benchmarks.clients import Page
from benchmarks.harness import Ground
from carerecord import database, patient_index
from carerecord.database.address import DATABASE, superuser_address
from carerecord.model import StoredStatement
from carerecord.reconciliation.versions import items

REQUESTS, CONNECTIONS, ROUNDS = 1500, 8, 3


def address(on: Ground) -> str:
    return json.dumps(superuser_address(on.settings, database=DATABASE))


def newest(statements: Sequence[StoredStatement]) -> list[StoredStatement]:
    return [item.newest for listed in items(statements).values() for item in listed]


async def prepare(on: Ground, viewed: Sequence[tuple[int, list[StoredStatement]]]) -> int:
    """The usual tables beside the record's, in the same server, with the newest of each resource. Gives a port."""
    connection = await asyncpg.connect(**superuser_address(on.settings, database=DATABASE))
    try:
        await usual_stack.with_json(connection)
        await connection.execute(usual_stack.SCHEMA)
        staff = msgspec.to_builtins(CLINICIAN)
        async with database.connect(on.settings, "owner") as db:
            for patient_key, statements in viewed:
                subject = (await patient_index.read_person(db, patient_key)).subject
                details = {
                    "name": f"{(subject.family or '').upper()}, {' '.join(subject.given)}",
                    "born": f"{subject.birth_date:%d-%b-%Y}" if subject.birth_date else "",
                    "gender": subject.gender,
                    "nhs_number": subject.nhs_number,
                    "address": ", ".join(subject.address),
                    "phone": subject.phone,
                    "gp_practice": subject.gp_practice_name,
                }
                token_hash = hashlib.sha256(str(patient_key).encode()).hexdigest()
                await connection.execute("insert into usual.patient values ($1, $2)", patient_key, details)
                await connection.execute(
                    "insert into usual.session values ($1, $2, $3, now() + interval '1 hour')",
                    token_hash,
                    patient_key,
                    staff,
                )
                await connection.executemany(
                    "insert into usual.resource values ($1, $2, $3, $4, $5, $6)",
                    [
                        (
                            f"{patient_key}-{s.local_id}",
                            patient_key,
                            s.resource_type,
                            s.source,
                            s.said_at,
                            json.loads(s.body),
                        )
                        for s in newest(statements)
                    ],
                )
        for table in ("patient", "session", "resource"):
            await connection.execute(f"vacuum analyze usual.{table}")
    finally:
        await connection.close()
    return harness.free_port()


async def nginx_us(on: Ground, page: bytes) -> float | None:
    """Microseconds of processor time in which nginx sends these bytes from a file; None where it is not installed."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        return None
    folder, port = on.folder / "nginx", harness.free_port()
    folder.mkdir()
    (folder / "page.html").write_bytes(page)
    user = "user root;" if os.geteuid() == 0 else ""
    places = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log; {user}\n"
        f"events {{ }}\nhttp {{ access_log off; sendfile on; keepalive_requests 1000000; {places}\n"
        f"server {{ listen 127.0.0.1:{port}; root {folder}; }} }}\n"
    )
    child = await asyncio.create_subprocess_exec(program, "-c", folder / "nginx.conf", "-e", folder / "error.log")
    try:
        asked = [Page("/page.html", "")] * REQUESTS
        for _ in range(100):
            with suppress(OSError):
                await clients.get_all(port, asked[:10], connections=1)
                break
            await asyncio.sleep(0.05)
        pids = [child.pid, *harness.children(child.pid)]
        taken = []
        for _ in range(ROUNDS):
            before = sum(map(harness.processor_seconds, pids))
            await clients.get_all(port, asked, connections=CONNECTIONS)
            taken.append((sum(map(harness.processor_seconds, pids)) - before) / REQUESTS * 1e6)
        return min(taken)
    finally:
        child.terminate()
        await child.wait()
