"""The records desk's pages of subject access: requests by due date, a worklist, what is left out, and the file."""

from __future__ import annotations

from datetime import date

from starlette.requests import Request
from starlette.responses import Response

from carerecord.disclosure import Refusal
from carerecord.routing import Route
from carerecord.stewardship.subject_access import Worklist, in_order
from carerecord.web import parts
from carerecord.web.desk import frame, subject_access_items
from carerecord.web.desk import subject_access_views as views
from carerecord.web.desk.frame import Working
from carerecord.web.desk.records import TABS
from carerecord.web.desk.subject_access_frame import DESK, HOME, do, filled, how, number, read_worklist
from carerecord.web.security import is_https

COOKIE = "carerecord_file"
COOKIE_SECONDS = 24 * 3600


async def list_requests(request: Request, working: Working) -> Response:
    return await _list(request, working)


async def open_request(request: Request, working: Working) -> Response:
    """Whom it is about is found by number and birthday together, and named on no page."""
    fields = working.fields
    try:
        born = date(*(int(fields.get(name, "")) for name in ("year", "month", "day")))
    except ValueError:
        return await _list(request, working, {"day": "Give the date of birth, for example 15 3 1984"})
    if not fields.get("requester", "").strip():
        return await _list(request, working, {"requester": "Say who asks: the person, a solicitor, a parent"})
    opened = await do(
        request,
        working,
        lambda files: files.open(
            working.staff,
            nhs_number="".join(fields.get("nhs_number", "").split()),
            birth_date=born,
            requester=fields.get("requester", ""),
            identity_check=fields.get("identity_check", ""),
            **how(working),
        ),
    )
    if isinstance(opened, Refusal):
        field = "identity-check" if "sure" in opened.sentences[0] else "nhs-number"
        return await _list(request, working, {field: opened.sentences[0]})
    return frame.to(f"{HOME}/{opened.id}")


async def show_request(request: Request, working: Working) -> Response:
    return await _request(request, working)


async def identify(request: Request, working: Working) -> Response:
    said = working.fields.get("identity_check", "")
    done = await do(
        request,
        working,
        lambda files: files.identify(working.staff, number(request), identity_check=said, **how(working)),
    )
    return await _back(request, working, done, "identity-check")


async def extend(request: Request, working: Working) -> Response:
    said = working.fields.get("because", "")
    done = await do(
        request, working, lambda files: files.extend(working.staff, number(request), because=said, **how(working))
    )
    return await _back(request, working, done, "because")


async def close(request: Request, working: Working) -> Response:
    done = await do(request, working, lambda files: files.close(working.staff, number(request), **how(working)))
    return await _back(request, working, done, "close")


async def ask_file(request: Request, working: Working) -> Response:
    """The private half of its key goes to this browser and is kept nowhere else."""
    asked = await do(request, working, lambda files: files.ask_file(working.staff, number(request), **how(working)))
    answer = await _back(request, working, asked, "file")
    if not isinstance(asked, Refusal):
        file_id, private = asked
        answer.set_cookie(
            f"{COOKIE}_{file_id}",
            private,
            max_age=COOKIE_SECONDS,
            path=f"{HOME}/{number(request)}/files/{file_id}",
            secure=is_https(parts.of(request).settings),
            httponly=True,
            samesite="strict",
        )
    return answer


async def fetch_file(request: Request, working: Working) -> Response:
    """As one file, under a name that says nothing of whose it is: it stays in the folder of downloads."""
    file_id = number(request, "file")
    private = request.cookies.get(f"{COOKIE}_{file_id}", "")
    content = await do(
        request,
        working,
        lambda files: files.fetch_file(working.staff, number(request), file_id, private=private, **how(working)),
    )
    if isinstance(content, Refusal):
        return await _request(request, working, {"file": content.sentences[0]})
    return Response(
        content,
        media_type="application/zip",
        headers={"content-disposition": f'attachment; filename="subject-access-{file_id % 10_000:04}.zip"'},
    )


# --- Inside ---------------------------------------------------------------------------------------------------------


async def _list(request: Request, working: Working, wrong: dict[str, str] | None = None) -> Response:
    every = request.query_params.get("state") == "all"
    found = await do(request, working, lambda files: files.list(working.staff, every=every))
    if isinstance(found, Refusal):
        return frame.refused(request, found, desk=DESK)
    on = views.local_day(working.at)
    lines = [views.line(each, on=on) for each in in_order(found, on=on)]
    return frame.draw(
        request,
        working,
        "desk/subject_access.html",
        status=422 if wrong else 200,
        tabs=TABS,
        lines=lines,
        late=sum(each.is_late for each in lines),
        every=every,
        **filled(working, wrong),
    )


async def _request(request: Request, working: Working, wrong: dict[str, str] | None = None) -> Response:
    asked_for = number(request)
    asked = await do(request, working, lambda files: files.read(working.staff, asked_for, **how(working)))
    if isinstance(asked, Refusal):
        return frame.refused(request, asked, desk=DESK)
    files = await do(request, working, lambda each: each.list_files(working.staff, asked_for))
    worklist: Worklist | None = None
    if asked.identified_at is not None and asked.closed_at is None:
        read = await read_worklist(request, working)
        if isinstance(read, Refusal):
            return frame.refused(request, read, desk=DESK)
        worklist = read
    made = [] if isinstance(files, Refusal) else [views.file_view(each) for each in files]
    return frame.draw(
        request,
        working,
        "desk/subject_access_request.html",
        status=422 if wrong else 200,
        tabs=TABS,
        here=f"{HOME}/{asked.id}",
        asked=views.request_view(asked, on=views.local_day(working.at)),
        total=len(worklist.items) if worklist else 0,
        decided=len(worklist.items) - len(worklist.undecided) if worklist else 0,
        statements=worklist.statements if worklist else 0,
        groups=views.groups(worklist) if worklist else (),
        first=worklist.undecided[0].id if worklist and worklist.undecided else "",
        is_worked=worklist is not None,
        files=made,
        is_made=any(each.is_under_way for each in made),
        **filled(working, wrong),
    )


async def _back(request: Request, working: Working, done: object, field: str) -> Response:
    if not isinstance(done, Refusal):
        return frame.to(f"{HOME}/{number(request)}")
    if done.kind in ("not-found", "unavailable"):
        return frame.refused(request, done, desk=DESK)
    return await _request(request, working, {field: done.sentences[0]})


_ONE = f"{HOME}/{{request}}"
routes: tuple[Route, ...] = (
    frame.page(HOME, list_requests, desk=DESK, summary="Subject access requests by the day they are due; no names."),
    frame.form(HOME, open_request, desk=DESK, summary="Opens a request of a person found by number and birthday."),
    frame.page(_ONE, show_request, desk=DESK, summary="One request: its clock, how far it is, and its file."),
    frame.form(f"{_ONE}/identify", identify, desk=DESK, summary="Says what was seen of who asks: the month begins."),
    frame.form(f"{_ONE}/extend", extend, desk=DESK, summary="Takes two further months, for a reason."),
    frame.form(f"{_ONE}/file", ask_file, desk=DESK, summary="Asks for the file, sealed for this browser."),
    frame.page(f"{_ONE}/files/{{file}}", fetch_file, desk=DESK, summary="Hands out the file; witnessed first."),
    frame.form(f"{_ONE}/close", close, desk=DESK, summary="Says that a request is answered."),
    *subject_access_items.routes,
)
