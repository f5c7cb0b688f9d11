"""What the region's systems send about invented people, as bytes: HL7 v2 in several dialects, FHIR, documents.

In: a Person with their story. Out: messages in order of time. Invariant: the same person gives the same bytes.
"""

from __future__ import annotations

from demo.messages.message import Message
from demo.messages.voices import Voices, history

__all__ = ["Message", "Voices", "history"]
