"""Loading many people: all of them arrive, each in order; a refusal is counted, told, and ends in a bad exit code."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest

from demo import load
from demo.messages import history
from demo.people import generate
from tests.rooms.demo.test_pushing import KEY, Record
from tests.rooms.demo.test_sending import Receiver


def _doors(receiver: Receiver, record: Record, tmp_path) -> dict:
    """As endpoints.json of a running demonstration tells them."""
    sources = {message.source for person in generate(7, 60) for message in history(person, channel="fhir")}
    return {
        "mllp": {"host": "127.0.0.1", "port": receiver.port},
        "fhir_push": f"{record.address}/fhir",
        "token": f"{record.address}/token",
        "drop_folder": str(tmp_path / "drop"),
        "clients": [
            {"client_id": "gp-mile-end", "source": source, "private_key": KEY.as_dict(private=True)}
            for source in sources
        ],
    }


async def _load(tmp_path, receiver: Receiver, record: Record, *, people: int, workers: int, start: int = 0):
    asked = load.Load(people=people, start=start, density="full", connections=3, chunk=10)
    asked = load.with_doors(asked, _doors(receiver, record, tmp_path), keys=tmp_path / "keys")
    told: list[str] = []
    found, code = await asyncio.to_thread(
        load.run, asked, workers=workers, show=lambda _, refusals: told.extend(refusals)
    )
    return found, code, told


async def test_everybody_arrives_through_every_door_each_in_order_of_time(tmp_path):
    async with Receiver() as receiver, Record() as record:
        found, code, told = await _load(tmp_path, receiver, record, people=40, workers=2)
    people = list(generate(7, 40))
    sent = [message for person in people for message in history(person)]
    assert (code, found.refused, found.skipped, told) == (0, 0, 0, [])
    assert (found.people, found.messages, found.go_on_with) == (40, len(sent), 40)
    for person in people:
        own = [message.control_id for message in history(person, channel="mllp")]
        place = {control_id: number for number, control_id in enumerate(receiver.received)}
        assert [place[control_id] for control_id in own] == sorted(place[control_id] for control_id in own)
    assert len(receiver.received) == sum(message.channel == "mllp" for message in sent)
    assert len(record.received) == sum(message.channel == "fhir" for message in sent)
    dropped = [message for message in sent if message.channel == "drop"]
    assert dropped
    for message in dropped:
        folder = tmp_path / "drop" / message.source
        assert (folder / f"{message.control_id}.{message.kind}").read_bytes() == message.content
        assert json.loads((folder / f"{message.control_id}.json").read_bytes())["resourceType"] == "Bundle"


async def test_a_refusal_is_counted_and_told_and_the_exit_code_says_so(tmp_path):
    async with Receiver("AE", "AA", "AR") as receiver, Record(422) as record:
        found, code, told = await _load(tmp_path, receiver, record, people=20, workers=1)
    assert (code, found.people, found.refused) == (1, 20, 3)
    assert any("Patient.birthDate is no date." in words for words in told)


async def test_a_load_goes_on_where_it_is_told_to(tmp_path):
    async with Receiver() as receiver, Record() as record:
        found, code, _ = await _load(tmp_path, receiver, record, people=5, workers=1, start=30)
    assert (code, found.people, found.go_on_with) == (0, 5, 35)
    assert set(receiver.received) == {
        message.control_id for person in generate(7, 5, start=30) for message in history(person, channel="mllp")
    }


def test_a_door_without_an_address_is_told_of(tmp_path):
    found, code = load.run(load.Load(people=3), workers=1)
    assert (code, found.messages) == (0, 0)
    assert found.skipped == sum(len(history(person)) for person in generate(7, 3, density="light"))


def test_what_making_the_messages_costs_is_told(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["load", "--people", "6", "--nothing-sent"])
    assert load.main() == 0
    assert "6 people" in capsys.readouterr().out


def test_without_a_record_it_says_how_to_start_one(monkeypatch, tmp_path):
    monkeypatch.setattr("sys.argv", ["load", "--endpoints", str(tmp_path / "none.json")])
    with pytest.raises(SystemExit, match="make demo"):
        load.main()


def test_a_record_that_is_gone_ends_the_load_with_how_to_go_on(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(load, "run", lambda asked, **_: (_stopped(asked), 3))
    doors = {"mllp": {"host": "127.0.0.1", "port": 1}, "clients": []}
    (tmp_path / "endpoints.json").write_bytes(msgspec.json.encode(doors))
    monkeypatch.setattr("sys.argv", ["load", "--endpoints", str(tmp_path / "endpoints.json"), "--people", "900"])
    assert load.main() == 3
    assert "Go on with --start 500 --people 400." in capsys.readouterr().out


def test_a_record_that_does_not_answer_is_given_up_and_nothing_is_lost_sight_of():
    asked = load.Load(people=4, mllp="127.0.0.1:1", patience_seconds=0.3)
    told: list[str] = []
    found, code = load.run(asked, workers=1, show=lambda _, refusals: told.extend(refusals))
    assert (code, found.go_on_with) == (3, 0)
    assert any("No answer" in words for words in told)


def _stopped(asked: load.Load) -> load.Loaded:
    return load.Loaded(
        people=620, messages=8_000, refused=0, skipped=0, go_on_with=asked.start + 500, cpu_seconds=1.0, seconds=9.0
    )
