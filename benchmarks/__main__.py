"""`make promises`: measures every promise, or those of one area, and writes docs/promises.md and docs/promises.json."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys

import benchmarks
from benchmarks.promise import AREAS, Benchmark, commit, rows, write


def found() -> dict[str, Benchmark]:
    modules = [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if not module.name.startswith("_")]
    loaded = {name: importlib.import_module(f"benchmarks.{name}") for name in modules if name != "promise"}
    return {name: module.BENCHMARK for name, module in loaded.items() if hasattr(module, "BENCHMARK")}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make promises", description=__doc__)
    parser.add_argument("--only", choices=AREAS, help="measure the promises of one area")
    parser.add_argument("--long", action="store_true", help="the long ones too")
    asked = parser.parse_args()
    at_commit = commit()
    measured = []
    for name, benchmark in found().items():
        areas = {promise.area for promise in benchmark.promises}
        if (asked.only and asked.only not in areas) or (benchmark.is_long and not asked.long):
            continue
        print(f"· {name}: {', '.join(promise.name for promise in benchmark.promises)}", flush=True)
        of_this = list(rows(benchmark, benchmark.measure(), at_commit=at_commit))
        for row in of_this:
            print(f"    {row.name:32} {row.measured!s:>12} target {row.target:>10} {row.note}", flush=True)
        measured += of_this
    write(measured)
    broken = [row.name for row in measured if row.met is False]
    print(f"{len(measured)} measured, {len(broken)} not kept. See docs/promises.md.", *broken)
    return 0


if __name__ == "__main__":
    sys.exit(main())
