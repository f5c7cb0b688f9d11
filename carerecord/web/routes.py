"""The addresses of the pages, each with who may call it: no address holds anything about a patient."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from carerecord.routing import Route
from carerecord.web import assets
from carerecord.web.desk import (
    administration,
    frame,
    guardian,
    privacy,
    privacy_listed,
    records,
    removal,
    safety,
    subject_access,
)
from carerecord.web.desk import ledger as ledger_desk
from carerecord.web.ledger import looks, sharing
from carerecord.web.ledger import sign_in as own_sign_in
from carerecord.web.pages import close, document, emergency, entry, find, original, reason, running, sign_in, summary
from carerecord.web.pages import safety as report
from carerecord.web.patience import in_time


async def health(_: Request) -> Response:
    return PlainTextResponse("Serving.")


_CHART = "/patient/{session}"

routes: tuple[Route, ...] = (
    Route(method="GET", path="/", endpoint=sign_in.ask, access="public", summary="The first page: who are you?"),
    Route(
        method="GET", path="/sign-in", endpoint=sign_in.start, access="public", summary="On to the sign-in provider."
    ),
    Route(
        method="GET",
        path="/sign-in/callback",
        endpoint=sign_in.finish,
        access="public",
        summary="Back from the provider.",
    ),
    Route(
        method="GET",
        path="/sign-in/role",
        endpoint=sign_in.list_roles,
        access="public",
        summary="The roles of someone who is signing in, known by the sign-in's own cookie.",
    ),
    Route(
        method="POST", path="/sign-in/role", endpoint=sign_in.choose_role, access="public", summary="Takes one role."
    ),
    Route(
        method="POST", path="/sign-out", endpoint=sign_in.sign_out, access="public", summary="Ends the staff session."
    ),
    Route(
        method="POST",
        path="/sign-in/back-channel-logout",
        endpoint=sign_in.log_out,
        access="back-channel",
        summary="The sign-in provider says that a session of its own has ended: ours ends with it.",
    ),
    Route(method="GET", path="/signed-out", endpoint=sign_in.signed_out, access="public", summary="After signing out."),
    Route(method="GET", path="/find", endpoint=find.ask, access="staff", summary="Asks whom to find."),
    Route(
        method="POST",
        path="/find",
        endpoint=in_time(find.find),
        access="staff",
        summary="Finds by NHS number and date of birth.",
    ),
    Route(
        method="GET",
        path=f"{_CHART}/summary",
        endpoint=in_time(summary.show),
        access="session",
        summary="One person's record.",
    ),
    Route(
        method="GET",
        path=f"{_CHART}/open",
        endpoint=running.ask,
        access="session",
        summary="Whether an open page may stay: answered when its session ends or is cut.",
    ),
    Route(
        method="GET",
        path=f"{_CHART}/reason",
        endpoint=in_time(reason.ask),
        access="session",
        summary="Asks why it is opened.",
    ),
    Route(
        method="GET",
        path=f"{_CHART}/emergency",
        endpoint=in_time(emergency.ask),
        access="session",
        summary="Asks why emergency access is needed, and for how long; also as a rehearsal.",
    ),
    Route(
        method="POST",
        path=f"{_CHART}/emergency",
        endpoint=in_time(emergency.declare),
        access="session",
        summary="Takes the declaration: the privacy desk has its case before anything opens.",
    ),
    Route(
        method="POST",
        path=f"{_CHART}/emergency/end",
        endpoint=emergency.end,
        access="session",
        summary="Ends emergency access before its time.",
    ),
    Route(
        method="POST",
        path=f"{_CHART}/reason",
        endpoint=in_time(reason.give),
        access="session",
        summary="Takes the reason.",
    ),
    Route(
        method="GET",
        path=f"{_CHART}/entry/{{entry_id}}",
        endpoint=in_time(entry.show),
        access="session",
        summary="One line opened: what each source said.",
    ),
    Route(
        method="GET",
        path=f"{_CHART}/original/{{reference}}",
        endpoint=in_time(original.show),
        access="session",
        summary="An original message, as it was sent.",
    ),
    Route(
        method="GET",
        path=f"{_CHART}/document/{{statement_id}}",
        endpoint=in_time(document.show),
        access="session",
        summary="A letter's own file.",
    ),
    Route(method="POST", path=f"{_CHART}/close", endpoint=close.close, access="session", summary="Closes one chart."),
    Route(method="GET", path="/closed", endpoint=close.closed, access="public", summary="After closing a chart."),
    Route(
        method="GET", path="/static/{name}", endpoint=assets.show, access="public", summary="Styles, script and icon."
    ),
    *frame.routes,
    *privacy.routes,
    *ledger_desk.routes,
    *privacy_listed.routes,
    *guardian.routes,
    *records.routes,
    *removal.routes,
    *subject_access.routes,
    *administration.routes,
    *safety.routes,
    *report.routes,
    *own_sign_in.routes,
    *looks.routes,
    *sharing.routes,
    Route(method="GET", path="/health", endpoint=health, access="public", summary="Whether this process serves."),
)
