"""The route table: the only way to add a route, and each entry names its access."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Literal, get_args

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute

Access = Literal["public", "session", "staff", "desk", "person", "client", "back-channel"]
"""public: nothing of a patient is behind it. session: a session bound to one patient. staff: someone who signed in.
desk: someone who signed in, in a role that may work at `Route.desk`. person: a patient, signed in to what is their own.
client: a program's token. back-channel: a signed message of a registered system."""

DESKS = ("privacy", "guardian", "records", "administration", "safety")


class RouteWithoutAccess(TypeError):
    """A route names no access policy, or no desk that there is: say who may call it before it can be served."""


class Route(msgspec.Struct, frozen=True, kw_only=True):
    method: str
    path: str
    endpoint: Callable[[Request], Awaitable[Response]]
    access: Access
    summary: str  # one sentence, for the generated list of routes
    desk: str = ""  # which desk, where access is "desk"


def starlette_routes(table: Iterable[Route]) -> list[StarletteRoute]:
    """The table as Starlette wants it. Raises RouteWithoutAccess: an unguarded route must stop the start."""
    routes = []
    for route in table:
        if route.access not in get_args(Access) or (route.access == "desk") != (route.desk in DESKS):
            raise RouteWithoutAccess(f"{route.method} {route.path}")
        routes.append(StarletteRoute(route.path, route.endpoint, methods=[route.method]))
    return routes
