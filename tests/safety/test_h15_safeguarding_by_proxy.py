"""H15: safeguarding information reaches a perpetrator by proxy."""

from __future__ import annotations

import pytest

from carerecord.disclosure import Summary
from carerecord.signin import patient_cookie
from tests import browser, rich
from tests.stage import Stage

pytestmark = pytest.mark.browser


def printed(shown: Summary) -> tuple[str, str]:
    """What stands on the screen, and what of it on paper."""
    stage = Stage()
    stage.door.shown = shown
    with browser.chromium() as chrome, browser.serving(stage.app) as address:
        stage.settings = type(stage.settings)(public_url=address)
        chart, page = stage.new_chart(), browser.page(chrome)
        path = f"/patient/{chart.id}"
        page.context.add_cookies(
            [{"name": patient_cookie(chart.id), "value": chart.token, "domain": "127.0.0.1", "path": path}]
        )
        page.goto(f"{address}{path}/summary?in=print")
        screen = page.inner_text("#main")
        page.emulate_media(media="print")
        return screen, page.inner_text("body")


@pytest.mark.parametrize("is_there", [True, False])
def test_paper_says_neither_that_something_is_recorded_nor_that_nothing_is(is_there: bool) -> None:
    """Paper is left where a perpetrator reads it."""
    screen, paper = printed(rich.summary() if is_there else rich.summary([]))
    assert "Safeguarding" in screen
    assert ("financial" in screen) is is_there
    assert "safeguarding" not in paper.casefold()
    assert "Medicines" in paper
