"""The three mouths as one application: what a route says of who may call it is what it does."""

from __future__ import annotations

import re

from carerecord import api, launch, web
from carerecord.settings import Settings
from tests.safety.ward import JOAN, letter, open_ward, visit, wrote

GUARDED = [
    route for route in (*web.routes, *launch.routes, *api.routes) if route.access in ("session", "staff", "client")
]


async def test_no_guarded_route_gives_anything_to_a_stranger(settings: Settings) -> None:
    assert {route.access for route in GUARDED} == {"session", "staff", "client"}
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit()), letter("D1", "Dear colleague"))
        chart = await ward.open(JOAN)
        session = chart.address.rsplit("/", 1)[1]
        events = len(await ward.events())
        for route in GUARDED:
            path = re.sub(r"\{[^}]+\}", "x", route.path.replace("{session}", session))
            stranger = await ward.browser()
            for headers in ({}, {"Authorization": "Bearer guessed", "Cookie": f"carerecord_{session}=guessed"}):
                answer = await stranger.request(
                    route.method, path, headers={"Origin": str(stranger.base_url), **headers}, follow_redirects=False
                )
                assert answer.status_code in (302, 303, 400, 401, 403, 415), (
                    f"{route.method} {path}: {answer.status_code}"
                )
                assert "HARTLEY" not in answer.text.upper(), f"{route.method} {path}"
                assert f"/patient/{session}" not in answer.headers.get("location", "")
        assert len(await ward.events()) == events, "nothing was opened, found or shown"
        assert "HARTLEY" in (await chart.get()).text, "the session itself is still good"
