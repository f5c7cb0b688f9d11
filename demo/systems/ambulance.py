"""An ambulance service: incidents and observations over FHIR, report forms as files in a folder."""

from __future__ import annotations

from demo.systems.life import live
from demo.systems.sending import Sender, run

if __name__ == "__main__":
    live(Sender, run)
