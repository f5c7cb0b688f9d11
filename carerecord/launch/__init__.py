"""Arriving from another system with the patient already chosen.

In: a launch signed by a neighbour's record system, then the browser that follows with its code. Out: a session bound to
one person, and a redirect to their chart; or a sentence. Invariant: a neighbour speaks only for its own organisation,
with its own registered keys, once and for a minute; and no address ever holds a patient's detail.
"""

from carerecord.launch.context_link import TYP, LaunchRefusal, verify
from carerecord.launch.routes import routes

__all__ = ["TYP", "LaunchRefusal", "routes", "verify"]
