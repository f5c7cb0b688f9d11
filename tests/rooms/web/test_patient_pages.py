"""Pages about one person: what is on them in every state, and that nothing is ever left out, doubled or let through."""

from __future__ import annotations

import re
from datetime import date

import msgspec
import pytest
from starlette.testclient import TestClient

from carerecord.disclosure import Document, Record, Refusal, Summary
from carerecord.model import EvidenceClass, Heading
from tests import samples
from tests.stage import PDF, Stage

HOSTILE = "<script>alert(1)</script>\"'&amp;{{ 7*7 }}"
replace = msgspec.structs.replace


def summary_page(shown: Summary | None = None) -> str:
    stage = Stage(shown)
    answer = stage.client.get(f"{stage.open_chart()}/summary")
    assert answer.status_code == 200
    return answer.text


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def every_line(record: Record) -> list[str]:
    entries = (*record.allergies, *record.results, *record.stays, *record.letters, *record.problems)
    return [entry.id for entry in entries]


def test_every_entry_of_every_heading_is_in_the_page_also_the_closed_ones() -> None:
    page = summary_page()
    missing = [entry for entry in every_line(samples.record()) if f'href="entry/{entry}"' not in page]
    assert not missing


def test_the_banner_says_who_this_is_in_the_words_and_order_of_the_nhs() -> None:
    page = text_of(summary_page())
    assert re.search(
        r"HARTLEY, Joan \(Mrs\).*Born 12-Mar-1948 \(78y\).*Gender Female.*NHS No\. 999 012 3454.*"
        r"Known allergies : penicillin \(anaphylaxis\) · latex",
        page,
    )


def test_no_name_of_a_patient_stands_in_the_title_or_in_any_address() -> None:
    page = summary_page()
    title = re.search(r"<title>(.*?)</title>", page)
    assert title
    assert title[1] == "Summary – Capital Care Record"
    addresses = " ".join(re.findall(r'(?:href|src|action)="([^"]*)"', page))
    assert not re.search(r"HARTLEY|Joan|999|1948", addresses, re.IGNORECASE)


def test_what_is_missing_is_said_and_a_silence_is_not_invented() -> None:
    assert "GP record: the practice is outside the Capital" in text_of(summary_page())
    assert "Missing:" not in summary_page(samples.summary(answers=()))


@pytest.mark.parametrize("title", ["No known allergies", "Allergies not recorded", "Allergies unavailable"])
def test_the_title_of_allergies_is_one_of_four(title: str) -> None:
    page = summary_page(samples.summary(banner=samples.banner(allergy_title=title, allergies=())))
    assert f"<b>{title}</b></p>" in page


def test_nothing_held_for_a_heading_is_a_sentence() -> None:
    page = text_of(summary_page(samples.summary(record=Record())))
    assert page.count("None recorded by 2 sources that sent anything about this person.") == 5
    assert "What happened" not in page


def test_nobody_is_discharged_to_a_death() -> None:
    stay = samples.record().stays[0]
    for sent, shown in (("Patient died", "Patient died"), ("Usual place of residence", "discharged to Usual place")):
        page = text_of(summary_page(samples.summary(record=Record(stays=(replace(stay, discharged_to=sent),)))))
        assert shown in page
        assert "discharged to Patient" not in page


def test_a_closed_heading_says_that_what_is_under_it_is_in_doubt() -> None:
    allergy = samples.record().allergies[0]
    doubted = replace(allergy, id="x", conflict="Royal Free says none, 12-Nov-2026: check with the patient")
    page = text_of(summary_page(samples.summary(record=Record(allergies=(doubted, replace(allergy, conflict=None))))))
    assert f"{allergy.what}; sources disagree on 1" in page


def test_nobody_sent_anything_is_said_and_not_taken_for_good_news() -> None:
    page = text_of(summary_page(samples.summary(record=Record(), sources=(), answers=())))
    assert "No source has sent anything" in page
    assert "It does not mean that this person is well." in page


def test_only_what_is_over_is_said_to_be_over() -> None:
    over = tuple(entry for entry in samples.record().allergies if not entry.is_current)
    page = text_of(summary_page(samples.summary(record=Record(allergies=over))))
    assert "None current. 2 no longer current." in page


def test_a_role_that_sees_demographics_only_gets_the_sentence_why_and_no_allergies() -> None:
    limits = ("Your role is administrator: it shows who this person is and how to reach them.",)
    shown = samples.summary(
        record=None,
        headings=(Heading.DEMOGRAPHICS,),
        limits=limits,
        banner=samples.banner(allergy_title=None, allergies=()),
    )
    page = text_of(summary_page(shown))
    assert page.count(limits[0]) == 1
    assert "14 Larkspur Close" in page
    assert not re.search(r"allerg|penicillin|Potassium|Letters|Problems", page, re.IGNORECASE)


def test_a_heading_this_reader_may_not_see_leaves_no_trace() -> None:
    headings = tuple(heading for heading in samples.ALL_HEADINGS if heading is not Heading.LETTERS)
    page = summary_page(samples.summary(headings=headings, record=replace(samples.record(), letters=())))
    assert 'id="letters"' not in page
    assert "Letter" not in text_of(page)


def test_someone_who_died_is_shown_so_with_the_date_and_the_age_then() -> None:
    banner = samples.banner(is_deceased=True, deceased_on=date(2026, 2, 3), age="77y")
    page = text_of(summary_page(samples.summary(banner=banner)))
    assert re.search(r"Died 03-Feb-2026 \(aged 77y\) Born 12-Mar-1948 Gender", page)
    undated = samples.banner(is_deceased=True, deceased_on=None, age="")
    assert "Died date not known Born" in text_of(summary_page(samples.summary(banner=undated)))


def test_a_person_without_an_nhs_number_or_date_of_birth_is_shown_so() -> None:
    page = text_of(summary_page(samples.summary(banner=samples.banner(nhs_number=None, birth_date=None, age=""))))
    assert re.search(r"Born not known Gender Female NHS No\. not known", page)
    unsure = text_of(summary_page(samples.summary(banner=samples.banner(nhs_number_verified=False))))
    assert "999 012 3454 not verified" in unsure


def test_a_page_without_script_asks_again_each_thirty_seconds() -> None:
    page = summary_page()
    assert '<noscript><meta http-equiv="refresh" content="30"></noscript>' in page.partition("</head>")[0]


def test_hostile_words_are_words_wherever_they_stand() -> None:
    record = samples.record()
    hostile = samples.summary(
        title=HOSTILE,
        banner=samples.banner(name=HOSTILE, address=HOSTILE, gp_practice=HOSTILE, allergies=(HOSTILE,)),
        opened_from=HOSTILE,
        why=(HOSTILE,),
        limits=(HOSTILE,),
        answers=(replace(samples.summary().answers[0], sentence=HOSTILE),),
        sources=(replace(samples.summary().sources[0], name=HOSTILE, phone=HOSTILE),),
        record=Record(
            allergies=tuple(
                replace(entry, what=HOSTILE, detail=HOSTILE, conflict=HOSTILE) for entry in record.allergies
            ),
            problems=tuple(replace(entry, what=HOSTILE, sources=(HOSTILE,)) for entry in record.problems),
            stays=tuple(replace(entry, kind=HOSTILE, place=HOSTILE, reason=HOSTILE) for entry in record.stays),
            letters=tuple(replace(entry, text=HOSTILE, what=HOSTILE, author=HOSTILE) for entry in record.letters),
            results=tuple(
                replace(
                    entry,
                    what=HOSTILE,
                    panel=HOSTILE,
                    latest=replace(entry.latest, text=HOSTILE, unit=HOSTILE, flag=HOSTILE, laboratory=HOSTILE),
                    values=tuple(
                        replace(value, text=HOSTILE, range_text=HOSTILE, flag=HOSTILE) for value in entry.values
                    ),
                )
                for entry in record.results
            ),
        ),
    )
    page = summary_page(hostile)
    assert "<script>alert" not in page
    assert "49" not in re.findall(r"alert\(1\).{0,60}", page)[0]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&#34;&#39;&amp;amp;{{ 7*7 }}" in page
    assert "&amp;lt;" not in page  # escaped once, not twice


def test_a_line_opened_says_what_each_source_said_and_leads_to_the_original() -> None:
    stage = Stage()
    chart = stage.open_chart()
    page = stage.client.get(f"{chart}/entry/{samples.record().allergies[0].id}").text
    text = text_of(page)
    assert "Royal Riverside said on 20-Nov-2026 06:40" in text
    assert "SNOMED CT 91936005" in text
    assert "It has since said something else" in text
    assert "Phone Royal Riverside: 020 7946 0011" in text
    assert re.search(rf'href="{chart}/original/20261120-1204\?of=[a-z2-7]{{13}}-', page)
    assert "HARTLEY, Joan" in text


def test_a_line_opened_in_place_is_the_same_words_without_the_page() -> None:
    stage = Stage()
    part = stage.client.get(f"{stage.open_chart()}/entry/{samples.record().allergies[0].id}?in=place").text
    assert "<html" not in part
    assert "SNOMED CT 91936005" in part


def test_the_part_of_an_original_is_shown_as_it_was_written_a_segment_a_line() -> None:
    stage = Stage()
    page = stage.client.get(f"{stage.open_chart()}/original/20261120-1204?of=x").text
    assert page.count("<li><code>") == 2
    assert "<code>NTE||L|Told by her daughter &amp; &lt;her&gt; GP" in page


@pytest.mark.parametrize("path", ["original/nonsense", "original/20261345-1", "original/-", "entry/nobody"])
def test_an_address_that_is_nothing_of_this_record_says_so(path: str) -> None:
    stage = Stage()
    answer = stage.client.get(f"{stage.open_chart()}/{path}")
    assert answer.status_code == 404
    assert "Back to the summary" in answer.text


def test_a_pdf_letter_opens_in_its_own_answer_and_may_do_nothing() -> None:
    stage = Stage()
    answer = stage.client.get(f"{stage.open_chart()}/document/x")
    assert answer.content == PDF
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == 'inline; filename="letter.pdf"'
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "script" not in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "kind", ["text/html", "image/svg+xml", "application/xml", "application/rtf", "text/html; x=\r\nA: b"]
)
def test_a_file_that_could_run_something_is_never_shown_in_the_browser(kind: str) -> None:
    stage = Stage()
    stage.door.document_shown = Document(content_type=kind, content=b"<script>", title=HOSTILE)
    answer = stage.client.get(f"{stage.open_chart()}/document/x")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize("path", ["summary", "reason", "entry/x", "original/20261120-1", "document/x"])
def test_without_this_charts_own_cookie_nothing_is_shown_or_asked(path: str) -> None:
    stage = Stage()
    mine, other = stage.open_chart(), stage.new_chart()
    for address in (f"/patient/{other.id}/{path}", f"/patient/made-up/{path}"):
        answer = stage.client.get(address)
        assert answer.status_code == 403
        assert "This session has ended" in answer.text
        assert "HARTLEY" not in answer.text
    assert not stage.door.asked
    assert mine


def test_a_refusal_is_said_with_whom_to_phone() -> None:
    stage = Stage()
    stage.door.refuses = Refusal(
        kind="unavailable", sentences=("The record cannot be shown now.",), phone="020 7946 0000"
    )
    answer = stage.client.get(f"{stage.open_chart()}/summary")
    assert answer.status_code == 503
    assert "If you need it for care now, phone 020 7946 0000" in text_of(answer.text).replace(" .", "").replace(
        "  ", " "
    )


def test_weak_evidence_is_asked_for_a_reason_which_one_tap_gives() -> None:
    stage = Stage()
    chart = stage.open_chart(EvidenceClass.NONE)
    sent_on = stage.client.get(f"{chart}/summary")
    assert (sent_on.status_code, sent_on.headers["location"]) == (303, f"{chart}/reason")
    page = stage.client.get(f"{chart}/reason").text
    reasons = re.findall(r'name="reason" value="([^"]+)"', page)
    assert reasons[0] == "Seeing this person in clinic today"
    assert "HARTLEY" not in page
    given = stage.client.post(f"{chart}/reason", data={"reason": reasons[0]})
    assert given.headers["location"] == f"{chart}/summary"
    assert "HARTLEY" in stage.client.get(f"{chart}/summary").text
    assert stage.door.asked[-1][1].evidence.reason == reasons[0]


def test_a_reason_that_is_not_on_the_list_is_taken_in_the_readers_words_and_none_is_asked_again() -> None:
    stage = Stage()
    chart = stage.open_chart(EvidenceClass.NONE)
    again = stage.client.post(f"{chart}/reason", data={"other": "  "})
    assert again.status_code == 422
    assert "There is a problem" in again.text
    assert "<title>Error: " in again.text
    assert stage.client.post(f"{chart}/reason", data={"other": "phoned by the district nurse"}).status_code == 303


def test_closing_one_chart_ends_it_and_leaves_the_other_open() -> None:
    stage = Stage()
    one, other = stage.open_chart(), stage.open_chart()
    closed = stage.client.post(f"{one}/close")
    assert (closed.status_code, closed.headers["location"]) == (303, "/closed")
    assert stage.client.get(f"{one}/summary").status_code == 403
    assert stage.client.get(f"{other}/summary").status_code == 200
    assert "The record is closed" in stage.client.get("/closed").text


def test_a_failure_inside_shows_nothing_and_says_whom_to_phone() -> None:
    stage = Stage()
    address = f"{stage.open_chart()}/summary"
    stage.door.shown = object()  # type: ignore[assignment]
    answer = TestClient(stage.app, raise_server_exceptions=False, cookies=stage.client.cookies).get(address)
    assert answer.status_code == 500
    assert "phone <b>020 7946 0000</b>" in answer.text
    assert "Traceback" not in answer.text
    assert "AttributeError" not in answer.text
