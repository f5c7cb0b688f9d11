"""The two requests of a launch, over HTTP: the host announces, the browser follows, once."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

from carerecord.model import EvidenceClass

AT = datetime(2026, 11, 12, 9, 0, tzinfo=UTC)
Opening = Callable[[], AbstractAsyncContextManager[Any]]


async def test_a_reader_arrives_at_the_chart_of_the_person_who_was_chosen(open_house: Opening, oxford: Any) -> None:
    async with open_house() as house:
        announced = await house.announce(oxford.launch())
        assert announced.status_code == 201
        assert announced.json()["expires_in"] == 60
        arrived = await house.browser.get(announced.json()["url"])
        assert arrived.status_code == 303
        _, _, session_id, page = arrived.headers["location"].split("/")
        assert page == "summary"
        cookie = arrived.headers["set-cookie"]
        assert f"Path=/patient/{session_id};" in cookie
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Secure" not in cookie  # The public address of this test is not https.
        token = cookie.split(";")[0].removeprefix(f"carerecord_{session_id}=")
        session = await house.parts.sessions.find(session_id, token=token, at=AT)
        assert (session.patient_key, session.route) == (4711, "launch")
        assert session.evidence.kind is EvidenceClass.APPOINTMENT
        event = house.parts.door.witnessed[-1]
        assert (event["kind"], event["patient_key"], event["session"]) == ("arrived", 4711, session_id)


async def test_a_cookie_for_an_https_address_is_secure(open_house: Opening, oxford: Any) -> None:
    async with open_house() as house:
        announced = await house.announce(oxford.launch())
        settings = house.parts.settings
        house.parts.settings = type(settings)(home=settings.home, public_url="https://record.example")
        arrived = await house.browser.get(announced.json()["url"])
        assert "Secure" in arrived.headers["set-cookie"]


async def test_no_address_holds_a_patients_detail(open_house: Opening, oxford: Any) -> None:
    async with open_house() as house:
        announced = await house.announce(oxford.launch())
        arrived = await house.browser.get(announced.json()["url"])
        for address in (announced.json()["url"], arrived.headers["location"]):
            for secret in ("9990000026", "Hartley", "1948", "4711"):
                assert secret not in address
        assert arrived.headers["cache-control"] == announced.headers["cache-control"] == "no-store"


async def test_a_code_works_once_and_its_second_use_is_witnessed(open_house: Opening, oxford: Any) -> None:
    async with open_house() as house:
        url = (await house.announce(oxford.launch())).json()["url"]
        assert (await house.browser.get(url)).status_code == 303
        again = await house.browser.get(url)
        assert again.status_code == 403
        assert "used already" in again.text
        assert "set-cookie" not in again.headers
        event = house.parts.door.witnessed[-1]
        assert (event["kind"], event["detail"]) == ("refused", {"rule": "code used"})
        assert "patient_key" not in event
        assert event["staff"].organisation == "RTH"


async def test_a_code_ends_after_a_minute(open_house: Opening, oxford: Any) -> None:
    async with open_house() as house:
        url = (await house.announce(oxford.launch())).json()["url"]
        house.parts.now = AT + timedelta(seconds=61)
        late = await house.browser.get(url)
        assert late.status_code == 403
        assert "longer than a minute" in late.text
        assert house.parts.door.witnessed[-1]["detail"] == {"rule": "code expired"}


async def test_a_guessed_code_is_turned_away(open_house: Opening) -> None:
    async with open_house() as house:
        guessed = await house.browser.get("/launch/guessed")
        assert guessed.status_code == 403
        assert "not known here" in guessed.text


async def test_asking_for_the_headers_alone_does_not_use_up_the_code(open_house: Opening, oxford: Any) -> None:
    async with open_house() as house:
        url = (await house.announce(oxford.launch())).json()["url"]
        assert (await house.browser.head(url)).status_code == 405
        assert (await house.browser.get(url)).status_code == 303


async def test_a_launch_sent_twice_is_refused_and_witnessed(open_house: Opening, oxford: Any) -> None:
    async with open_house() as house:
        compact = oxford.launch()
        assert (await house.announce(compact)).status_code == 201
        again = await house.announce(compact)
        assert again.status_code == 400
        assert again.json()["error"] == "jti"
        assert house.parts.door.witnessed[-1]["detail"] == {"rule": "jti"}


async def test_refused_launches_of_a_known_host_are_witnessed_about_nobody(open_house: Opening, oxford: Any) -> None:
    header, _, signature = oxford.launch().split(".")
    altered = ".".join([header, oxford.launch(patient__nhs_number="9990000034").split(".")[1], signature])
    cases = [
        (oxford.launch(organisation="RC9"), 403, "organisation"),
        (altered, 401, "signature"),
        (oxford.launch(iat=int(AT.timestamp()) - 200, exp=int(AT.timestamp()) - 150), 400, "exp"),
    ]
    async with open_house() as house:
        for compact, status, claim in cases:
            answer = await house.announce(compact)
            assert (answer.status_code, answer.json()["error"]) == (status, claim)
            event = house.parts.door.witnessed[-1]
            assert (event["kind"], event["detail"]) == ("refused", {"rule": claim})
            assert "patient_key" not in event
        assert len(house.parts.door.witnessed) == len(cases)


async def test_a_stranger_cannot_fill_the_audit(open_house: Opening, oxford: Any) -> None:
    async with open_house() as house:
        answer = await house.announce(oxford.launch(iss="https://stranger.example"))
        assert (answer.status_code, answer.json()["error"]) == (401, "iss")
        assert house.parts.door.witnessed == []


async def test_a_message_of_another_kind_or_size_is_refused(open_house: Opening, oxford: Any) -> None:
    async with open_house() as house:
        assert (await house.announce(oxford.launch(), content_type="text/plain")).status_code == 415
        assert (await house.announce("x" * 20_000)).status_code == 413
        assert (await house.announce("é")).status_code == 413


async def test_a_person_who_is_not_held_gets_a_plain_sentence_and_no_session(open_house: Opening, oxford: Any) -> None:
    async with open_house() as house:
        answer = await house.arrive(oxford.launch(patient__birth_date="1950-01-01"))
        assert answer.status_code == 404
        assert answer.text.startswith(
            "The London Care Record holds nothing for this person under that NHS number and date of birth."
        )
        assert "set-cookie" not in answer.headers
        assert await house.owner.fetchval("select count(*) from signin.session") == 0


async def test_a_person_held_under_another_name_opens_and_the_session_remembers_it(
    open_house: Opening, oxford: Any
) -> None:
    async with open_house() as house:
        house.parts.door.name = "OKONKWO, Ngozi"
        answer = await house.arrive(oxford.launch())
        assert answer.status_code == 303
        assert "OKONKWO" not in answer.text + answer.headers["location"]
        evidence = house.parts.door.witnessed[-1]["evidence"]
        assert evidence.called
        assert f'"called":"{evidence.called}"' in await house.owner.fetchval("select evidence from signin.session")


async def test_a_reader_who_may_not_look_is_told_why(open_house: Opening, oxford: Any) -> None:
    async with open_house() as house:
        answer = await house.arrive(oxford.launch(staff__role_code="S0000:G0000:R0000"))
        assert answer.status_code == 403
        assert answer.text == "Your role is not one that this record knows."


async def test_without_a_witness_nobody_arrives(open_house: Opening, oxford: Any) -> None:
    async with open_house() as house:
        house.parts.door.is_witness_lost = True
        answer = await house.arrive(oxford.launch())
        assert answer.status_code == 503
        assert "set-cookie" not in answer.headers
