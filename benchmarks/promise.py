"""What a promise is, and the two pages that say whether it is kept."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[1]
AREAS = (
    "skeleton",
    "region",
    "intake",
    "access",
    "identity",
    "reading",
    "neighbours",
    "federation",
    "programs",
    "scale",
)


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """A figure that we stand by. `at_most` and `at_least` are its target; with neither it is measured and only told."""

    name: str
    area: str
    says: str  # one sentence: what is measured, in which unit
    at_most: float | None = None
    at_least: float | None = None

    @property
    def target(self) -> str:
        if self.at_most is not None:
            return f"≤ {self.at_most:g}"
        return f"≥ {self.at_least:g}" if self.at_least is not None else "none yet"

    def is_met_by(self, measured: float) -> bool | None:
        if self.at_most is not None:
            return measured <= self.at_most
        return measured >= self.at_least if self.at_least is not None else None


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    area: str
    says: str
    target: str
    measured: float | None
    met: bool | None
    command: str
    commit: str
    note: str = ""


class Benchmark(msgspec.Struct, frozen=True, kw_only=True):
    """A file's promises and the function that measures all of them in one run: name -> (figure, note)."""

    promises: tuple[Promise, ...]
    measure: Callable[[], dict[str, tuple[float, str]]]
    is_long: bool = False


def commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def rows(benchmark: Benchmark, figures: dict[str, tuple[float, str]], *, at_commit: str) -> Iterable[Measured]:
    for promise in benchmark.promises:
        figure, note = figures.get(promise.name, (None, "not measured in this run"))
        yield Measured(
            name=promise.name,
            area=promise.area,
            says=promise.says,
            target=promise.target,
            measured=figure,
            met=None if figure is None else promise.is_met_by(figure),
            command=f"make promises ONLY={promise.area}" + (" LONG=1" if benchmark.is_long else ""),
            commit=at_commit,
            note=note,
        )


def write(measured: Iterable[Measured]) -> None:
    """Merges with what earlier runs measured: a run of one area leaves the others as they were."""
    json_path = ROOT / "docs" / "promises.json"
    known = (
        {row.name: row for row in msgspec.json.decode(json_path.read_bytes(), type=list[Measured])}
        if json_path.exists()
        else {}
    )
    known |= {row.name: row for row in measured}
    ordered = sorted(known.values(), key=lambda row: (AREAS.index(row.area), row.name))
    json_path.write_bytes(msgspec.json.format(msgspec.json.encode(ordered), indent=1) + b"\n")
    lines = [
        "# Promises",
        "",
        "Made by `make promises`; do not edit. CPU per operation and ratios within one run, since wall-clock figures",
        "on shared machines move by a factor of two to four. A gap is written as a gap.",
    ]
    for area in AREAS:
        of_area = [row for row in ordered if row.area == area]
        if of_area:
            lines += [
                "",
                f"## {area}",
                "",
                "| promise | what | target | measured | met | command | commit |",
                "| --- | --- | ---: | ---: | --- | --- | --- |",
            ]
            lines += [_line(row) for row in of_area]
    (ROOT / "docs" / "promises.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _line(row: Measured) -> str:
    figure = (
        "gap" if row.measured is None else f"{row.measured:,.4g}" if row.measured < 1000 else f"{row.measured:,.0f}"
    )
    met = {True: "yes", False: "**no**", None: "–"}[row.met]
    says = f"{row.says} {row.note}".strip().replace("|", "\\|")
    return f"| {row.name} | {says} | {row.target} | {figure} | {met} | `{row.command}` | {row.commit} |"
