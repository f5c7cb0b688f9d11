"""What may never be kept is refused with a sentence, and its original holds nothing of it."""

from __future__ import annotations

from datetime import UTC, datetime

from carerecord.intake import hear
from carerecord.model import Original, Outcome, Source

AT = datetime(2026, 11, 10, 9, tzinfo=UTC)
FLAG = (
    b'{"resourceType":"Flag","meta":{"profile":["https://fhir.nhs.uk/England/StructureDefinition/CPIS-Flag"]},'
    b'"code":{"text":"Quillfeather plan"}}'
)


def test_of_a_refused_child_protection_flag_only_its_hash_and_the_field_remain() -> None:
    source = Source(id="council", organisation="Y99301", name="Council", kind="social-care")
    original = Original(source="council", content=FLAG, received_at=AT, format="fhir", control_id="POST Flag")
    reading = hear.translate(original, None, source)
    heard = hear.conclude(original, reading, packed=hear.pack(FLAG), live=False)
    assert heard.outcome is Outcome.REFUSED
    assert (heard.content, heard.packed) == (hear.NOTHING_KEPT, None)
    assert heard.content_hash == hear.fingerprint(FLAG)
    assert not heard.statements
    assert "Quillfeather" not in repr(heard)
    assert "asks the national service" in heard.problems[0].sentence
