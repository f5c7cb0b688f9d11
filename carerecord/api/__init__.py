"""The record for programs: FHIR R4 interactions and operations.

In: a program's request with its access token. Out: FHIR resources, or an OperationOutcome that says what to do next.
Invariant: no address holds anything about a patient but the record's own meaningless id, and every answer about one was
witnessed by the door out.
"""

from carerecord.api.bodies import Bodies
from carerecord.api.openapi import document
from carerecord.api.parts import Parts
from carerecord.api.push import PushParts, push_routes
from carerecord.api.routes import routes

__all__ = ["Bodies", "Parts", "PushParts", "document", "push_routes", "routes"]
