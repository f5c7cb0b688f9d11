"""A community trust: who is on the caseload, visits, observations and equipment, one resource at a time."""

from __future__ import annotations

from demo.systems.life import live
from demo.systems.sending import Sender, run

if __name__ == "__main__":
    live(Sender, run)
