"""FHIR R4 as it is pushed: one resource, a transaction, or an entry of a batch, read into what a source says.

In: bytes, and what was asked with them. Out: `split` (the entries of a batch), `translate` (a Reading). The pieces, in
the order of work: asked, entries; references, subject; moments, standing, statements.
"""

from carerecord.formats.fhir.asked import Asked, asked_of
from carerecord.formats.fhir.batch import Batch, split
from carerecord.formats.fhir.translate import translate, warm

__all__ = ["Asked", "Batch", "asked_of", "split", "translate", "warm"]
