"""Signing in and out, and choosing the role to work in."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from carerecord import logs
from carerecord.disclosure import Refusal
from carerecord.model import Staff
from carerecord.signin import (
    SIGN_IN_COOKIE,
    STAFF_COOKIE,
    Login,
    NotSigned,
    ProviderFailed,
    desks_of,
    find_staff_session,
)
from carerecord.signin.device import device
from carerecord.web import drawing, framing, parts
from carerecord.web.pages import refusal
from carerecord.web.security import is_https, read_form, read_told
from carerecord.web.views import Frame, Role

COOKIE_SECONDS = 600
ROLES_LISTED_MAX = 5
NOT_SET_UP = Refusal(
    kind="not-allowed",
    sentences=(
        "There is no direct sign-in here. Open the record from your own system, with the person already chosen.",
    ),
)
NO_LOGIN = Refusal(
    kind="not-allowed", sentences=("Choosing a role took too long, or was done already. Sign in again.",)
)
AGAIN = ("/", "Sign in again")


async def ask(request: Request) -> Response:
    """The first page: who are you?"""
    if framing.allow_sentences(request):
        return refusal.not_in_frame(request)
    return _page(request, is_signed_out=False)


async def signed_out(request: Request) -> Response:
    return _page(request, is_signed_out=True)


async def start(request: Request) -> Response:
    """Sends the reader to the provider that knows them, and leaves this browser a secret to come back with."""
    if framing.allow_sentences(request):
        return refusal.not_in_frame(request)
    part = parts.of(request)
    if part.cis2 is None or not part.cis2.is_configured:
        return refusal.show(request, NOT_SET_UP)
    begun = await part.cis2.start(at=part.clock())
    if isinstance(begun, Refusal):
        return refusal.show(request, begun, back=AGAIN)
    response = RedirectResponse(begun.url, status_code=303)
    response.set_cookie(
        SIGN_IN_COOKIE,
        begun.cookie,
        path="/sign-in",
        max_age=COOKIE_SECONDS,
        httponly=True,
        samesite="lax",
        secure=is_https(part.settings),
    )
    return response


async def finish(request: Request) -> Response:
    """Back from the provider: no usable role is refused, one is taken, several are shown."""
    part = parts.of(request)
    if part.cis2 is None:
        return refusal.show(request, NOT_SET_UP)
    said = request.query_params
    login = await part.cis2.finish(
        state=said.get("state"),
        code=said.get("code"),
        cookie=request.cookies.get(SIGN_IN_COOKIE),
        at=part.clock(),
        error=said.get("error"),
    )
    if isinstance(login, Refusal):
        return refusal.show(request, login, back=AGAIN)
    if len(login.usable) > 1:
        return RedirectResponse("/sign-in/role", status_code=303)
    staff = login.staff(login.usable[0].id) if login.usable else None
    if staff is None:
        return refusal.show(request, NO_LOGIN, back=AGAIN)
    return await _enter(request, staff, provider_session=login.provider_session)


async def list_roles(request: Request) -> Response:
    part = parts.of(request)
    login = await part.cis2.find_login(request.cookies.get(SIGN_IN_COOKIE), at=part.clock()) if part.cis2 else None
    if login is None:
        return refusal.show(request, NO_LOGIN, back=AGAIN)
    return _roles_page(request, login, search=request.query_params.get("search", ""))


async def choose_role(request: Request) -> Response:
    part = parts.of(request)
    fields = await read_form(request, part.settings)
    if part.cis2 is None:
        return refusal.show(request, NOT_SET_UP)
    cookie = request.cookies.get(SIGN_IN_COOKIE)
    login = await part.cis2.find_login(cookie, at=part.clock())
    staff = await part.cis2.choose(cookie, role_id=fields.get("role", ""), at=part.clock())
    if isinstance(staff, Refusal):
        return refusal.show(request, staff, back=AGAIN)
    return await _enter(request, staff, provider_session=login.provider_session if login else "")


async def log_out(request: Request) -> Response:
    """`POST /sign-in/back-channel-logout`: the provider says that a session of its own has ended, and ours with it.

    https://openid.net/specs/openid-connect-backchannel-1_0.html §2.5 and §2.8.
    """
    part = parts.of(request)
    at = part.clock()
    fields = await read_told(request)
    try:
        if part.cis2 is None or "logout_token" not in fields:
            raise NotSigned("logout_token", "it is missing, or signing in is not set up here")
        said = await part.cis2.hear_logout(fields["logout_token"], at=at)
    except NotSigned as wrong:
        logs.say(logs.Line.SIGN_IN_REFUSED, rule=f"logout {wrong.field}")
        told = {"error": "invalid_request", "error_description": f"{wrong.field}: {wrong.rule}."}
        return JSONResponse(told, status_code=400)
    except ProviderFailed as failed:
        return JSONResponse({"error": "server_error", "error_description": str(failed)}, status_code=400)
    ended = await part.sessions.close_signed_in(
        provider_session=said.provider_session, user_id=said.user_id, because="logged out at the provider", at=at
    )
    for each in ended:  # They are out whether or not this can be written down now.
        await part.door.witness_event(
            "signed_out", staff=each.staff, route="sign-in", session=each.id, detail={"by": "provider"}, at=at
        )
    return Response(status_code=200)


async def sign_out(request: Request) -> Response:
    """Ends the staff session, and with it every chart opened from it."""
    part = parts.of(request)
    await read_form(request, part.settings)
    at = part.clock()
    session = await find_staff_session(part.sessions, request.cookies, at=at)
    if session is not None:
        await part.sessions.close(session, because="signed out", at=at)
        # They are out whether or not this can be written down now.
        await part.door.witness_event("signed_out", staff=session.staff, route=session.route, session=session.id, at=at)
    response = RedirectResponse("/signed-out", status_code=303)
    response.delete_cookie(STAFF_COOKIE, path="/", httponly=True, samesite="lax")
    return response


async def _enter(request: Request, staff: Staff, *, provider_session: str) -> Response:
    part = parts.of(request)
    at = part.clock()
    new = await part.sessions.create_staff(staff, provider_session=provider_session, at=at)
    # Nobody is let in unwitnessed: without it the session is never handed over.
    refused = await part.door.witness_event(
        "signed_in", staff=staff, route="sign-in", session=new.id, at=at, detail={"device": device(request.headers)}
    )
    if refused is not None:
        return refusal.show(request, refused)
    response = RedirectResponse("/desk" if desks_of(staff.role) else "/find", status_code=303)
    response.set_cookie(
        STAFF_COOKIE,
        new.token,
        path="/",
        max_age=max(int((new.expires_at - at).total_seconds()), 0),
        httponly=True,
        samesite="lax",
        secure=is_https(part.settings),
    )
    response.delete_cookie(SIGN_IN_COOKIE, path="/sign-in", httponly=True, samesite="lax")
    return response


def _page(request: Request, *, is_signed_out: bool) -> Response:
    region = parts.of(request).region
    return drawing.page(
        "pages/sign_in.html",
        frame=Frame(title=region.title, phone=region.phone),
        signed_out=is_signed_out,
        provider=region.sign_in.name if region.sign_in else "",
    )


def _roles_page(request: Request, login: Login, *, search: str) -> Response:
    region = parts.of(request).region
    usable = login.usable
    wanted = search.casefold().split()
    roles = [
        Role(role.id, role.role_name, role.organisation_name)
        for role in usable
        if all(word in f"{role.role_name} {role.organisation_name}".casefold() for word in wanted)
    ]
    return drawing.page(
        "pages/role.html",
        frame=Frame(title=region.title, phone=region.phone),
        name=login.name,
        roles=roles,
        # Someone with many roles finds theirs by typing; with few, a search box would only be in the way.
        is_searchable=len(usable) > ROLES_LISTED_MAX,
        search=search,
        found=f"{len(roles)} of your {len(usable)} roles" + ("" if roles else ": try fewer words"),
        why_not=[role.why_not for role in login.roles if role.why_not],
    )
