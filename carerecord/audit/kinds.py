"""What each kind of event says, and which of its fields are always there: the table of docs/reference/audit.md."""

from __future__ import annotations

from typing import Final, NamedTuple

from carerecord.audit.chain import Kind


class Says(NamedTuple):
    """One kind. `always`: members of `detail` that every such event has, beside the time of the request."""

    when: str
    always: tuple[str, ...] = ()
    often: tuple[str, ...] = ()
    decided: bool = False  # `decision` holds kind, policies and policy version
    follows: bool = False  # `about_seq` names the event that it follows
    snapshot: bool = False


KINDS: Final[dict[Kind, Says]] = {
    Kind.OPENED: Says("decided and permitted; nothing read or shown yet", decided=True, often=("record_knew",)),
    Kind.SHOWN: Says(
        "what was shown, committed before its first byte leaves: page, entry, letter, original, FHIR answer",
        always=("what", "count", "sources", "withheld"),
        often=("entry", "form", "original", "content", "held", "heard", "said", "under", "who", "found"),
        decided=True,
        follows=True,
        snapshot=True,
    ),
    Kind.REFUSED: Says(
        "a look, a search, a launch, a token, a desk or the audit itself was refused", often=("what", "rule")
    ),
    Kind.SEARCHED: Says(
        "somebody was looked for; about nobody where nobody was found",
        always=("nhs_number", "birth_date"),
        decided=True,
    ),
    Kind.ARRIVED: Says("a launch was taken, and its session begins", always=("issuer", "jti", "device")),
    Kind.SIGNED_IN: Says("somebody signed in, or a program was given a token", often=("device", "what", "scope")),
    Kind.SIGNED_OUT: Says("a session ended by its reader or their provider", often=("by",)),
    Kind.DECLARED: Says("emergency access began: why in a code and in words, and until when", often=("what",)),
    Kind.EXPORTED: Says(
        "a file was made: subject access, a backup, the audit, all that a source sent", always=("what",)
    ),
    Kind.SENT: Says("to a program that nobody has looked at yet", always=("what",), decided=True, follows=True),
    Kind.EXAMINED: Says(
        "a steward or operator looked: at a case, an event, an original, the audit, a page as it was",
        always=("what",),
        often=("because", "original", "event", "asked", "case"),
    ),
    Kind.ADMINISTERED: Says(
        "something was changed: policy, switch, objection, removal, hold, role, key, a restore",
        always=("what",),
        often=("because", "step", "from", "to"),
    ),
    Kind.NOTIFIED: Says("an organisation or a person was told, by a reference", often=("what", "reference")),
}
COLUMNS: Final = (
    ("`patient_key`", "whom it is about, a number without meaning; 0: nobody"),
    ("`stream`, `seq`", "where it stands: one chain for each process that writes"),
    ("`recorded_at`", "when it was committed"),
    ("`asked_at`", "when it was asked for; in events written before version 0.4.0, `detail.at`"),
    ("`kind`", "one of those below"),
    ("`staff`", "who, as at the time: id, name, role, organisation, how they signed in; a program too"),
    ("`purpose`", "HL7 PurposeOfUse: TREAT, ETREAT, BTG, PATRQT, PATADMIN, HRESCH"),
    ("`evidence`", "what showed that they are involved in the person's care, or the reason they gave"),
    (
        "`decision`",
        "permit, deny or reason-needed; the policies that decided, their version, and headings by labels hidden",
    ),
    (
        "`about_stream`, `about_seq`",
        "the event that this one follows; the stream of earlier ones, `detail.about_stream`",
    ),
    ("`snapshot`", "SHA-256 over the ids and versions of all that was shown"),
    ("`detail`", "what belongs to the kind; never a body of the record"),
    ("`route`, `session`", "by which way in, and in which session; its device stands in the event by which it began"),
    (
        "`manner`",
        "SHA-256 of staff and decision, whose text stands once for a stream and month; none: the row says them itself",
    ),
    ("`grounds`", "SHA-256 of the evidence, kept the same way under its patient; none: the row says it itself"),
    ("`hash`", "SHA-256 over the hash before it and every column above, of texts kept once their digests"),
)
ENTRY: Final = (
    "Events are read by the view `audit.event`, in which each text stands as it was said. They are kept in "
    "`audit.entry` by month of `recorded_at`, their texts in `audit.text` by the same month: they go with it."
)


def page() -> list[str]:
    """The table as Markdown."""
    lines = [
        "## Columns",
        "",
        ENTRY,
        "",
        "| column | what |",
        "| --- | --- |",
        *(f"| {name} | {what} |" for name, what in COLUMNS),
    ]
    lines += [
        "",
        "## Kinds",
        "",
        "| kind | when | detail, always | detail, where it applies | decision | follows | snapshot |",
    ]
    lines += ["| --- | --- | --- | --- | --- | --- | --- |"]
    for kind, says in KINDS.items():
        always, often = (", ".join(f"`{name}`" for name in names) for names in (says.always, says.often))
        marks = " | ".join("yes" if mark else "" for mark in (says.decided, says.follows, says.snapshot))
        lines.append(f"| `{kind.value}` | {says.when} | {always} | {often} | {marks} |")
    return lines
