"""`python -m demo`: the region, its systems and the record, with sample people, until Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from demo.conductor import Conductor, only_one
from demo.plan import CannotStart, Plan, Ports, make_plan


def main() -> int:
    asked = _arguments()
    ports = Ports(base=asked.port_base, mllp=asked.mllp_port)
    at = datetime.now(ZoneInfo("Europe/London"))
    try:
        plan = make_plan(asked.home, seed=asked.seed, people=asked.people, ports=ports, quiet=asked.quiet, at=at)
        with only_one(plan.home):
            return asyncio.run(_until_told_to_stop(plan))
    except CannotStart as refused:
        print(refused, file=sys.stderr)
        return 2


def _arguments() -> argparse.Namespace:
    """Flags first, then the environment that `make` sets, then the defaults."""
    given = os.environ
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument(
        "--home", type=Path, default=Path(given.get("DEMO_HOME") or ".demo"), help="folder of its state"
    )
    parser.add_argument("--people", type=int, help="how many people (60; fixed once begun)")
    parser.add_argument("--seed", type=int, help="which people (7; fixed once begun)")
    parser.add_argument("--quiet", action="store_true", default=bool(given.get("QUIET")), help="the history only")
    parser.add_argument(
        "--port-base", type=_port, default=given.get("PORT_BASE") or "8400", help="first of 32 web ports"
    )
    parser.add_argument("--mllp-port", type=_port, default=given.get("MLLP_PORT") or "2575", help="port for HL7 v2")
    return parser.parse_args()


def _port(text: str) -> int:
    """Defaults that are text are looked at too, so what `make` was given is told of as a flag is."""
    if not text.isdecimal() or not 0 < int(text) <= 65_535 - 31:
        raise argparse.ArgumentTypeError(f"{text} is no port from 1 to 65504: PORT_BASE and MLLP_PORT are numbers")
    return int(text)


async def _until_told_to_stop(plan: Plan) -> int:
    conductor = Conductor(plan)
    running = asyncio.create_task(conductor.run())
    loop = asyncio.get_running_loop()
    told = False

    def stop() -> None:
        nonlocal told
        if not told:  # A second Ctrl-C must not cut the stopping short: it would leave processes behind.
            told = True
            print("\nStopping …", flush=True)
            running.cancel()

    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(sign, stop)
    try:
        return await running
    except asyncio.CancelledError:
        print("Stopped. The next start goes on from here.", flush=True)
        return 0


if __name__ == "__main__":
    sys.exit(main())
