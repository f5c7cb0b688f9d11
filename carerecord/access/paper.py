"""What a decision lets be put on paper: less than on the screen, since paper lies where others read it. Pure.

Safeguarding is never on it, nor what a statute bars and a Guardian let through for the eyes of who asked (field report,
correction 13). It is as if the record did not hold it; a sentence that stands on every sheet says that this may be so.
"""

from __future__ import annotations

import msgspec

from carerecord.access.labels import WORDS, Label
from carerecord.access.legal_bars import LegalBars
from carerecord.access.questions import Decision
from carerecord.model import Heading


def on_paper_under(bars: LegalBars, decision: Decision) -> Decision:
    never = int(Label.SAFEGUARDING) | sum({int(WORDS[bar.label]) for bar in bars.bar.values()})
    headings = {
        heading: bits & ~never for heading, bits in decision.headings.items() if heading is not Heading.SAFEGUARDING
    }
    return msgspec.structs.replace(decision, headings=headings)
