"""The sending side of FHIR and of documents: tokens are asked for and kept, refusals are set aside with their words."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from urllib.parse import parse_qs

import msgspec
import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey

from demo.messages import Message
from demo.systems.drop_folder import DropFolder
from demo.systems.fhir_push import Push
from demo.systems.lines import LineLost
from demo.systems.outbox import Outbox, Waiting, read_counts
from demo.systems.sending import send_lane
from demo.systems.tokens import NoToken, Tokens

AT = datetime(2026, 11, 20, 12, 0)
KEY = ECKey.generate_key("P-384", {"kid": "gp-1", "use": "sig", "alg": "ES384"}, private=True)
OUTCOME = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "error", "code": "value", "diagnostics": "Patient.birthDate is no date.", "expression": []}],
}


class Record:
    """A record that gives tokens for assertions and answers what is pushed as told."""

    def __init__(self, *answers: int, token_seconds: int = 300) -> None:
        self.answers = list(answers)
        self.token_seconds = token_seconds
        self.received: list[tuple[str, str, str]] = []
        self.claims: list[dict] = []
        self.tokens: set[str] = set()

    async def __aenter__(self) -> Record:
        app = web.Application()
        app.add_routes([web.post("/token", self._token), web.route("*", "/fhir{tail:.*}", self._hear)])
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        self.address = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.runner.cleanup()

    async def _token(self, request: web.Request) -> web.Response:
        form = {name: values[0] for name, values in parse_qs(await request.text()).items()}
        assert form["grant_type"] == "client_credentials"
        assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        assert form["scope"] == "system/*.cud"
        claims = jwt.decode(form["client_assertion"], KEY, algorithms=["ES384"]).claims
        if claims["iss"] != "gp-mile-end":
            return web.json_response({"error": "invalid_client", "error_description": "Not registered."}, status=401)
        self.claims.append(claims)
        token = f"t{len(self.claims)}"
        self.tokens.add(token)
        return web.json_response({"access_token": token, "token_type": "bearer", "expires_in": self.token_seconds})

    async def _hear(self, request: web.Request) -> web.Response:
        body = await request.text()
        if request.headers["authorization"].removeprefix("Bearer ") not in self.tokens:
            return web.json_response(OUTCOME, status=401)
        self.received.append((request.method, request.path, body))
        answer = self.answers.pop(0) if self.answers else 201
        if answer == 0:
            request.transport.close()
            return web.Response()
        if answer == 207:  # A batch of which one entry was refused.
            entries = [{"response": {"status": "201"}}, {"response": {"status": "422", "outcome": OUTCOME}}]
            return web.json_response({"resourceType": "Bundle", "type": "batch-response", "entry": entries})
        if answer < 400:
            response = web.StreamResponse(status=answer)  # Without a length: answered in chunks.
            await response.prepare(request)
            await response.write(b'{"resourceType":"Bundle","type":"transaction-response"}')
            await response.write_eof()
            return response
        return web.json_response(OUTCOME, status=answer)


def _tokens(record: Record, tmp_path, *, client_id: str = "gp-mile-end") -> Tokens:
    key = tmp_path / "gp.jwk.json"
    key.write_bytes(msgspec.json.encode(KEY.as_dict(private=True)))
    return Tokens(f"{record.address}/token", client_id=client_id, key=key)


def _message(number: int, kind: str = "POST ") -> Message:
    content = b'{"resourceType":"Bundle","n":%d}' % number
    return Message(
        source="gp-mile-end", at=AT, kind=kind, control_id=f"M{number}", about=0, content=content, channel="fhir"
    )


async def _push_all(record: Record, tmp_path, *messages: Message) -> Outbox:
    outbox = Outbox(tmp_path / "out")
    outbox.add(messages, is_history=False, notes={})
    push = Push(f"{record.address}/fhir", _tokens(record, tmp_path))
    sending = asyncio.create_task(send_lane(outbox, 0, push, channel="fhir"))
    async with asyncio.timeout(10):
        while read_counts(tmp_path / "out").waiting:
            assert not sending.done()
            await asyncio.sleep(0.02)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    return outbox


def _answers(outbox: Outbox) -> list[tuple[str, str]]:
    return list(outbox._db.execute("select state, answer from message order by seq"))


async def test_a_program_signs_for_its_token_once_and_pushes_with_it_in_order(tmp_path):
    async with Record() as record:
        await _push_all(record, tmp_path, _message(1), _message(2, "PUT Condition/c-7"), _message(3))
    assert [(method, path) for method, path, _ in record.received] == [
        ("POST", "/fhir"),
        ("PUT", "/fhir/Condition/c-7"),
        ("POST", "/fhir"),
    ]
    (claims,) = record.claims
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("gp-mile-end", "gp-mile-end", f"{record.address}/token")
    assert 0 < claims["exp"] - time.time() <= 60
    assert read_counts(tmp_path / "out").acknowledged == 3


async def test_a_refusal_is_parked_with_its_words_and_the_next_goes_on(tmp_path):
    async with Record(422, 200) as record:
        outbox = await _push_all(record, tmp_path, _message(1), _message(2))
    assert _answers(outbox) == [("parked", "422 Patient.birthDate is no date."), ("acknowledged", "200")]


async def test_a_batch_of_which_an_entry_was_refused_is_parked_with_how_many(tmp_path):
    async with Record(207) as record:
        outbox = await _push_all(record, tmp_path, _message(1))
    first = "refused 1 of 2 entries refused, the first: Patient.birthDate is no date."
    assert _answers(outbox) == [("parked", first)]


async def test_what_may_go_better_later_is_sent_again(tmp_path):
    async with Record(503, 0, 429, 201) as record:
        outbox = await _push_all(record, tmp_path, _message(1))
    assert len(record.received) == 4
    assert _answers(outbox) == [("acknowledged", "201")]


async def test_a_token_that_is_over_is_replaced_by_a_new_one(tmp_path):
    async with Record() as record:
        push = Push(f"{record.address}/fhir", _tokens(record, tmp_path))
        await push.send(Waiting(1, "M1", "POST ", b"{}"))
        record.tokens.clear()
        assert (await push.send(Waiting(2, "M2", "POST ", b"{}"))).code == "201"
        push.close()
    assert len(record.claims) == 2
    assert record.claims[0]["jti"] != record.claims[1]["jti"]


async def test_a_token_is_not_used_in_its_last_moments(tmp_path):
    async with Record(token_seconds=20) as record:
        tokens = _tokens(record, tmp_path)
        first = await tokens.token()
        assert await tokens.token() == first
        tokens._ends = time.monotonic()
        assert await tokens.token() != first


async def test_a_program_that_is_not_registered_waits_and_says_why(tmp_path):
    async with Record() as record:
        with pytest.raises(NoToken, match=r"invalid_client: Not registered\."):
            await _tokens(record, tmp_path, client_id="stranger").token()


async def test_nobody_listening_is_a_lost_line(tmp_path):
    async with Record() as record:
        push = Push("http://127.0.0.1:1/fhir", _tokens(record, tmp_path))
        with pytest.raises(LineLost):
            await push.send(Waiting(1, "M1", "POST ", b"{}"))


async def _drop(tmp_path, *, then) -> str:
    folder = tmp_path / "london-ambulance"
    message = Waiting(1, "AM1", "pdf", b"%PDF-1.4", b'{"resourceType":"Bundle"}')
    sending = asyncio.create_task(DropFolder(folder, answer_seconds_max=10).send(message))
    async with asyncio.timeout(5):
        while not (folder / "AM1.json").exists():
            await asyncio.sleep(0.01)
    assert sorted(path.name for path in folder.iterdir()) == ["AM1.json", "AM1.pdf"]
    assert (folder / "AM1.pdf").read_bytes() == b"%PDF-1.4"
    then(folder)
    answer = await sending
    return f"{answer.code} {answer.text}".strip()


async def test_a_document_that_was_taken_is_acknowledged(tmp_path):
    def take(folder):
        (folder / "done").mkdir()
        (folder / "AM1.pdf").rename(folder / "done" / "AM1.pdf")

    assert await _drop(tmp_path, then=take) == "done"
    again = Waiting(1, "AM1", "pdf", b"%PDF-1.4", b"{}")
    assert (await DropFolder(tmp_path / "london-ambulance").send(again)).is_taken
    assert not (tmp_path / "london-ambulance" / "AM1.pdf").exists()


async def test_a_document_that_was_refused_is_parked_with_the_reason(tmp_path):
    def refuse(folder):
        (folder / "refused").mkdir()
        (folder / "refused" / "AM1.why.txt").write_text("The JSON names no patient.\n")
        (folder / "AM1.pdf").rename(folder / "refused" / "AM1.pdf")

    assert await _drop(tmp_path, then=refuse) == "refused The JSON names no patient."
