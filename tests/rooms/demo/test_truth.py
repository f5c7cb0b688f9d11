"""The truth of the region: every heading occurs, every member is something that was said, what was planted is there."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from functools import cache
from typing import Any

import pytest

from demo.people import ANCHOR, Person, generate, region_truth
from demo.people.contents import Problem
from demo.people.nouns import Booked, Imaged, Referred, Reported, Stated, Told, Written
from demo.people.stated import heading_of
from demo.people.truth import PLANTED

SEED = 7
# Every heading of the record, as the Core Information Standard and field of practice name them.
HEADINGS = {
    "demographics", "allergies", "results", "stays", "letters", "problems", "medicines", "imaging", "procedures",
    "immunisations", "appointments", "referrals", "plans", "alerts", "needs", "social care", "contacts",
    "observations", "assessments", "safeguarding", "family history", "devices", "other",
}  # fmt: skip


@cache
def people(count: int) -> list[Person]:
    return list(generate(SEED, count))


@cache
def truth(count: int) -> dict[str, Any]:
    return region_truth(people(count), seed=SEED, until=ANCHOR)


def headings_of(person: Person) -> set[str]:
    found = {"demographics"} if person.story else set()
    for event in person.story:
        if isinstance(event, Stated):
            found.add(heading_of(event.content))
        elif isinstance(event, Told):
            found |= {"stays"} if event.visit else set()
            found |= {"allergies"} if event.allergies else set()
            found |= {"problems"} if event.diagnoses else set()
        else:
            by_kind = {Reported: "results", Written: "letters", Booked: "appointments", Referred: "referrals"}
            found.add("imaging" if isinstance(event, Imaged) else by_kind.get(type(event), "demographics"))
    return found


def test_every_heading_of_the_record_occurs_among_the_first_sixty_people():
    assert set.union(*(headings_of(person) for person in people(60))) == HEADINGS


def test_every_source_of_the_region_has_something_to_say_among_the_first_sixty():
    assert {event.source for person in people(60) for event in person.story} == {
        "barts", "uclh", "gosh", "gp-mile-end", "gp-kilburn", "nel-pathology", "london-imaging", "east-london-mh",
        "central-community", "london-ambulance", "mile-end-council", "london-ucp",
    }  # fmt: skip


def test_what_hospitals_take_back_occurs_among_the_first_sixty():
    triggers = {event.trigger for person in people(60) for event in person.story if isinstance(event, Told | Booked)}
    assert {
        "A01", "A02", "A03", "A04", "A05", "A08", "A11", "A12", "A13", "A28", "A31", "S12", "S13", "S15", "S26",
    } <= triggers  # fmt: skip


def test_the_truth_is_plain_data_and_the_same_each_time():
    again = region_truth(generate(SEED, 60), seed=SEED, until=ANCHOR)
    assert json.dumps(truth(60)) == json.dumps(again)


def test_every_member_of_an_entry_is_something_that_its_source_said():
    for person, told in zip(people(60), truth(60)["people"], strict=True):
        stated = {(event.source, event.own_id) for event in person.story if isinstance(event, Stated)}
        coded: dict[tuple[str, str], set[str]] = defaultdict(set)
        numbers: set[tuple[str, str]] = set()
        for event in person.story:
            if isinstance(event, Told):
                coded[event.source, "AL1"] |= {allergy.code for allergy in event.allergies}
                coded[event.source, "DG1"] |= {diagnosis.code for diagnosis in event.diagnoses}
                numbers |= {(event.source, event.visit.number)} if event.visit else set()
            elif isinstance(event, Booked | Referred | Written):
                numbers.add((event.source, event.number))
            elif isinstance(event, Imaged):
                numbers.add((event.source, event.accession))
        for entry in told["entries"]:
            assert entry["members"], entry
            for member in entry["members"]:
                if "own_id" in member:
                    assert (member["source"], member["own_id"]) in stated
                elif "segment" in member:
                    assert member["code"] in coded[member["source"], member["segment"]]
                else:
                    assert (member["source"], member["number"]) in numbers


def test_everything_that_was_said_is_a_member_of_exactly_one_entry():
    for person, told in zip(people(60), truth(60)["people"], strict=True):
        members = Counter(
            (member["source"], member.get("segment"), member.get("own_id") or member.get("number") or member["code"])
            for entry in told["entries"]
            for member in entry["members"]
        )
        assert set(members.values()) <= {1}, person.name
        for event in person.story:
            if isinstance(event, Stated):
                assert members[event.source, None, event.own_id] == 1
            elif isinstance(event, Told):
                assert not event.visit or members[event.source, None, event.visit.number] == 1
                assert all(members[event.source, "AL1", allergy.code] == 1 for allergy in event.allergies)
                assert all(members[event.source, "DG1", diagnosis.code] == 1 for diagnosis in event.diagnoses)


def test_medicines_problems_and_allergies_are_told_twice_and_joined_across_sources():
    joined: Counter[str] = Counter()
    for told in truth(200)["people"]:
        for entry in told["entries"]:
            if len({member["source"] for member in entry["members"]}) > 1:
                joined[entry["heading"]] += 1
    assert joined["medicines"] > 20
    assert joined["problems"] > 20
    assert joined["allergies"] > 5


@pytest.mark.parametrize("name", sorted(PLANTED))
def test_every_kind_of_disagreement_is_planted_somewhere_among_two_hundred(name: str):
    assert truth(200)["planted"].get(name), PLANTED[name]


def test_no_disagreement_is_planted_that_has_no_name():
    assert set(truth(200)["planted"]) <= set(PLANTED)


def entries(name: str, heading: str) -> list[list[dict[str, Any]]]:
    told = truth(200)
    return [
        [entry for entry in told["people"][index]["entries"] if entry["heading"] == heading]
        for index in told["planted"][name]
    ]


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("dose-differs", "medicines"),
        ("stopped-at-one-active-at-other", "medicines"),
        ("problem-resolved-at-one", "problems"),
        ("allergy-denied-elsewhere", "allergies"),
    ],
)
def test_where_sources_were_made_to_disagree_the_expected_entry_says_so(name: str, heading: str):
    for expected in entries(name, heading):
        conflicts = [entry for entry in expected if entry["conflict"]]
        assert conflicts, name
        if heading != "allergies":
            assert all(len({member["source"] for member in entry["members"]}) > 1 for entry in conflicts)


def test_an_allergy_that_one_source_knows_has_one_source():
    for index in truth(200)["planted"]["allergy-known-to-one-source"]:
        facts = [fact for fact in truth(200)["people"][index]["facts"] if fact["kind"] == "allergy"]
        known = [fact for fact in facts if fact["status"] == "active" and fact["source"].startswith("gp-")]
        assert known
        assert not {fact["code"] for fact in facts if not fact["source"].startswith("gp-")} & {
            fact["code"] for fact in known
        }


def test_what_was_replaced_or_entered_in_error_is_over():
    for told in truth(200)["people"]:
        over = {
            (fact["source"], fact.get("own_id"))
            for fact in told["facts"]
            if fact["status"] in ("entered in error", "replaced") and fact.get("own_id")
        }
        for entry in told["entries"]:
            if any((member["source"], member.get("own_id")) in over for member in entry["members"]):
                assert entry["status"] == "over" or len(entry["members"]) > 1, entry


def test_a_medicine_is_named_in_a_letter_that_no_code_says():
    found = 0
    for told in truth(60)["people"]:
        texts = " ".join(fact["text"] for fact in told["facts"] if fact["kind"] == "letter" and "text" in fact)
        found += "Apixaban" in texts or "Valganciclovir" in texts or "Lansoprazole" in texts
        assert not any("Apixaban" in fact["text"] for fact in told["facts"] if fact["kind"] == "medicine")
    assert found > 3


def test_a_letter_says_what_is_pending_and_whom_to_ring():
    told = truth(60)["people"][20]
    letters = [fact["text"] for fact in told["facts"] if fact["kind"] == "letter" and fact["type"] == "DS"]
    assert any("Pending at discharge: " in text and "Questions: ring 020 7946 0" in text for text in letters)


def test_of_a_restricted_person_no_place_may_be_shown():
    (iris,) = (told for told in truth(60)["people"] if told["is_restricted"] and told["person"] == 30)
    (hidden,) = (row for row in iris["hidden"] if row["what"] == "places")
    assert iris["postcode"] in hidden["words"]
    assert iris["practice"]["name"] in hidden["words"]
    assert all(
        not told["hidden"] or told["is_restricted"] or told["hidden"][0]["own_ids"] for told in truth(60)["people"]
    )


def test_a_safeguarding_mark_is_hidden_from_all_who_do_not_safeguard():
    for told in truth(200)["people"]:
        marks = {fact["own_id"] for fact in told["facts"] if fact.get("heading") == "safeguarding"}
        hidden = {own_id for row in told["hidden"] if row["what"] == "safeguarding" for own_id in row["own_ids"]}
        assert marks == hidden


@pytest.mark.parametrize(
    ("index", "family", "label", "told"),
    [
        (15, "Kowalczyk", "sexual-health", "Outpatient letter, Sexual Health Clinic"),
        (9, "Whitlock", "assisted-conception", "Outpatient letter, Assisted Conception Unit"),
        (37, "Oyelaran", "termination", "Termination of pregnancy"),
        (36, "Featherstone", "adoption", "Adopted child"),
        (32, "Achterberg", "mental-health", "Mental health crisis assessment"),
    ],
)
def test_what_was_told_in_confidence_is_named_with_whom_it_is_hidden_from(
    index: int, family: str, label: str, told: str
) -> None:
    person = truth(60)["people"][index]
    assert person["family"] == family
    (row,) = (row for row in person["hidden"] if row["what"] == label)
    assert row["from"].startswith("everyone")
    ids = {fact.get("own_id") or fact.get("number") for fact in person["facts"]}
    assert set(row["own_ids"]) <= ids, "only what was said can be hidden"
    hidden = {
        fact.get("title") or fact.get("text")
        for fact in person["facts"]
        if {fact.get("own_id"), fact.get("number")} & set(row["own_ids"])
    }
    assert told in hidden


def test_nobody_of_many_was_promised_a_confidence() -> None:
    assert not any(person.guarded for person in generate(SEED, 60, density="light"))


def test_somebody_legitimately_cares_for_everyone_who_was_ever_heard_of():
    for told in truth(200)["people"]:
        if told["facts"]:
            assert [row for row in told["cares"] if row["evidence"] not in ("known",)]
        for row in told["cares"]:
            assert row["until"] is None or row["since"] is None or row["since"] <= row["until"]


def test_a_superseded_number_is_valid_nobody_elses_and_stays_apart():
    told = next(told for told in truth(60)["people"] if told["superseded_nhs_number"])
    old = told["superseded_nhs_number"]
    assert old.startswith("999")
    assert old not in {person.nhs_number for person in generate(SEED, 600)}
    (apart,) = (identity for identity in told["identities"] if identity["nhs_number"] == old)
    assert apart["group"] != 0
    assert apart["is_theirs"]


def test_no_entry_joins_identities_of_different_groups():
    for told in truth(200)["people"]:
        group = {identity["source"]: identity["group"] for identity in told["identities"] if identity["is_theirs"]}
        for entry in told["entries"]:
            assert {group[member["source"]] for member in entry["members"]} == {entry["group"]}, told["name"]


def test_a_refuted_or_mistaken_problem_makes_no_entry_current():
    for person, told in zip(people(200), truth(200)["people"], strict=True):
        mistaken = {
            event.own_id
            for event in person.story
            if isinstance(event, Stated) and isinstance(event.content, Problem) and event.is_in_error
        }
        for entry in told["entries"]:
            own = {member.get("own_id") for member in entry["members"]}
            assert not own <= mistaken or entry["status"] == "over"


def kinds(index: int) -> set[str]:
    """What is true of one of the cast, in short words."""
    told, person = truth(60)["people"][index], people(60)[index]
    found = set(told["planted"])
    for fact in told["facts"]:
        found.add(f"{fact['kind']} {fact['status']}")
        found.add(f"{fact['kind']} from {fact['source']}")
        if fact["kind"] == "letter":
            found.add(f"letter {fact.get('type', '')}")
        if fact["kind"] in ("allergy", "plan", "decision", "alert", "service"):
            found.add(fact["text"])
        if fact["kind"] == "stay" and fact["class"] == "I" and fact["status"] == "current":
            found.add("in hospital now")
        if fact["kind"] == "appointment" and fact["start"] > f"{ANCHOR}" and fact["status"] == "booked":
            found.add("appointment to come")
    if sum(fact["kind"] == "result" and fact["code"] == "K" for fact in told["facts"]) > 5:
        found.add("potassium trend")
    return (
        found | ({"merged"} if person.early_number else set()) | ({"superseded"} if person.superseded_number else set())
    )


@pytest.mark.parametrize(
    ("index", "family", "shown"),
    [
        (0, "Hartley", {"Allergy to penicillin", "potassium trend", "letter DS"}),
        (3, "Begum", {"merged"}),
        (8, "Raghunathan", {"in hospital now"}),
        (12, "O'Halloran", {"corrected-result", "letter DS"}),
        (13, "Öztürk", {"allergy-after-none-known"}),
        (20, "Okonkwo-Reyes", {"letter DS", "appointment to come", "referral completed"}),
        (21, "Mirza", {"appointment did not attend", "appointment to come"}),
        (22, "Stacey", {"Cardiac pacemaker in situ", "medicine from uclh", "device from uclh"}),
        (24, "Baldry", {"encounter from london-ambulance", "letter from london-ambulance", "device from uclh"}),
        (25, "Catchpole", {"in hospital now"}),
        (26, "D'Souza", {"replaced-letter", "allergy-after-none-known"}),
        (28, "Abernethy-Cole", {"observation from gosh", "contact from gosh"}),
        (31, "Pettifer", {"superseded-decision", "team from central-community", "service from mile-end-council"}),
        (32, "Achterberg", {"Crisis and contingency plan", "team from east-london-mh", "alert from mile-end-council"}),
        (33, "Mensah-Clarke", {"dose-differs", "stopped-at-one-active-at-other"}),
        (34, "Yusuf", {"Interpreter needed"}),
        (36, "Featherstone", {"superseded"}),
        (37, "Oyelaran", {"allergy-known-to-one-source"}),
        (38, "Nwachukwu", {"other-strength"}),
        (39, "St.-Hilaire", {"letter DS", "appointment to come"}),
    ],
)  # fmt: skip
def test_the_cast_show_what_they_are_there_to_show(index: int, family: str, shown: set[str]):
    assert people(60)[index].now.family == family
    assert shown <= kinds(index)


def test_whom_london_never_met_has_no_story():
    assert truth(60)["people"][17]["facts"] == []
