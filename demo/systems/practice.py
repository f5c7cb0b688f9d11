"""A GP practice: problems, medicines, allergies, immunisations, measurements, consultations, over FHIR."""

from __future__ import annotations

from demo.systems.life import live
from demo.systems.sending import Sender, run

if __name__ == "__main__":
    live(Sender, run)
