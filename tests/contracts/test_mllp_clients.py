"""Sending systems that others wrote, and every HL7 v2 message that others published, against the running system."""

from __future__ import annotations

import asyncio
import json
import subprocess
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import hl7
import pytest
from hl7.client import MLLPClient

from carerecord import database
from demo.messages import history
from demo.people import generate
from tests.contracts.test_foreign_hl7v2 import MESSAGES, all_messages
from tests.system import Sender, System, answer_code

NODE_FOLDER = Path(__file__).parent / "node"
SUPPORTED = ("ADT^A01", "ADT^A03", "ADT^A08", "ADT^A28", "ADT^A31", "ADT^A40", "ORU^R01", "MDM^T02")


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with System() as running:
        yield running


async def kept(system: System) -> Counter[str]:
    async with database.connect(system.settings, "operate") as db:
        return Counter({row["outcome"]: row["n"] for row in await db.fetch(KEPT)})


KEPT = "select outcome, count(*) as n from intake.original group by outcome"


def test_python_hl7s_client_is_answered(system: System) -> None:
    person = next(generate(seed=41, n=1, start=1))
    sent = [message for message in history(person) if message.kind in SUPPORTED]
    with MLLPClient("127.0.0.1", system.mllp_port) as client:
        for message in sent:
            answer = hl7.parse(client.send_message(message.content).strip(b"\x0b\x1c\r").decode())
            assert str(answer.segment("MSA")[1]) == "AA", str(answer)
            assert str(answer.segment("MSA")[2]) == message.control_id


async def test_when_a_source_was_heard_is_noted(system: System) -> None:
    """The rhythm of a feed is learnt from what comes; it is noted every few seconds."""
    async with database.connect(system.settings, "operate") as db:
        for _ in range(100):
            if rows := await db.fetch("select source, messages, last_at from sources.heard"):
                break
            await asyncio.sleep(0.2)
    assert {row["source"] for row in rows} == {"barts", "nel-pathology"}
    assert sum(row["messages"] for row in rows) > 5


def test_a_node_client_is_answered(system: System, node: Path) -> None:
    person = next(generate(seed=41, n=1, start=2))
    sent = [message for message in history(person, source="barts") if message.kind in SUPPORTED]
    lines = [json.dumps({"version": version_of(message.content), "text": message.content.decode()}) for message in sent]
    done = subprocess.run(
        [node, "send.mjs", str(system.mllp_port)],
        cwd=NODE_FOLDER,
        input="\n".join(lines),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert answers == [{"code": "AA", "id": message.control_id} for message in sent]


def version_of(content: bytes) -> str:
    return content.split(b"\r", 1)[0].split(b"|")[11].decode()


def published_messages(folder: Path) -> list[bytes]:
    """Every message of the set as it was published: a file may hold several."""
    with tarfile.open(folder / "hl7v2.tar.xz") as archive:
        files = {
            member.name.split("/", 1)[1]: content.read()
            for member in archive
            if member.isfile() and (content := archive.extractfile(member))
        }
    return [message for _, message in all_messages(files)]


@pytest.mark.foreign
def test_every_published_message_is_answered_and_kept(system: System, foreign_data: Path) -> None:
    messages = published_messages(foreign_data)
    assert len(messages) >= MESSAGES
    before = asyncio.run(kept(system))

    async def send_all() -> list[bytes]:
        sender = Sender(system.mllp_port)
        answers = [await sender.send(message) for message in messages]
        await sender.close()
        return answers

    answers = asyncio.run(send_all())
    codes = Counter(answer_code(answer) for answer in answers)
    assert set(codes) <= {"AA", "AE", "AR"}, codes
    unexplained = [answer for answer in answers if answer_code(answer) != "AA" and not reason(answer)]
    assert unexplained == [], "an answer without a reason"
    grown = asyncio.run(kept(system))
    distinct = len(set(messages))
    assert sum(grown.values()) - sum(before.values()) == distinct, "sent is not kept"
    assert codes["AA"] > 60, codes


def reason(answer: bytes) -> str:
    """MSA-3: the sentence that says why, and that the message is kept."""
    segment = next(line for line in answer.split(b"\r") if line.startswith(b"MSA"))
    fields = segment.split(b"|")
    return fields[3].decode() if len(fields) > 3 else ""
