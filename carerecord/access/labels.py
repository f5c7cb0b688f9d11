"""The labels of the room that sets them: a statement is shown to a reader who is allowed every label that it bears."""

from __future__ import annotations

from carerecord.sensitivity import WORDS, Label

__all__ = ["WORDS", "Label"]
