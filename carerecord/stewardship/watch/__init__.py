"""The watch: follows the audit and raises a case where a look is unlike the work that it is said to be.

In: events of the audit as they are committed, and what the index knows of whom they are about. Out: cases for the
privacy desk, each with its reasons in sentences that name no patient. The rules and the engine are pure.
"""

from carerecord.stewardship.watch.engine import Watch
from carerecord.stewardship.watch.following import Following, keep_watching
from carerecord.stewardship.watch.values import About, Alert, Colleague, Finding, Look, Rule, Rules, read_rules

__all__ = [
    "About",
    "Alert",
    "Colleague",
    "Finding",
    "Following",
    "Look",
    "Rule",
    "Rules",
    "Watch",
    "keep_watching",
    "read_rules",
]
