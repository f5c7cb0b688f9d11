"""How much planted misuse the watch finds in a month of a region's looks, and how often it is right."""

from __future__ import annotations

import time
from collections import Counter
from datetime import date, timedelta

from benchmarks._misuse_corpus import BEGIN, DAYS, Told, month
from benchmarks.harness import SEED
from benchmarks.promise import Benchmark, Promise
from carerecord.stewardship.watch import Finding, Watch

MONTHS = 3
PROMISES = (
    Promise(
        name="misuse_recall", area="access", says="Share of planted misuse that a case is raised for.", at_least=0.95
    ),
    Promise(
        name="misuse_recall_worst_kind",
        area="access",
        says="The same of the kind that is found least (own record, family, colleague, in the news, fishing,"
        " after death, no encounter).",
    ),
    Promise(name="misuse_precision", area="access", says="Share of the cases raised that are misuse.", at_least=0.5),
    Promise(name="misuse_us_per_event", area="access", says="A look against every rule, µs of processor time."),
)
Key = tuple[int, str, date, int]  # month, reader, day, person (0: searches)


def measure() -> dict[str, tuple[float, str]]:
    planted: dict[Key, str] = {}
    raised: dict[Key, str] = {}
    events, seconds = 0, 0.0
    for number in range(MONTHS):
        corpus = month(SEED + number)
        watch = Watch(staff=corpus.register)
        later = {told.look.place: told for told in corpus.told}
        for told in corpus.told:
            if told.misuse:
                planted[_key(number, told)] = told.misuse
        begun = time.process_time()
        findings: list[Finding] = []
        for told in corpus.told:
            findings += _due(watch, told.look.at, later)
            if finding := watch.take(told.look, told.about):
                findings.append(finding)
        findings += _due(watch, BEGIN + timedelta(days=DAYS + 2), later)
        seconds += time.process_time() - begun
        events += len(corpus.told)
        for finding in findings:
            raised[_key(number, later[finding.look.place])] = finding.alerts[0].rule
    found = Counter(kind for key, kind in planted.items() if key in raised)
    of_kind = Counter(planted.values())
    shares = {kind: found[kind] / count for kind, count in of_kind.items()}
    right = sum(key in planted for key in raised)
    wrong = Counter(rule for key, rule in raised.items() if key not in planted)
    kinds = ", ".join(f"{kind} {found[kind]} of {count}" for kind, count in sorted(of_kind.items()))
    told_wrong = ", ".join(f"{rule} {count}" for rule, count in wrong.most_common())
    return {
        "misuse_recall": (sum(found.values()) / len(planted), f"{kinds}; {events:,} events of {MONTHS} months"),
        "misuse_recall_worst_kind": (min(shares.values()), min(shares, key=lambda kind: shares[kind])),
        "misuse_precision": (right / len(raised), f"{right} of {len(raised)} cases; the others by rule: {told_wrong}"),
        "misuse_us_per_event": (seconds / events * 1e6, f"{events:,} events"),
    }


def _due(watch: Watch, at: object, told: dict[tuple[int, int], Told]) -> list[Finding]:
    due = watch.doubts_due(at=at)  # type: ignore[arg-type]
    return [f for _, look in due if (f := watch.settle(look, told[look.place].later))]


def _key(number: int, told: Told) -> Key:
    return number, told.look.user_id, told.look.at.date(), told.look.patient_key


BENCHMARK = Benchmark(promises=PROMISES, measure=measure)
