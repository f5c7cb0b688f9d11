"""The sending side of FHIR: a resource or a Bundle over HTTP, with a token, answered or refused in words.

https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

from typing import Any

import msgspec

from demo.systems.http import Http, Reply
from demo.systems.lines import Answer, LineLost
from demo.systems.outbox import Waiting
from demo.systems.tokens import Tokens

_WORDS_MAX = 2_000


class Push:
    """One connection to the record's FHIR address; its tokens may be shared with others."""

    def __init__(self, base: str, tokens: Tokens, *, http: Http | None = None) -> None:
        """`http`: a connection that several programs of one machine share, each with its own tokens."""
        self._http = http or Http(base)
        self._tokens = tokens

    async def send(self, message: Waiting) -> Answer:
        """2xx is an answer, so is a refusal (4xx). Raises LineLost for what may go better later: 5xx, 408, 429."""
        reply = await self._request(message)
        if reply.status == 401:
            reply = await self._request(message)  # With a new token: the one we had was over.
        if reply.status >= 500 or reply.status in (401, 408, 425, 429):
            raise LineLost(f"The record answered {reply.status}: {words(reply.body)}")
        refused = _refused_entries(reply.body) if reply.status == 200 else ""
        if refused:
            return Answer("refused", message.control_id, refused)
        text = "" if reply.status < 400 else words(reply.body)
        return Answer(str(reply.status), message.control_id, text)

    async def _request(self, message: Waiting) -> Reply:
        method, place = message.kind.split(" ", 1)
        token = await self._tokens.token()
        headers = {
            "authorization": f"Bearer {token}",
            "content-type": "application/fhir+json",
            "accept": "application/fhir+json",
            "x-request-id": message.control_id,
        }
        path = f"{self._http.path}/{place}" if place else self._http.path
        reply = await self._http.request(method, path, headers, message.content)
        if reply.status == 401:
            self._tokens.forget(token)
        return reply

    def close(self) -> None:
        self._http.close()


def words(body: bytes) -> str:
    """What an OperationOutcome says, or the beginning of whatever came instead."""
    try:
        outcome = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return body[:200].decode("utf-8", "replace")
    return _of_outcome(outcome)[:_WORDS_MAX]


def _of_outcome(outcome: Any) -> str:
    issues = outcome.get("issue") if isinstance(outcome, dict) else None
    told = []
    for issue in issues or []:
        text = issue.get("diagnostics") or (issue.get("details") or {}).get("text") or issue.get("code", "")
        where = ", ".join(issue.get("expression") or ())
        told.append(f"{where}: {text}" if where and where not in text else text)
    return " ".join(told)


def _refused_entries(body: bytes) -> str:
    """A batch is answered entry by entry: what became of those that were not taken."""
    if b"batch-response" not in body:
        return ""
    bundle = msgspec.json.decode(body)
    entries = bundle.get("entry") or []
    answers = [entry.get("response") or {} for entry in entries]
    refused = [answer for answer in answers if not str(answer.get("status", "")).startswith("2")]
    if not refused:
        return ""
    first = _of_outcome(refused[0].get("outcome")) or str(refused[0].get("status"))
    return f"{len(refused)} of {len(answers)} entries refused, the first: {first}"[:_WORDS_MAX]
