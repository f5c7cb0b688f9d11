"""London as the record is told of it: organisations, sources, neighbours, roles, and the keys made at first start.

In: a folder. Out: region.toml with its public keys and secret, private keys beside it for the simulators.
Invariant: a key once made is kept, so that a restarted demonstration is still trusted.
"""

from demo.region.write import Keys, write_region

__all__ = ["Keys", "write_region"]
