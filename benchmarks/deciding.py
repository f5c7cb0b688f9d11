"""What a decision costs: asked for the first time, asked again, and narrowed by an objection."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from benchmarks.promise import Benchmark, Promise
from carerecord import access
from carerecord.model import Evidence, EvidenceClass, Purpose, Staff

ROUNDS = 9
AGAIN = 20_000
READER = Staff(
    user_id="555000999", name="Dr Judith Marlowe", role_code="S8000:G8000:R8000", role="clinician",
    role_name="Clinical Practitioner", organisation="RTH", organisation_name="Oxford University Hospitals",
    assurance=3, activities=("B0264", "B0360", "B0370"),
)  # fmt: skip
APPOINTMENT = Evidence(kind=EvidenceClass.APPOINTMENT, id="A1")


class Objection(NamedTuple):
    scope: str
    value: str


def asked() -> access.Question:
    return access.Question.of(
        READER, evidence=APPOINTMENT, organisation_in_agreement=True, route="launch", purpose=Purpose.TREAT
    )


def best_seconds(of: Callable[[], object], *, times: int) -> float:
    """Processor time of one, the best of several rounds."""

    def one_round() -> float:
        begun = time.process_time()
        for _ in range(times):
            of()
        return (time.process_time() - begun) / times

    return min(one_round() for _ in range(ROUNDS))


def measure() -> dict[str, tuple[float, str]]:
    policies = access.in_force()
    care = {
        role: best_seconds(lambda role=role: access.decide_for(policies, question(role)), times=1)  # type: ignore[misc]
        for role, entry in policies.matrix.role.items()
        if entry.kind == "clinical"
    }
    emergency = access.Question(
        role="clinician", organisation_in_agreement=True, route="launch", evidence=EvidenceClass.EMERGENCY,
        purpose=Purpose.BTG,
    )  # fmt: skip
    widest = best_seconds(lambda: access.decide_for(policies, emergency), times=1)
    dearest = max(care, key=lambda role: care[role])
    remembered = access.decide(asked())
    objections = [Objection("heading", "LETTERS")]
    narrowing = best_seconds(lambda: access.narrow(remembered, objections), times=AGAIN // 10)
    return {
        "access_decide_first_ms": (
            round(care[dearest] * 1e3, 1),
            f"{len(policies.annotations)} policies, the dearest role ({dearest}); an emergency: {widest * 1e3:.1f} ms",
        ),
        "access_decide_again_us": (
            round(best_seconds(lambda: access.decide(asked()), times=AGAIN) * 1e6, 2),
            f"the question put together and answered; narrowed by an objection besides: {narrowing * 1e6:.1f} µs",
        ),
    }


def question(role: str) -> access.Question:
    return access.Question(
        role=role, organisation_in_agreement=True, route="launch", evidence=EvidenceClass.APPOINTMENT,
        purpose=Purpose.TREAT,
    )  # fmt: skip


BENCHMARK = Benchmark(
    promises=(
        Promise(
            name="access_decide_first_ms",
            area="access",
            says="Milliseconds of processor time for a decision never asked for before: opening, headings and labels.",
            at_most=30,
        ),
        Promise(
            name="access_decide_again_us",
            area="access",
            says="Microseconds of processor time for a decision that was asked for before, its question included.",
            at_most=5,
        ),
    ),
    measure=measure,
)
