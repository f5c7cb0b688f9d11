"""Plans and decisions: the words, the author, the date and the place, as their source wrote them.

Whether one holds is what its source says of it: nothing is worked out from dates (field report, correction 12). One
that another replaces, or that its source took back, is closed.
"""

from __future__ import annotations

from collections.abc import Sequence

from carerecord.fhir.care_resources import Activity, Plan, read
from carerecord.fhir.resources import Concept, Reference
from carerecord.model import Standing, StoredStatement
from carerecord.reconciliation import other
from carerecord.reconciliation.dates import written
from carerecord.reconciliation.entries import PlanEntry
from carerecord.reconciliation.letters import attachment_text
from carerecord.reconciliation.one_line import Line, entry, first_words, listed, newest_first, words_of
from carerecord.reconciliation.versions import OVER, Context, Item

KINDS = frozenset(("CarePlan", "Consent", "Goal"))
CLOSED = frozenset(
    ("revoked", "completed", "inactive", "rejected", "cancelled", "entered-in-error", "proposed-rejected")
)
# Words by which the forms of these decisions are known; the words of the decision itself are never read for meaning.
DECISIONS = (
    ("respect", "ReSPECT", True),
    ("recommended summary plan", "ReSPECT", True),
    ("dnacpr", "CPR decision", True),
    ("cardiopulmonary resuscitation", "CPR decision", True),
    ("cpr", "CPR decision", True),
    ("adrt", "Advance decision (ADRT)", False),
    ("advance decision", "Advance decision (ADRT)", False),
    ("lasting power of attorney", "Lasting power of attorney", False),
    ("lpa", "Lasting power of attorney", False),
    ("treatment escalation", "Treatment escalation plan", True),
)


def entries(items: Sequence[Item], context: Context) -> tuple[PlanEntry, ...]:
    replaced = {
        (item.newest.source, old.local_id)
        for item in items
        if item.newest.standing not in OVER
        for old in _replaces(read(Plan, item.newest.body))
    }

    def line_of(statement: StoredStatement) -> Line:
        return _line(statement, is_replaced=(statement.source, statement.local_id) in replaced)

    made = newest_first([entry(item, context, line_of, PlanEntry) for item in items])
    return tuple(sorted(made, key=lambda plan: not plan.is_decision))  # Decisions first; stable, so newest first.


def _replaces(said: Plan) -> list[Reference]:
    # R4 gives a Consent no "replaces": a source says it by an extension of that name.
    more = [each.valueReference for each in said.extension if each.url.rpartition("/")[2].endswith("replaces")]
    return [*said.replaces, *(reference for reference in more if reference)]


def _line(statement: StoredStatement, *, is_replaced: bool) -> Line:
    if statement.resource_type not in KINDS:
        return other.line_of(statement)
    said = read(Plan, statement.body)
    status = said.status or said.lifecycleStatus
    described = said.description if isinstance(said.description, str) else said.description.words
    kind, is_resuscitation = _decision(said) if statement.resource_type == "Consent" else _decision_plan(said)
    words = tuple(dict.fromkeys(text for text in (described, *_words(said)) if text))
    names = (said.title, kind, first_words(listed(said.category)), words_of(said.scope), described.partition("\n")[0])
    what = next((text for text in names if text), other.kind_words(statement.resource_type))
    author = ", ".join(dict.fromkeys(name for each in _authors(said) if (name := said.named(each))))
    place = ", ".join(name for each in said.organization if (name := said.named(each)))
    made = written(said.dateTime or said.created or said.startDate or (said.period.start if said.period else ""))
    review = written(said.period.end) if said.period else ""
    if is_replaced:
        state = "replaced by a newer one"
    elif statement.standing is Standing.RESOLVED and status in ("", "active"):
        state = "no longer in force"
    else:
        state = "" if status in ("active", "") else status.replace("-", " ")
    return Line(
        what=what,
        details=(state, author, place, f"until {review}" if review else ""),
        is_over=is_replaced or status in CLOSED or statement.standing is Standing.RESOLVED,
        more={
            "kind": kind,
            "is_decision": statement.resource_type == "Consent" or bool(kind),
            "is_resuscitation": is_resuscitation,
            "words": tuple(text for text in words if text != what),
            "author": author,
            "place": place,
            "made": made,
            "review": review,
        },
    )


def _authors(said: Plan) -> list[Reference]:
    named = [said.author, *said.performer, said.expressedBy] if said.author or said.performer else [said.expressedBy]
    return [each for each in (*named, *said.contributor) if each]


def _decision(said: Plan) -> tuple[str, bool]:
    return _known([*listed(said.category), *listed(said.scope), *([said.code] if said.code else [])], said.title)


def _decision_plan(said: Plan) -> tuple[str, bool]:
    kind, is_resuscitation = _known([*listed(said.category)], said.title)
    return kind, is_resuscitation


def _known(concepts: Sequence[Concept], title: str) -> tuple[str, bool]:
    texts = [title, *(text for each in concepts for text in (each.text, *(code.display for code in each.coding)))]
    texts += [code.code for each in concepts for code in each.coding]
    said = " ".join(texts).casefold()
    tokens = set(said.replace("(", " ").replace(")", " ").replace(":", " ").replace("-", " ").split())
    for word, kind, is_resuscitation in DECISIONS:
        if word in tokens or (" " in word and word in said):
            return kind, is_resuscitation
    return "", False


def _words(said: Plan) -> list[str]:
    """A decision's own words first: R4 has no member for them, so sources write them as the document or the rule."""
    document = said.sourceAttachment
    is_text = document is not None and (document.contentType or "text/plain").startswith("text/plain")
    decided = attachment_text(document).strip() if document and is_text else ""
    rule = words_of(said.policyRule)
    lines = [decided] if decided else []
    lines += [rule] if rule and rule not in decided else []
    lines += [note.text for note in said.note]
    if said.provision is not None:
        allowed = {"deny": "Not: ", "permit": ""}.get(said.provision.type, "")
        lines += [allowed + code.words for code in said.provision.code if code.words]
    return [*lines, *(text for each in said.activity for text in _activity(said, each))]


def _activity(said: Plan, activity: Activity) -> list[str]:
    detail = activity.detail
    lines = [note.text for note in activity.progress]
    if detail is not None:
        by = ", ".join(name for each in detail.performer if (name := said.named(each)))
        what = detail.description or words_of(detail.code)
        lines.insert(0, f"{what} ({by})" if by and what else what or by)
    elif activity.reference is not None:
        lines.insert(0, said.named(activity.reference))
    return [line for line in lines if line]
