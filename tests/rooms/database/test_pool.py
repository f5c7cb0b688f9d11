"""The pool: connections of one role, replaced when they break."""

from __future__ import annotations

from carerecord import database
from carerecord.settings import Settings


async def test_every_connection_is_the_role_it_was_opened_for(settings: Settings) -> None:
    for role in ("owner", "listen", "work", "serve", "operate", "witness"):
        async with database.connect(settings, role) as db:
            assert await db.fetchval("select current_user") == f"carerecord_{role}"
            await db.execute("reset role")
            assert await db.fetchval("select current_user") == f"carerecord_{role}"
