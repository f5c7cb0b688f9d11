"""Every route of a desk refuses whoever may not work there, whatever it is asked and however it is called."""

from __future__ import annotations

import re

import pytest

from carerecord import access, api, launch, web
from carerecord.routing import DESKS, Route
from tests.stage import Stage

TABLE = (*web.routes, *launch.routes, *api.routes)
AT_A_DESK = [route for route in TABLE if route.access == "desk"]
ROLES = ("clinician", "admin", *(role for role, row in access.SHIPPED.matrix.role.items() if row.desks))


def ask(stage: Stage, route: Route) -> str:
    """The heading of what comes back, which must be a refusal."""
    answer = stage.client.request(route.method, re.sub(r"\{\w+\}", "1", route.path))
    assert answer.status_code == 403, (route.method, route.path, answer.status_code)
    said = re.search(r"<h1>(.+?)</h1>", answer.text)
    assert said, answer.text
    return said[1]


@pytest.mark.parametrize("route", AT_A_DESK, ids=lambda route: f"{route.method} {route.path}")
def test_without_a_session_a_desk_shows_nothing(route: Route) -> None:
    assert ask(Stage(), route) == "This session has ended"


@pytest.mark.parametrize("route", AT_A_DESK, ids=lambda route: f"{route.method} {route.path}")
def test_a_chart_that_is_open_opens_no_desk(route: Route) -> None:
    stage = Stage()
    stage.open_chart()
    assert ask(stage, route) == "This session has ended"


@pytest.mark.parametrize("route", AT_A_DESK, ids=lambda route: f"{route.method} {route.path}")
def test_a_role_that_works_elsewhere_is_refused_and_that_is_witnessed(route: Route) -> None:
    others = [role for role in ROLES if not access.may_work(role, route.desk)]
    assert {"clinician", "admin"} < set(others)
    for role in others:
        stage = Stage()
        stage.sign_in(role)
        assert ask(stage, route) == "This desk is not yours", role
        assert [kind for kind, *_ in stage.door.asked] == ["refused"], "nothing else may be asked of any door"


@pytest.mark.parametrize("route", AT_A_DESK, ids=lambda route: f"{route.method} {route.path}")
def test_a_form_of_a_desk_is_taken_from_its_own_page_only(route: Route) -> None:
    if route.method == "GET":
        assert route.endpoint  # Pages change nothing: there is no form to forge.
        return
    role = next(role for role in ROLES if access.may_work(role, route.desk))
    stage = Stage()
    stage.sign_in(role)
    stage.client.headers["Origin"] = "https://elsewhere.example"
    assert ask(stage, route) == "This form was not accepted"


def test_every_desk_has_somebody_who_may_work_there_and_no_clinician_may() -> None:
    for desk in DESKS:
        assert any(access.may_work(role, desk) for role in ROLES)
        assert not access.may_work("clinician", desk)


def test_pages_under_the_desks_are_routes_of_a_desk() -> None:
    """A page that stands under a desk's address and forgets its desk would be open to any role."""
    forgotten = [route.path for route in TABLE if route.path.startswith("/desk/") and route.access != "desk"]
    assert forgotten == []
    assert all(route.path.split("/")[2] == route.desk for route in AT_A_DESK if route.path.startswith("/desk/"))
