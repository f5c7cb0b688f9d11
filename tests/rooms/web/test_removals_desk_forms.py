"""Removals at the records desk, form by form, without a browser: what each says, and that two people carry it out."""

from __future__ import annotations

import re
import urllib.parse
import urllib.request
from collections.abc import Iterator

import pytest

from carerecord import clock
from carerecord.settings import Settings
from tests.house import BIRTH_DATE, NHS_NUMBER
from tests.real_desks import RealDesks, real_desks
from tests.rooms.stewardship.removals import complete

HOME = "/desk/records/removals"


@pytest.fixture(scope="module")
def desks(test_server: Settings) -> Iterator[RealDesks]:
    with real_desks(test_server, is_seen=False) as started:
        started.run(started.house.joan())
        yield started


def ask(desks: RealDesks, path: str, *, name: str, form: dict[str, str] | None = None) -> str:
    token = desks.run(
        desks.parts.sessions.create_staff(desks.staff("records-manager", name=name), at=clock.now())
    ).token
    data = urllib.parse.urlencode(form).encode() if form is not None else None
    request = urllib.request.Request(
        desks.address + path, data=data, headers={"Cookie": f"carerecord_staff={token}", "Origin": desks.address}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        page: str = answer.read().decode()
        return page


def test_from_a_search_to_its_proof(desks: RealDesks) -> None:
    born = {"day": str(BIRTH_DATE.day), "month": str(BIRTH_DATE.month), "year": str(BIRTH_DATE.year)}
    page = ask(desks, f"{HOME}/find", name="Ann Hill", form={"nhs_number": NHS_NUMBER, **born})
    found = re.search(r'name="named" value="([a-z2-7]{13})"', page, re.I)
    assert found is not None
    source = re.search(r'<option value="([a-z-]+)"', page)
    assert source is not None
    content = {"reach": "person", "named": found[1], "source": source[1], "authority": "erasure"}
    page = ask(desks, f"{HOME}/look", name="Ann Hill", form=content)
    assert "Identities that go, with names and numbers" in page
    assert "HARTLEY" not in page
    page = ask(desks, f"{HOME}/ask", name="Ann Hill", form={**content, "because": "Asked by the person."})
    reference = re.search(r'name="reference" value="([0-9A-F-]{19})"', page)
    assert reference is not None
    assert "Agree, and withdraw it now" not in page
    page = ask(desks, HOME, name="Bo Lane")
    assert "Agree, and withdraw it now" not in page
    page = ask(desks, f"{HOME}/look", name="Ann Hill", form={"reference": reference[1]})
    assert "Agree, and withdraw it now" not in page
    page = ask(desks, f"{HOME}/look", name="Bo Lane", form={"reference": reference[1]})
    assert "Identities that go, with names and numbers" in page
    assert "That cannot be undone" in page
    assert "Agree, and withdraw it now" in page
    page = ask(desks, f"{HOME}/step/agree", name="Bo Lane", form={"reference": reference[1]})
    assert "Ann Hill (555-ann-hill) and Bo Lane (555-bo-lane)" in page
    desks.run(complete(desks.settings))
    ask(desks, f"{HOME}/{reference[1]}/prove", name="Bo Lane", form={})
    assert '"holds": true' in ask(desks, f"{HOME}/{reference[1]}/proof.json", name="Bo Lane")
    assert "Nothing is due" in ask(desks, f"{HOME}/due", name="Bo Lane")
