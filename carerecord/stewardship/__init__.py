"""The third door: the desks decide, witness, act: privacy, objections, removal, repair, administration.

In: what a steward decides, and what the engine that watches the audit finds. Out: cases, objections, removals.
Invariant: nobody acts here unseen, and what cuts or opens access takes two people.
"""

from carerecord.stewardship.declared import EmergencyCases
from carerecord.stewardship.ledger import Ledger
from carerecord.stewardship.ledger_desk import LedgerDesk
from carerecord.stewardship.privacy import PrivacyDesk

__all__ = ["EmergencyCases", "Ledger", "LedgerDesk", "PrivacyDesk"]
