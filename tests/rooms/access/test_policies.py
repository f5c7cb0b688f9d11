"""Policies that do not fit stop the start, with a sentence that says which and why."""

import pytest

from carerecord.access import PolicyDoesNotFit
from carerecord.access.policies import Policies, compile_texts, shipped_texts

TEXTS = shipped_texts()
MATRIX = TEXTS["policy.toml"]
BARS = TEXTS["legal_bars.toml"]
SAID = '@id("{id}")\n@sentence("A sentence.")\n@basis("A basis.")\n'


def compiled(*, extra: str = "", matrix: str = MATRIX, bars: str = BARS) -> Policies:
    return compile_texts({**TEXTS, "zz.cedar": extra, "policy.toml": matrix, "legal_bars.toml": bars})


def test_the_shipped_policies_fit() -> None:
    policies = compiled()
    assert {"agreement-missing", "relationship-encounter", "matrix-gp-results"} <= set(policies.annotations)


def test_a_typo_in_an_attribute_stops_the_start() -> None:
    with pytest.raises(PolicyDoesNotFit, match="organisation_in_agrement"):
        compiled(
            extra=SAID.format(id="typo")
            + "forbid (principal, action, resource) unless { context.organisation_in_agrement };"
        )


def test_a_policy_that_does_not_parse_stops_the_start() -> None:
    with pytest.raises(PolicyDoesNotFit):
        compiled(extra="forbid (principal, action")


@pytest.mark.parametrize("scope", ['principal, action == Action::"see", resource', "principal, action, resource"])
def test_a_policy_written_by_hand_cannot_let_a_heading_be_seen(scope: str) -> None:
    with pytest.raises(PolicyDoesNotFit, match=r"Only policy\.toml lets a heading be seen"):
        compiled(extra=SAID.format(id="back-door") + f"permit ({scope});")


def test_a_group_of_actions_that_includes_seeing_is_refused_too() -> None:
    with pytest.raises(PolicyDoesNotFit, match="back-door"):
        compiled(
            extra=SAID.format(id="back-door")
            + 'permit (principal, action in [Action::"open", Action::"see"], resource);'
        )


@pytest.mark.parametrize("missing", ["id", "sentence", "basis"])
def test_a_policy_must_say_its_name_its_sentence_and_its_basis(missing: str) -> None:
    said = "\n".join(line for line in SAID.format(id="quiet").splitlines() if not line.startswith(f"@{missing}"))
    with pytest.raises(PolicyDoesNotFit, match=f"@{missing}"):
        compiled(extra=said + '\nforbid (principal, action == Action::"open", resource);')


def test_two_policies_cannot_share_a_name() -> None:
    with pytest.raises(PolicyDoesNotFit, match="agreement-missing"):
        compiled(extra=SAID.format(id="agreement-missing") + "forbid (principal, action, resource);")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('labels = ["safeguarding", "third', 'labels = ["safe-guarding", "third', "label safe-guarding"),
        ('parts = ["mental-health-plan"]', 'parts = ["mental-health-plans"]', "part mental-health-plans"),
        ('desks = ["records"]', 'desks = ["record"]', "desk record,"),
        ('sees = []\ndesks = ["records"]', 'sees = ["RESULTS"]\ndesks = ["records"]', "Make two roles"),
        (
            'sees = ["DEMOGRAPHICS", "CONTACTS"]\nemergency = "no"',
            'sees = ["DEMOGRAPHICS"]\nemergency = "relationship"',
            "role admin",
        ),
        ('labels = ["mental-health"]', 'labels = ["gender-history"]', "which a statute bars"),
        ('sees = ["DEMOGRAPHICS", "CONTACTS"]', 'sees = ["DEMOGRAPHIC"]', "heading DEMOGRAPHIC,"),
        ("[heading]\n", '[heading]\nDREAMS = { name = "Dreams", kind = "clinical" }\n', "DREAMS"),
        ('kind = "program"\n', 'kind = "program"\nmay_export = true\n', "may_export"),
    ],
)
def test_a_matrix_that_does_not_fit_stops_the_start(old: str, new: str, said: str) -> None:
    assert old in MATRIX
    with pytest.raises(PolicyDoesNotFit, match=said):
        compiled(matrix=MATRIX.replace(old, new))


def test_any_change_changes_the_version() -> None:
    assert compiled().version != compiled(matrix=MATRIX + "\n# reviewed\n").version
