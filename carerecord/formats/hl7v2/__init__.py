"""HL7 v2 in pipe notation: read, translated into FHIR, and answered.

In: bytes. Out: `header` (cheap), `translate` (a Reading), `acknowledge` (bytes). The pieces, in the order of work:
charsets, grammar, header; instants, datatypes, codes, quantities; pid; then one file for each kind of thing said.
"""

from carerecord.formats.hl7v2.acknowledge import acknowledge, acknowledgement_code
from carerecord.formats.hl7v2.header import Header, header
from carerecord.formats.hl7v2.translate import TRANSLATED, translate

__all__ = ["TRANSLATED", "Header", "acknowledge", "acknowledgement_code", "header", "translate"]
