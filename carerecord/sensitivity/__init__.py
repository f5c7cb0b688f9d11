"""What a statement gives away, and how much care it needs: by service, by code, by a letter's words. Pure.

In: a Reading and its source. Out: `labelled` (the same with labels on its statements), `explain` (which rule found
what, for operators and the audit), `never_kept` (what may not be kept at all). Invariant: nothing but a source's own
mark ever labels an allergy, a medicine or a result.
"""

from carerecord.sensitivity.classify import Files, explain, labelled, version
from carerecord.sensitivity.codes import ListDoesNotFit, check
from carerecord.sensitivity.findings import Finding
from carerecord.sensitivity.labels import WORDS, Label, words_of
from carerecord.sensitivity.never import RULE as NEVER_KEPT
from carerecord.sensitivity.never import never_kept
from carerecord.sensitivity.shipped import labelling
from carerecord.sensitivity.sources import check_sources

__all__ = [
    "NEVER_KEPT",
    "WORDS",
    "Files",
    "Finding",
    "Label",
    "ListDoesNotFit",
    "check",
    "check_sources",
    "explain",
    "labelled",
    "labelling",
    "never_kept",
    "version",
    "words_of",
]
