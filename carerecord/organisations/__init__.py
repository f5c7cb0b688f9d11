"""Who takes part in the region: organisations, sources, neighbours, programs and their keys.

In: `region.toml` and the key files beside it. Out: a frozen Region. Invariant: a region is data.
"""

from carerecord.organisations.agreed import Agreed, is_still, keys_of, role_of
from carerecord.organisations.region import Client, Neighbour, Organisation, Region, SensitiveCodes, SignIn
from carerecord.organisations.region_file import RegionDoesNotFit, read_region

__all__ = [
    "Agreed",
    "Client",
    "Neighbour",
    "Organisation",
    "Region",
    "RegionDoesNotFit",
    "SensitiveCodes",
    "SignIn",
    "is_still",
    "keys_of",
    "read_region",
    "role_of",
]
