"""What may not be kept at all: the national Child Protection - Information Sharing service's own answers.

Who needs them asks the service in the course of care, and the service itself records each look; a copy here would be
read without that, and would go stale. https://digital.nhs.uk/services/child-protection-information-sharing-project.
A letter, or a practice's own code, that says a child is on a plan is no such copy: it is kept, and labelled.
"""

from __future__ import annotations

import re
from typing import Final

from carerecord.model import Original, Problem, Source

SERVICE: Final = "cp-is"
RULE: Final = "never kept"
# FHIR: an address of the service as a profile, a code system, an identifier system or where it is from.
_ADDRESS: Final = re.compile(
    rb'"(?:system|url|profile|source|implicitRules)"\s*:\s*\[?\s*"[^"]{0,300}[/:.](?:CP-?IS|cp-?is)(?![a-z])[^"]{0,300}"'
)
# HL7 v2: a whole field or component, so a sending application, a code system or a code; never a word of a text.
_FIELD: Final = re.compile(rb"[|^~&](?:CP-?IS)(?=[|^~&\r\n]|$)")


def never_kept(original: Original, *, source: Source) -> Problem | None:
    """The refusal of what may not be kept. It names the field and the rule, and nothing of the content."""
    if source.service == SERVICE:
        return _problem("MSH-3" if original.format == "hl7v2" else "meta.source")
    content = original.content
    is_named = b"CPIS" in content or b"CP-IS" in content  # Most contents are found innocent by a plain search.
    if original.format == "hl7v2":
        found = _FIELD.search(content) if is_named else None
        return _problem(_segment(content, found.start())) if found else None
    is_named = is_named or b"cp-is" in content or b"cpis" in content
    return _problem("meta.profile") if is_named and _ADDRESS.search(content) else None


def _segment(content: bytes, at: int) -> str:
    begins = max(content.rfind(b"\r", 0, at), content.rfind(b"\n", 0, at)) + 1
    name = content[begins : begins + 3].decode("ascii", "replace")
    return name if name.isalnum() else "MSH"


def _problem(field: str) -> Problem:
    return Problem(
        segment=re.split(r"[-.]", field)[0],
        field=field,
        rule=RULE,
        sentence=(
            f"{field}: this is of Child Protection - Information Sharing, which is never kept here, not even as an "
            "original: stop sending it; whoever needs it asks the national service."
        ),
        fatal=True,
    )
