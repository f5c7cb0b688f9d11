"""How the region's systems are heard, and when each was heard last.

In: connections of the region's systems. Out: each message as bytes to `deliver`, and its answer back.
Invariant: no message is acknowledged before `deliver` has answered for it.
"""

from carerecord.sources.feeds import Feeds, Hearing
from carerecord.sources.rules import Feed

__all__ = ["Feed", "Feeds", "Hearing"]
