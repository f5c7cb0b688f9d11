"""A council's social care: services, contacts, needs and safeguarding, a batch a night."""

from __future__ import annotations

from demo.systems.life import live
from demo.systems.sending import Sender, run

if __name__ == "__main__":
    live(Sender, run)
