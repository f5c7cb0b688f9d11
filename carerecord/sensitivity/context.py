"""What stands around a cue in its sentence: a denial, somebody else, a test without its result, advice to anybody.

After Chapman and others, "A simple algorithm for identifying negated findings and diseases in discharge summaries"
(NegEx, 2001) and "ConText" (2009): words before and after with how far they reach; the words themselves are ours.
"""

from __future__ import annotations

import re
from typing import Final

# Where a new thing begins, so that a denial before it does not reach.
_TURN: Final = re.compile(
    r"[;•]|(?<!\w)(?:but|however|although|except|apart from|now|who is|and is|then|as|because|since|due to)(?!\w)"
)
_AGAINST: Final = (
    r"(?:no|nil|not|never|without|denies|denied|denying|deny|neither|nor|excludes?|excluded|excluding|"
    r"negative (?:for|screen for)|rules? out|ruled out|absence of|free of|declin\w+|refus\w+|doesn'?t|didn'?t|hasn'?t|"
    r"isn'?t|wasn'?t|unlikely|screen(?:ed|ing)? for|test(?:ed|ing)? for|swabs? for|offer(?:ed)?|vaccinated against)"
)
_BEFORE: Final = re.compile(rf"(?<![\w-]){_AGAINST}(?:[ -]+[\w'/+-]+){{0,6}}[ :-]*$")
# A denial that reaches over a list: "no history of chlamydia, gonorrhoea or …".
_LISTED: Final = re.compile(
    rf"(?<![\w-]){_AGAINST} (?:(?:known|previous|past|personal|prior|any) )*(?:(?:history|evidence|signs?|hx) of )?"
    r"(?:(?:hiv|hep(?:atitis)?|[bc]|and|or|nor|any|a|hbv|hcv|tb|sti|chlamydial?|gonorrho?ea|syphilis|herpes|warts?|other|"
    r"sexually|transmitted|infections?|diseases?|domestic|sexual|physical|abuse|violence|neglect|safeguarding|concerns|"
    r"ivf|terminations?|miscarriages?|pregnanc(?:y|ies)|of|blood|borne|viruses)[ ,/]*)*$"
)
_AFTER: Final = re.compile(
    r"(?<![\w-])(?:positive|reactive|detected|confirmed|grew|treated|raised|disclosed|made)(?!\w)"
    r"|(?P<against>(?<!\w)(?:negative|neg|non-?reactive|not (?:detected|found|identified|reactive|present|discussed|"
    r"done|performed|indicated|suspected|raised|tested|known)|nr|nd|declined|excluded|ruled out|nil|none|denie[sd]|"
    r"absent|unlikely|no (?:issues|concerns)|is less likely)(?!\w)"
    r"|(?<!\w)(?:clear|normal|unremarkable|pending|awaited|requested|offered)(?!\w))"
)
_AFTER_REACH: Final = 80
# A comma goes on to something else unless it goes on with a list of tests or with their outcome.
_ELSEWHERE: Final = re.compile(
    r",(?! ?(?:and |or |the |all )?(?:hiv|hep\w*|hbv|hcv|syphilis|chlamydial?|gonorrho?ea|gc|trichomonas|herpes|cmv|"
    r"ebv|tb|[bc]\b|negative|neg\b|nr\b|not |none|nil|non-?reactive|declined|excluded|neither|both|result|"
    r"domestic|abuse|neglect))"
)
_WEAK: Final = frozenset(("clear", "normal", "unremarkable", "pending", "awaited", "requested", "offered"))
_WEAK_REACH: Final = 40  # Words that are said of everything: only close by are they said of this.
_TEST: Final = re.compile(
    r"^[ /,]*(?:(?:and|or|hep\w*|hbv|hcv|[bc12]|syphilis|chlamydia|gonorrhoea|igg|igm) ?[,/]? ?)*"
    r"(?:antibod(?:y|ies)|antigen|serology|screen(?:ing)?|test(?:s|ing|ed)?|naat|pcr|swabs?|status|risk|vaccin\w+|"
    r"prevention|awareness)\b"
)
_ANYBODY: Final = re.compile(
    r"(?<!\w)(?:routinely|if you|leaflet|(?:call|ring|phone|contact) [\w ]{0,30}helpline|available from|"
    r"policy|guideline|protocol|all (?:new |medical )?(?:patients|admissions|staff)|staff (?:complete|receive)|"
    r"training|campaign|"
    r"(?<!at )risk of|(?:can|may|might|could) (?:cause|affect|lead)|side effects?|works? (?:as|for|in|part)|retired|"
    r"teaches|trained as|employed as|lecturer|researcher|source patient|"
    r"discriminat\w+|equality|this service (?:is|offers)|dear colleague)(?!\w)"
)
_RELATIVES: Final = (
    r"(?:mother|father|mum|dad|brother|sister|uncle|aunt|cousin|grand(?:mother|father|parents?)|nephew|niece|son|"
    r"daughter|siblings?|half-?(?:brother|sister))"
)
_FAMILY: Final = re.compile(
    rf"(?<!\w)(?:family history|fh|fhx|family hx)(?!\w)"
    r"|(?<!with )(?<!by )(?<!with her )(?<!with his )(?<!by her )(?<!by his )(?<!from her )(?<!from his )"
    rf"(?<!\w){_RELATIVES}"
    rf"(?: who)?[,:]? (?:also|previously|had|has|have|is|was|with|died|underwent|suffered|needed|hiv|aids)"
    rf"(?: (?!present|when|while|asked|attended|brought|wants?|knows?|aware|told|that|she|he|they|about)"
    rf"[\w-]+){{0,4}}[ :]*$"
    rf"|(?<!with )(?<!by )(?<!with her )(?<!with his )(?<!by her )(?<!by his )(?<!\w){_RELATIVES}[ :]*$"
)
_FAMILY_AFTER: Final = re.compile(
    rf"^[^.;]{{0,24}}(?:\((?:his |her |their |paternal |maternal )?{_RELATIVES}\)|(?:in|of) (?:an? |his |her |their )?"
    rf"(?:paternal |maternal )?{_RELATIVES}(?!'s)\b)"
)


def is_denied(before: str, after: str) -> bool:
    """Whether the words around say that it is not so, or that it is not known. Both in small letters."""
    clause = _TURN.split(before)[-1]
    if (_BEFORE.search(clause) and "," not in _tail(clause)) or _LISTED.search(clause):
        told = _AFTER.search(after[:_AFTER_REACH])
        if told is None or told["against"] is not None or "not" in clause:
            return True
        return not _asked(clause)
    return _turned_out(after) is False


def _tail(clause: str) -> str:
    """From the last denial to the cue: a comma in it begins something else."""
    found = _BEFORE.search(clause)
    return found[0] if found else ""


def _asked(clause: str) -> bool:
    """A test that was made or offered, whose result may follow."""
    return re.search(r"(?:screen|test|swab|offer)\w*(?: for)?[\w ,/]*$", clause) is not None


def _turned_out(after: str) -> bool | None:
    """The first word after the cue that says how it turned out; None where none does."""
    reach = _TURN.split(after[:_AFTER_REACH], maxsplit=1)[0]
    if elsewhere := _ELSEWHERE.search(reach):
        reach = reach[: elsewhere.start()]
    found = _AFTER.search(reach)
    if found is None or (found[0] in _WEAK and found.start() > _WEAK_REACH):
        return None
    return found["against"] is None


def is_bare_test(before: str, after: str) -> bool:
    """A test named without its result: that somebody was tested says nothing of them."""
    if before.rstrip().endswith(("positive", "reactive")):
        return False
    found = _TEST.match(after)
    return found is not None and _turned_out(after[found.end() :]) is not True


def is_anybodys(sentence: str) -> bool:
    """Advice, a policy, or somebody's work: said to or of anybody."""
    return _ANYBODY.search(sentence) is not None


def is_relatives(before: str, after: str) -> bool:
    """Said of a relative, so long as nothing says that the relative only knows of it."""
    clause = _TURN.split(before)[-1]
    return _FAMILY.search(clause) is not None or _FAMILY_AFTER.search(after) is not None
