"""Which patient is this? NHS number, links, judgements.

In: what a message says of its patient, and who said it. Out: the identity it is about, or a sentence that says why
that must be decided first. Invariant: a link changes which identities are one person and nothing else; two different
verified NHS numbers never become one person; every link has a judgement with its reasons, and can be undone.
"""

from carerecord.patient_index.as_at import History, read_history
from carerecord.patient_index.identify import identify, recognise
from carerecord.patient_index.links import Linked, LinkRefused, link, read_links, unlink
from carerecord.patient_index.people import NoSuchPerson, find_person, fingerprint, person_of, read_person, read_said
from carerecord.patient_index.rules import Agreement, Verdict, agreement, as_heard
from carerecord.patient_index.store import NOTHING_REPLACED, Replaced
from carerecord.patient_index.values import Claim, Identified, Undecided

__all__ = [
    "NOTHING_REPLACED",
    "Agreement",
    "Claim",
    "History",
    "Identified",
    "LinkRefused",
    "Linked",
    "NoSuchPerson",
    "Replaced",
    "Undecided",
    "Verdict",
    "agreement",
    "as_heard",
    "find_person",
    "fingerprint",
    "identify",
    "link",
    "person_of",
    "read_history",
    "read_links",
    "read_person",
    "read_said",
    "recognise",
    "unlink",
]
