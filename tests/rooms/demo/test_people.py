"""The invented people: the same each time, numbered validly, and truly described by their truth."""

from __future__ import annotations

import time
from datetime import date, timedelta

from demo.messages import history
from demo.people import ANCHOR, generate, truth
from demo.people.contents import AllergyEntry, Measurement
from demo.people.nouns import Stated, Told
from demo.people.numbers import check_digit, nhs_numbers
from demo.people.sources import AREAS, NEIGHBOURS, SYSTEMS

SEED = 7


def _cast(shows: str):
    return next(person for person in generate(SEED, 20) if shows in person.shows)


def test_the_same_seed_gives_the_same_people_and_the_same_bytes():
    first = [message.content for person in generate(SEED, 30) for message in history(person)]
    again = [message.content for person in generate(SEED, 30) for message in history(person)]
    assert first == again
    assert first != [message.content for person in generate(SEED + 1, 30) for message in history(person)]


def test_a_later_part_of_the_region_is_the_same_when_made_alone():
    assert list(generate(SEED, 40))[30:] == list(generate(SEED, 10, start=30))


def test_every_nhs_number_is_in_the_999_range_valid_and_one_persons():
    numbers = [person.nhs_number for person in generate(SEED, 400) if person.nhs_number]
    assert len(set(numbers)) == len(numbers) > 350
    for number in numbers:
        assert number.startswith("999")
        assert check_digit(number[:9]) == int(number[9])
        assert number != "9999999999"


def test_the_range_holds_more_than_900000_numbers_and_then_says_so():
    series = nhs_numbers(SEED)
    head = [next(series) for _ in range(20_000)]
    assert len(set(head)) == 20_000


def test_at_least_half_live_in_the_neighbours_areas_and_have_a_number_there():
    for count in (60, 600):
        people = list(generate(SEED, count))
        away = [person for person in people if person.home != "London"]
        assert len(away) >= count / 2
        assert {person.home for person in away} == set(AREAS)
        assert all((person.oxford_number is not None) == (person.home == "Oxfordshire") for person in people)
        assert all(set(person.numbers) & set(NEIGHBOURS) for person in away)


def test_histories_end_when_asked_and_start_after_birth():
    until = date(2026, 3, 2)
    for person in generate(SEED, 200, until=until):
        for event in person.story:
            assert person.now.birth_date <= event.at.date() <= until


def test_stories_are_told_in_order_of_time():
    for person in generate(SEED, 100):
        times = [event.at for event in person.story]
        assert times == sorted(times)


def test_twins_share_everything_but_their_numbers_and_given_names():
    isla = next(person for person in generate(SEED, 20) if person.twin_of is not None)
    maisie = list(generate(SEED, 20))[isla.twin_of]
    assert (isla.now.family, isla.now.birth_date, isla.now.address) == (
        maisie.now.family, maisie.now.birth_date, maisie.now.address,
    )  # fmt: skip
    assert isla.nhs_number != maisie.nhs_number
    assert isla.now.given != maisie.now.given


def _segments(person, name, source=None):
    for message in history(person, source=source):
        if not message.content.startswith(b"MSH"):
            continue
        for line in message.content.decode().split("\r"):
            if line.startswith(name + "|"):
                yield message, line.split("|")


def test_every_result_of_the_truth_is_in_a_message_and_no_other():
    for person in generate(SEED, 60):
        sent = set()
        filler = None
        for message in history(person, source="nel-pathology"):
            for line in message.content.decode("ascii").split("\r"):
                fields = line.split("|")
                if fields[0] == "OBR":
                    filler = fields[3]
                elif fields[0] == "OBX":
                    sent.add((filler, fields[3].split("^")[0], fields[11]))
        status = {"preliminary": "P", "final": "F", "corrected": "C"}
        facts = [fact for fact in truth(person)["facts"] if fact["kind"] == "result"]
        true = {(fact["number"], fact["code"], status[said["status"]]) for fact in facts for said in fact["said"]}
        assert sent == true


def test_every_stay_letter_and_allergy_of_the_truth_is_in_a_message():
    for person in generate(SEED, 60):
        facts = [fact for fact in truth(person)["facts"] if fact["source"] == "barts"]
        visits = {fields[19].split("^")[0] for _, fields in _segments(person, "PV1", "barts")}
        letters = {fields[12].split("^")[0] for _, fields in _segments(person, "TXA", "barts")}
        allergies = {fields[3].split("^")[0] for _, fields in _segments(person, "AL1", "barts")}
        problems = {fields[3].split("^")[0] for _, fields in _segments(person, "DG1", "barts")}
        assert visits == {fact["number"] for fact in facts if fact["kind"] == "stay"}
        assert letters == {fact["number"] for fact in facts if fact["kind"] == "letter"}
        assert allergies == {fact["code"] for fact in facts if fact["kind"] == "allergy"}
        assert problems == {fact["code"] for fact in facts if fact["kind"] == "problem"}


def test_every_identifier_sent_is_an_identity_of_the_truth():
    for person in generate(SEED, 60):
        sent = {
            (message.source, repetition.split("^")[0])
            for message, fields in _segments(person, "PID")
            for repetition in fields[3].split("~")
            if "^NH" not in repetition
        }
        true = {(identity["source"], identity["value"]) for identity in truth(person)["identities"]}
        assert sent == {(source, value) for source, value in true if SYSTEMS[source].speaks != "fhir"}


def test_a_person_without_nhs_number_is_one_group_for_each_source_in_the_truth():
    lukasz = _cast("nobody knew his NHS number")
    identities = truth(lukasz)["identities"]
    assert {"barts", "nel-pathology"} <= {identity["source"] for identity in identities}
    assert sorted(identity["group"] for identity in identities) == list(range(len(identities)))
    assert b"NHSNMBR" not in b"".join(message.content for message in history(lukasz))


def test_a_misfiled_blood_test_is_nobody_elses_in_the_truth():
    leroy = _cast("someone else's blood test")
    theirs = [fact for fact in truth(leroy)["facts"] if fact["kind"] == "result" and not fact["is_theirs"]]
    assert {fact["identity"] for fact in theirs} == {
        identity["value"] for identity in truth(leroy)["identities"] if not identity["is_theirs"]
    }


def test_an_allergy_told_after_none_known_is_the_current_one():
    facts = [fact for fact in truth(_cast("no known allergies on one stay"))["facts"] if fact["kind"] == "allergy"]
    assert {(fact["code"], fact["status"]) for fact in facts} == {
        ("716186003", "no longer said"), ("91936005", "current"),
    }  # fmt: skip


def test_a_correction_says_corrected_of_the_one_analyte_and_keeps_its_number():
    facts = truth(_cast("corrected potassium"))["facts"]
    corrected = [fact for fact in facts if fact["kind"] == "result" and fact["status"] == "corrected"]
    assert [fact["code"] for fact in corrected] == ["K"]
    assert [said["status"] for said in corrected[0]["said"]] == ["final", "corrected"]


def test_no_postcode_exists_and_no_telephone_number_is_anybodys():
    for person in generate(SEED, 300):
        for event in person.story:
            assert set(event.who.address.postcode[-2:]) <= set("CIKMOV"), "letters that no postcode ends in"
            assert event.who.phone.startswith("07700 900"), "a number that Ofcom keeps for drama"


def test_ages_run_from_newborn_to_over_a_hundred():
    ages = [(ANCHOR - person.now.birth_date).days for person in generate(SEED, 600)]
    assert min(ages) < 42
    assert max(ages) > 100 * 365
    assert sum(age < 16 * 365 for age in ages) > 50


def test_a_newborn_has_a_mother_and_a_number_whose_check_is_postponed():
    people = list(generate(SEED, 600))
    newborns = [person for person in people if person.mother is not None]
    assert len(newborns) >= 3
    for newborn in newborns:
        assert newborn.now.number_status == "08"
        assert people[newborn.mother].now.gender == "F"
        assert people[newborn.mother].now.family == newborn.now.family
        assert people[newborn.mother].nhs_number != newborn.nhs_number
    grown = [person for person in people if (ANCHOR - person.now.birth_date).days >= 42]
    assert all(person.now.number_status == "" for person in grown)


def test_one_source_may_know_somebody_with_names_exchanged_and_without_number():
    lan = next(person for person in generate(SEED, 40) if "exchanged" in person.shows)
    imaging = [event for event in lan.story if event.source == "london-imaging"]
    assert imaging
    assert all(event.who.family == lan.now.given[0] and event.who.given == (lan.now.family,) for event in imaging)
    assert lan.nhs_number_at("london-imaging") is None
    assert lan.nhs_number_at("uclh") == lan.nhs_number


def test_a_child_has_weights_with_centiles_at_the_childrens_hospital():
    theo = next(person for person in generate(SEED, 40) if "weights with their" in person.shows)
    weights = [
        event.content
        for event in theo.story
        if isinstance(event, Stated) and isinstance(event.content, Measurement) and event.content.unit == "kg"
    ]
    assert weights
    for weight in weights:
        ((what, centile, unit),) = weight.parts
        assert what.text == "Weight centile for age"
        assert 1 <= int(centile) <= 99
        assert unit == "%"


def test_nothing_is_told_of_the_dead_but_what_was_under_way():
    for person in generate(SEED, 600):
        if died_at := person.now.died_at:
            late = [event for event in person.story if event.at > died_at + timedelta(days=8)]
            assert late == [], person.name


def test_for_loading_many_there_is_a_light_telling_of_the_same_people_and_kinds():
    full, light = list(generate(SEED, 300)), list(generate(SEED, 300, density="light"))
    assert [person.nhs_number for person in full] == [person.nhs_number for person in light]
    assert [person.now for person in full] == [person.now for person in light]
    messages = [len(history(person)) for person in light]
    assert 8 <= sum(messages) / len(messages) <= 14
    assert max(messages) <= 24
    assert _kinds(light) >= _kinds(full) - {"A11", "A12", "A13"}
    assert light[100:110] == list(generate(SEED, 10, start=100, density="light"))


def _kinds(people):
    return {
        event.trigger
        if isinstance(event, Told)
        else type(event.content if isinstance(event, Stated) else event).__name__
        for person in people
        for event in person.story
    }


def test_people_and_messages_are_made_quickly():
    """Prints the rates; what is asserted is the amount of work, which no clock decides."""
    for density in ("full", "light"):
        started = time.perf_counter()
        events = sum(len(person.story) for person in generate(SEED, 200, density=density))
        took = time.perf_counter() - started
        print(f"{density}: {200 / took:.0f} people/s with their stories, {events / 200:.1f} events a person, one core")
        assert events / 200 < 80


def test_nothing_is_said_of_anybody_before_they_were_born() -> None:
    for person in generate(7, 240):
        born = person.now.birth_date
        early = [event for event in person.story if event.at.date() < born]
        told = [event.content for event in person.story if isinstance(event, Stated)]
        early += [said for said in told if isinstance(said, AllergyEntry) and said.recorded_on < born]
        assert early == [], person.name
