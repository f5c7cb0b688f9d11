"""Logs, addresses and acknowledgements name no patient: planted people go every way there is, and are looked for."""

from __future__ import annotations

import asyncio
import json
import re
from urllib.parse import urlencode

import msgspec
import pytest

from carerecord import clock, database, logs
from carerecord.database import pool
from carerecord.intake import inbox
from carerecord.model import Staff
from carerecord.settings import Settings
from carerecord.sources import mllp_server
from tests.safety.reading import read
from tests.safety.ward import (
    ARTHUR,
    CLINICIAN,
    JOAN,
    POTASSIUM,
    Someone,
    Ward,
    but,
    entries,
    found,
    letter,
    open_ward,
    order,
    signed,
    visit,
    wrote,
)

PLANTED = Someone(
    nhs_number="9990200165",
    number="Q7Q7Q7",
    family="Zylberquist",
    given="Xanthippe",
    title="Ms",
    born="19510623",
    address="77 Quincunx Lane^^Oxford^^OX9 9QQ",
)
# Nobody would write these by chance.
SECRETS = re.compile(
    r"zylberquist|xanthippe|9990200165|999 020 0165|q7q7q7|quincunx|ox9 ?9qq|1951-?06-?23|23-jun-1951|gremlinitis"
    r"|not-a-reason-of-anyone"
    rf"|{JOAN.nhs_number}|hartley|mill row|ox4 1aa|1948-?03-?12",
    re.IGNORECASE,
)
SEGMENT = "DG1|1||^Gremlinitis||20260101"


def bad_messages() -> list[bytes]:
    """Messages with the planted person in every place where a careless program would write it into a log."""
    whole = wrote("ADT^A01", visit("V1"), SEGMENT, about=PLANTED, number="planted")
    person = b"Zylberquist 9990200165"
    return [
        whole,
        whole.replace(b"planted", person, 1),  # the control id
        whole.replace(b"PAS|BARTS", person + b"|" + person),  # the sender
        whole.replace(b"ADT^A01", b"ADT^Zylberquist"),
        whole.replace(b"ADT^A01", b"Zylberquist^9990200165"),
        whole.replace(b"|2.4", b"|9990200165"),
        whole.replace(b"20261110120000", b"Zylberquist"),
        whole.replace(b"|I|", b"|Zylberquist|"),
        whole.replace(b"19510623", b"Zylberquist"),
        whole.replace(b"\rPID|", b"\rZYLBERQUIST|"),
        whole.replace(b"\r", b"\n"),
        whole.replace(b"Xanthippe", b"\xff\xfe\x00"),
        whole[: len(whole) // 2],
        whole[5:],
        b"",
        person,
        wrote("ADT^A01", visit("V1"), about=but(PLANTED, number=ARTHUR.number)),  # another's number: it waits
        wrote("ORU^R01", order("L1"), found(POTASSIUM, "Zylberquist " * 9_000), about=PLANTED),
        wrote("ORU^R01", order("L2"), "OBX|1|NM|^Gremlinitis||Zylberquist|||||F", about=PLANTED),
        letter("D1", "Dear Ms Zylberquist, 9990200165", about=PLANTED),
        wrote("ADT^A40", "MRG|Zylberquist^^^BARTS^MR", about=PLANTED, at="20261112120000"),
    ]


async def send_over_mllp(ward: Ward, messages: list[bytes]) -> None:
    """Through the real listener; one frame is larger than allowed, one never ends."""

    async def deliver(content: bytes, _: mllp_server.Peer) -> bytes:
        if content.startswith(b"9990200165 crash"):
            raise RuntimeError(content.decode())
        return (await ward.intake.receive(content, received_at=clock.now())).acknowledgement

    listening = msgspec.structs.replace(ward.settings, listen_port=0, listen_message_bytes_max=400_000)
    server = await mllp_server.serve(listening, deliver=deliver)
    big = b"Zylberquist 9990200165 " * 30_000
    for content in (*messages, big, b"9990200165 crash Zylberquist"):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"\x0b" + content + b"\x1c\r")
        try:
            await asyncio.wait_for(reader.readuntil(b"\x1c\r"), timeout=10)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError):
            pass
        writer.close()
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"\x0bMSH|Zylberquist 9990200165")
    await writer.drain()
    writer.close()
    await server.stop()


async def look(ward: Ward) -> None:
    """Launches that open, that ask, that are refused, and everything that can be opened in a chart."""
    chart = await ward.open(PLANTED)
    page = await chart.page()
    for line in entries(page.one("#main"))[:6]:
        receipt = await chart.page(f"entry/{line}")
        await chart.get(f"entry/{line}?in=place")
        for link in receipt.all("a"):
            if "/original/" in link.attributes["href"]:
                await chart.browser.get(link.attributes["href"])
    for place in ("entry/9990200165", "original/Zylberquist", "document/9990200165", "document/../../x"):
        await chart.get(place.replace("9990200165", "x").replace("Zylberquist", "x"))
    await chart.close()
    asked = await ward.open(PLANTED, evidence=None)
    await asked.page("reason")
    reason = urlencode({"other": "Zylberquist phoned: not-a-reason-of-anyone 9990200165"})
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "http://127.0.0.1:8400"}
    await asked.browser.post(f"{asked.address}/reason", content=reason, headers=headers)
    await asked.page()
    browser = await ward.browser()
    for changed in (
        {"patient": {"nhs_number": "Zylberquist", "birth_date": "1951-06-23"}},
        {"patient": {"nhs_number": PLANTED.nhs_number, "birth_date": "Zylberquist"}},
        {"patient": {"nhs_number": PLANTED.nhs_number, "birth_date": "1951-06-24", "family": "Zylberquist"}},
        {"patient": "Zylberquist 9990200165"},
        {"Zylberquist": "9990200165", "organisation": "Zylberquist"},
        {"purpose": "Zylberquist"},
        {"iss": "https://zylberquist.example/9990200165"},
        {"staff": {"name": "Zylberquist", "role_code": "9990200165"}},
        {"aud": "Zylberquist"},
    ):
        await ward.press(browser, PLANTED, **changed)
    await browser.post("/launch", content=b"9990200165 Zylberquist", headers={"Content-Type": "application/jwt"})


async def find_by_hand(ward: Ward) -> None:
    """Signed in, someone is searched for with a form, and found, not found, and mistyped."""
    staff = Staff(
        user_id="555000111",
        name="Dr Amara Osei",
        role_code=CLINICIAN,
        role="clinician",
        role_name="Consultant",
        organisation="RTH",
        organisation_name="Oxford University Hospitals",
        sign_in="cis2",
    )
    new = await ward.parts.sessions.create_staff(staff, at=ward.parts.clock())
    browser = await ward.browser()
    browser.cookies.set("carerecord_staff", new.token)
    for born in (("23", "6", "1951"), ("24", "6", "1951"), ("Zylberquist", "6", "1951")):
        asked = dict(zip(("day", "month", "year"), born, strict=True)) | {"nhs_number": PLANTED.nhs_number}
        for more in ({}, {"open": "yes"}):
            answer = await browser.post(
                "/find",
                content=urlencode(asked | more),
                headers={"Content-Type": "application/x-www-form-urlencoded", "Origin": "http://127.0.0.1:8400"},
            )
            if born[0] == "23" and not more:
                assert "ZYLBERQUIST, Xanthippe" in answer.text, "found, and named on the page alone"
            for form in read(answer.text).all("form") if answer.text else []:
                ward.addresses.append(form.attributes["action"])
            if answer.status_code == 303:
                await browser.get(answer.headers["location"])


async def ask_as_a_program(ward: Ward) -> None:
    browser = await ward.browser()
    form = {"identifier": f"https://fhir.nhs.uk/Id/nhs-number|{PLANTED.nhs_number}", "birthdate": "1951-06-23"}
    await browser.post("/fhir/Patient/_search", data=form, headers={"Authorization": "Bearer Zylberquist"})
    await browser.post("/token", data={"client_assertion": "Zylberquist", "grant_type": "9990200165"})


async def break_down(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults in the middle of it, whose errors hold what was being handled."""
    chart = await ward.open(PLANTED)
    await ward.owner.execute("revoke insert on audit.event from carerecord_serve")
    await chart.get()
    await ward.owner.execute("grant insert on audit.event to carerecord_serve")

    async def crash(*_: object, **__: object) -> None:
        raise RuntimeError("Zylberquist 9990200165 77 Quincunx Lane")

    with monkeypatch.context() as patch:
        patch.setattr(ward.parts.door, "_look", crash)
        assert (await chart.get()).status_code == 500
    with monkeypatch.context() as patch:
        patch.setattr("carerecord.formats.hl7v2.translate", lambda *_, **__: 1 / 0)
        await ward.told(wrote("ADT^A08", SEGMENT, about=PLANTED, at="20261113120000"))
    await ward.owner.execute("alter table record.log add constraint never check (false) not valid")
    await ward.told(wrote("ADT^A08", SEGMENT, about=PLANTED, at="20261114120000"))
    await ward.owner.execute("alter table record.log drop constraint never")
    monkeypatch.setattr(pool, "PATIENCE_SECONDS", 0.1)
    await ward.fold()


async def test_no_log_line_and_no_address_ever_names_a_patient(
    settings: Settings, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    capfd.readouterr()
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V0"), about=JOAN), wrote("ADT^A01", visit("V9"), about=ARTHUR))
        await send_over_mllp(ward, bad_messages())
        await look(ward)
        await find_by_hand(ward)
        await ask_as_a_program(ward)
        await break_down(ward, monkeypatch)
        addresses = [address for address in ward.addresses if address]
    out, err = capfd.readouterr()
    lines = [json.loads(line) for line in err.splitlines()]
    said = {line["line"] for line in lines}
    for expected in (
        "MESSAGE_PARKED",
        "LAUNCH_REFUSED",
        "WITNESS_FAILED",
        "REQUEST_FAILED",
        "MESSAGE_TOO_LARGE",
        "DELIVERY_FAILED",
    ):
        assert expected in said, f"the journey went past {expected}"
    assert said <= set(logs.Line.__members__)
    assert not SECRETS.search(err), SECRETS.search(err)
    assert not SECRETS.search(out), SECRETS.search(out)
    assert len(addresses) > 60
    for address in addresses:
        assert not SECRETS.search(address), address


async def test_an_acknowledgement_tells_the_rule_and_not_the_patient(settings: Settings) -> None:
    """It goes into the sender's logs: what stood in the message's own header goes back with it, and nothing more."""
    async with open_ward(settings) as ward:
        for content in bad_messages():
            receipt = await ward.intake.receive(content, received_at=clock.now())
            segments = [line for line in receipt.acknowledgement.split(b"\r") if not line.startswith((b"MSH", b"MSA"))]
            texts = [
                segment.split(b"|")[3:]
                for segment in receipt.acknowledgement.split(b"\r")
                if segment.startswith(b"MSA")
            ]
            told = b"\r".join([*segments, *(field for fields in texts for field in fields)]).decode("utf-8", "replace")
            assert not SECRETS.search(told), told


async def test_an_operators_list_of_what_waits_names_no_patient(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V9"), about=ARTHUR))
        await ward.told(*bad_messages()[5:])
        async with database.connect(settings, "operate") as operator:
            listed = await inbox.list_unsettled(operator)
        assert len(listed) >= 5
        for each in listed:
            told = " ".join(
                [
                    each.source,
                    *(problem.sentence for problem in each.problems),
                    *(problem.field for problem in each.problems),
                ]
            )
            assert not SECRETS.search(told), told


async def test_a_launch_that_is_refused_tells_its_host_the_claim_and_not_the_patient(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        browser = await ward.browser()
        for changed in (
            {"patient": {"nhs_number": "9990200166", "birth_date": "1951-06-23", "family": "Zylberquist"}},
            {"patient": {"nhs_number": PLANTED.nhs_number, "birth_date": "Zylberquist"}},
            {"patient": "Zylberquist"},
            {"evidence": "Zylberquist"},
            {"purpose": "Zylberquist 9990200165"},
        ):
            answer = await browser.post(
                "/launch", content=signed(PLANTED, **changed), headers={"Content-Type": "application/jwt"}
            )
            assert answer.status_code >= 400
            assert set(answer.json()) == {"error", "sentence"}
            assert not SECRETS.search(answer.text), answer.text
