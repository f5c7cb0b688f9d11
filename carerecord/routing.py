"""The route table: the only way to add a route, and each entry names its access."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute

Access = Literal["public", "session", "staff", "client", "back-channel"]
"""public: nothing of a patient is behind it. session: a session bound to one patient. staff: someone who signed in.
client: a program's token. back-channel: a signed message of a registered system."""


class RouteWithoutAccess(TypeError):
    """A route names no access policy: say who may call it before it can be served."""


class Route(msgspec.Struct, frozen=True, kw_only=True):
    method: str
    path: str
    endpoint: Callable[[Request], Awaitable[Response]]
    access: Access
    summary: str  # one sentence, for the generated list of routes


def starlette_routes(table: Iterable[Route]) -> list[StarletteRoute]:
    """The table as Starlette wants it. Raises RouteWithoutAccess: an unguarded route must stop the start."""
    routes = []
    for route in table:
        if route.access not in ("public", "session", "staff", "client", "back-channel"):
            raise RouteWithoutAccess(f"{route.method} {route.path}")
        routes.append(StarletteRoute(route.path, route.endpoint, methods=[route.method]))
    return routes
