"""Which program asks, and whether its token covers what it asks for (RFC 6750)."""

from __future__ import annotations

from datetime import datetime

from starlette.requests import Request

from carerecord.api.answer import NotServed
from carerecord.api.parts import of
from carerecord.disclosure import Looking
from carerecord.model import Evidence, EvidenceClass, Purpose
from carerecord.signin import SEARCH_COSTS, ClientAccess

ROUTE = "fhir"


async def read_access(request: Request, *, kind: str, letter: str, at: datetime) -> ClientAccess:
    """The program behind the access token. Raises NotServed: 401 without a valid one, 403 beyond its scope."""
    access = await find_program(request, at=at)
    check_scope(access, kind, letter)
    return access


async def find_program(request: Request, *, at: datetime) -> ClientAccess:
    """The program behind the access token, whatever it may do. Raises NotServed: 401 without a valid one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.casefold() != "bearer" or not token.strip():
        raise NotServed(
            401,
            "login",
            "A program must show an access token: get one at the token address and send it as Authorization: Bearer.",
            headers={"www-authenticate": 'Bearer realm="carerecord"'},
        )
    is_search = request.method == "POST" and request.url.path.endswith("/_search")
    access = await of(request).clients.find(token.strip(), at=at, cost=SEARCH_COSTS if is_search else 1)
    if access is None:
        raise NotServed(
            401,
            "expired",
            "This access token is not valid, or no longer: get a new one at the token address.",
            headers={"www-authenticate": 'Bearer realm="carerecord", error="invalid_token"'},
        )
    return access


def check_scope(access: ClientAccess, kind: str, letter: str) -> None:
    """Raises NotServed: 403 where the token does not cover this."""
    if not access.scopes.may(kind, letter):
        needed = f"system/{kind}.{letter}"
        raise NotServed(
            403,
            "forbidden",
            f"This access token does not cover {needed}: ask for a token with that scope.",
            headers={"www-authenticate": f'Bearer realm="carerecord", error="insufficient_scope", scope="{needed}"'},
        )


def looking_of(access: ClientAccess, *, patient_key: int, at: datetime) -> Looking:
    """A program looks under its organisation's agreement, which is all the evidence it has."""
    return Looking(
        staff=access.staff,
        patient_key=patient_key,
        evidence=Evidence(kind=EvidenceClass.AGREEMENT, said_by=access.staff.organisation),
        purpose=Purpose.TREAT,
        route=ROUTE,
        session=access.id,
        at=at,
    )
