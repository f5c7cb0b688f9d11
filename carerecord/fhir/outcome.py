"""OperationOutcome: what happened, in a sentence a person can act on (https://hl7.org/fhir/R4/operationoutcome.html)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

Severity = Literal["fatal", "error", "warning", "information"]


def issue(sentence: str, *, code: str, severity: Severity = "error") -> dict[str, Any]:
    """One issue. `code` is of the value set issue-type: "not-found", "forbidden", "login", "incomplete" ..."""
    return {"severity": severity, "code": code, "diagnostics": sentence, "details": {"text": sentence}}


def outcome(issues: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """An OperationOutcome of at least one issue: FHIR allows none without."""
    listed = list(issues) or [issue("Nothing to report.", code="informational", severity="information")]
    return {"resourceType": "OperationOutcome", "issue": listed}
