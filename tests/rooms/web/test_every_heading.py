"""The page with every heading in it: in an order by role, with nothing counted that is not seen, a child first."""

from __future__ import annotations

import re
from datetime import date

import pytest

from carerecord.disclosure import Summary
from carerecord.model import Heading
from carerecord.reconciliation import every_entry
from carerecord.web import present, words
from carerecord.web.order import order
from carerecord.web.views import SummaryView
from tests import rich
from tests.said import condition, day, stay
from tests.stage import Stage


def view(shown: Summary) -> SummaryView:
    return present.summary(shown, at=rich.AT)


def page(shown: Summary) -> str:
    stage = Stage(shown)
    stage.clock = lambda: rich.AT
    return stage.client.get(f"{stage.open_chart()}/summary").text


@pytest.mark.parametrize("role", ["clinician", "gp", "paramedic", "social-worker", "nobody-has-this-role"])
def test_every_heading_stands_once_in_the_order_of_every_role(role: str) -> None:
    listed = order(role)
    assert len(listed) == len(set(listed))
    assert set(listed) == set(Heading) - {Heading.DEMOGRAPHICS}
    assert listed[0] is Heading.ALERTS


def test_a_paramedic_meets_plans_and_contacts_before_results_and_misses_nothing() -> None:
    clinician, paramedic = view(rich.summary()), view(rich.summary(role="paramedic"))
    titles = [section.title for section in paramedic.sections]
    assert titles.index("Plans and decisions") < titles.index("Contacts and care team") < titles.index("Results")
    assert set(titles) == {section.title for section in clinician.sections}


def test_every_line_of_every_heading_is_on_the_page_and_opens() -> None:
    shown = rich.summary()
    assert shown.record is not None
    html = page(shown)
    linked = set(re.findall(r'href="entry/([^"]+)"', html))
    assert {entry.id for entry in every_entry(shown.record)} == linked


def test_a_count_is_of_what_stands_under_its_heading() -> None:
    for section in view(rich.summary()).sections:
        results = section.results.count if section.results else 0
        assert section.count == len(section.rows) + len(section.letters) + len(section.plans) + results


def test_a_social_worker_is_told_nothing_of_headings_that_are_not_theirs() -> None:
    html = page(rich.summary(role="social-worker"))
    assert "Potassium" not in html
    assert "Blood culture" not in html, "not even that it is pending"
    assert f'id="{words.ANCHORS[Heading.RESULTS]}"' not in html


def test_an_administrator_sees_how_to_reach_someone_and_no_clinical_word() -> None:
    html = page(rich.summary(role="admin"))
    assert "07700 900 123" in html
    for word in ("Penicillin", "Heart failure", "ReSPECT", "airway", "Interpreter", "Bisoprolol", "From 7 sources"):
        assert word not in html


def test_the_banner_names_decisions_alerts_and_needs() -> None:
    shown = view(rich.summary()).banner
    assert shown.decisions == ("ReSPECT 03-Oct-2026: For full treatment, not for CPR",)
    assert shown.alerts[0] == "Difficult airway: grade 4 view, use video laryngoscope"
    assert set(shown.needs) == {"Interpreter: Igbo", "Hearing loop"}


def test_more_alerts_than_fit_are_counted_and_the_severe_stand_first() -> None:
    many = [rich.flag(f"Alert {number}") for number in range(5)] + [rich.flag("Difficult airway", severe=True)]
    alerts = view(rich.summary(many)).banner.alerts
    assert alerts[0] == "Difficult airway"
    assert alerts[-1] == "3 more below"


def test_the_next_step_says_with_whom_and_whom_to_phone() -> None:
    path = view(rich.summary()).pathway
    assert path is not None
    assert path.next == "Next: Valve clinic, 29-Nov-2026 10:00, with Barts Health"
    assert path.phone == "Barts Health: 020 7946 0011"


def test_a_referral_without_an_answer_is_who_holds_the_next_step() -> None:
    path = view(rich.summary([rich.referral("Cardiology", day(1))])).pathway
    assert path is not None
    assert path.next == "Next: waiting for Barts Heart Centre, who were asked and have sent no appointment"


def test_an_appointment_of_this_morning_is_still_shown_as_one_to_come() -> None:
    today = rich.appointment("Valve clinic", rich.AT.replace(hour=8), place="A", who="B")
    past = rich.appointment("Eye clinic", day(20), place="A", who="B")
    (section,) = [each for each in view(rich.summary([today, past])).sections if each.title == "Appointments"]
    assert [row.what for row in section.rows] == ["Valve clinic"]
    assert [row.what for row in section.closed] == ["Eye clinic"]


def child_view(*, born: date = date(2020, 8, 20)) -> SummaryView:
    return view(rich.summary(rich.child(), person=rich.who(birth_date=born)))


def test_a_child_is_first_weighed_and_first_spoken_for() -> None:
    child = child_view().child
    assert child is not None
    assert [(what, value) for what, value, _, _ in child.growth] == [
        ("Weight", "18.4 kg · 25th centile (UK-WHO), as sent"),
        ("Height", "112 cm · 50th centile (UK-WHO), as sent"),
    ]
    assert child.responsible == ("Ada Hartley · 07700 900 456",)
    assert child_view(born=date(2010, 11, 22)).child is None
    assert child_view(born=date(2010, 11, 23)).child is not None


def test_a_child_without_a_weight_is_to_be_weighed() -> None:
    html = page(rich.summary([condition("Asthma")], person=rich.who(birth_date=date(2020, 8, 20))))
    assert "No weight is recorded here" in html
    assert "No source says who holds it" in html


def test_what_is_empty_is_named_in_one_sentence_and_what_matters_most_in_its_own() -> None:
    shown = view(rich.summary([stay("V1", start=day(1))]))
    titles = [section.title for section in shown.sections]
    assert "Medicines" in titles
    assert "Family history" not in titles
    assert "Family history" in shown.nothing_under
    assert not set(titles) & set(shown.nothing_under)


def test_of_a_restricted_person_no_place_stands_on_the_page() -> None:
    html = page(rich.summary(person=rich.who(restricted=True)))
    assert not [place for place in rich.PLACED if place in html]
    assert "whereabouts are protected" in html
    assert "Difficult airway" in html
