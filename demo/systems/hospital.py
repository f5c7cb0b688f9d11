"""A London hospital, in the manner of Cerner or of Epic: stays, appointments, referrals, diagnoses and letters."""

from __future__ import annotations

from demo.systems.life import live
from demo.systems.sending import Sender, run

if __name__ == "__main__":
    live(Sender, run)
