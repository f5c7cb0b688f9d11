"""The record for people: pages, templates, static files.

In: a browser's request and what the door out hands over. Out: a page in plain words that works without script.
Invariant: a page shows finished values only, every line can be followed to what its source said, and no address, title
or file name holds anything about a patient.
"""

from carerecord.web.framing import check as check_framing
from carerecord.web.pages.refusal import Pages, exception_handlers
from carerecord.web.parts import Parts
from carerecord.web.routes import routes
from carerecord.web.security import middleware

__all__ = ["Pages", "Parts", "check_framing", "exception_handlers", "middleware", "routes"]
