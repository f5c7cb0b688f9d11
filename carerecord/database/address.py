"""Where the database is for a role: a given DSN, or the socket of the embedded server."""

from __future__ import annotations

from typing import Any

from carerecord.database.places import socket_folder
from carerecord.settings import Settings

ROLES = ("owner", "listen", "work", "serve", "operate", "witness", "steward", "remove", "relabel")
DATABASE = "carerecord"
SUPERUSER = "carerecord_superuser"
PORT = 5432

# Who hears and who folds ask the same few questions of a batch or of one patient, always little beside the tables: each
# is planned once, and by index. A plan made while a table was new and empty must not read all of it once it is large.
_PLANNED_BY_INDEX = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}


def address(settings: Settings, role: str) -> dict[str, Any]:
    """Keyword arguments for asyncpg.connect. A DSN of the role's own is trusted to be that role; the owner's DSN takes
    the role on at start-up, so that RESET ROLE stays in it; the embedded server knows each role by its socket peer."""
    if role not in ROLES:
        raise ValueError(f"{role} is not a role: use one of {', '.join(ROLES)}.")
    server_settings = {"application_name": f"carerecord {role}", "timezone": "UTC", "jit": "off"}
    if role in {"listen", "work"}:
        server_settings |= _PLANNED_BY_INDEX
    own = {
        "listen": settings.database_listen,
        "work": settings.database_work,
        "serve": settings.database_serve,
    }.get(role)
    if own:
        return {"dsn": own, "server_settings": server_settings}
    if settings.database:
        if role != "owner":
            server_settings["role"] = f"carerecord_{role}"
        return {"dsn": settings.database, "server_settings": server_settings}
    return {
        "host": str(socket_folder(settings)),
        "port": PORT,
        "user": f"carerecord_{role}",
        "database": DATABASE,
        "server_settings": server_settings,
    }


def superuser_address(settings: Settings, *, database: str = "postgres") -> dict[str, Any]:
    """The embedded server's superuser: for its supervisor, and for tests that clone databases."""
    return {"host": str(socket_folder(settings)), "port": PORT, "user": SUPERUSER, "database": database}
