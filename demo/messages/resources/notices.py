"""Communication: words to whoever meets the person next: https://hl7.org/fhir/R4/communication.html"""

from __future__ import annotations

from demo.messages.resources.speaking import Resource, Speaking, instant
from demo.people.contents import Notice


def write(told: Notice, speaking: Speaking) -> Resource:
    found = speaking.resource("Communication", profile="")
    found["status"] = "entered-in-error" if speaking.is_in_error else "completed"
    found["category"] = [speaking.concept(told.concept)]
    found["sent"] = instant(told.sent_at)
    found["payload"] = [{"contentString": told.words}]
    return found
