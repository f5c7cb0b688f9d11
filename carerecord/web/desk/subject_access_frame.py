"""What the pages of subject access share: the desk's hand, what was filled in, and how far a worklist is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from starlette.requests import Request

from carerecord.disclosure import Refusal
from carerecord.stewardship.subject_access import Files, Worklist
from carerecord.web import parts
from carerecord.web.desk import subject_access_views as views
from carerecord.web.desk.frame import Working

T = TypeVar("T")
DESK = "records"
HOME = f"/desk/{DESK}/subject-access"
FIELDS = ("nhs_number", "day", "month", "year", "requester", "identity_check", "because", "choice", "ground", "words",
          "advised_by", "spans")  # fmt: skip


async def do(request: Request, working: Working, doing: Callable[[Files], Awaitable[T | Refusal]]) -> T | Refusal:
    return await parts.of(request).subject_access.do(working.staff, doing)


async def read_worklist(request: Request, working: Working) -> Worklist | Refusal:
    return await do(request, working, lambda files: files.worklist(working.staff, number(request), **how(working)))


def progress(worklist: Worklist) -> dict[str, Any]:
    return {"total": len(worklist.items), "decided": len(worklist.items) - len(worklist.undecided)}


def filled(working: Working, wrong: dict[str, str] | None) -> dict[str, Any]:
    return {
        "filled": {name: working.fields.get(name, "") for name in FIELDS},
        "wrong": wrong or {},
        "errors": list((wrong or {}).items()),
        "grounds": [("", "–"), *((each.value, views.GROUNDS[each][0]) for each in views.GROUNDS_TO_CHOOSE)],
        "choices": [(each.value, *said) for each, said in views.CHOICES.items()],
    }


def how(working: Working) -> dict[str, Any]:
    return {"session": working.session.id, "at": working.at}


def number(request: Request, name: str = "request") -> int:
    """0, which is no request, for whatever is no number."""
    return text_number(str(request.path_params[name]))


def text_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 19 and int(text) < 2**63 else 0
