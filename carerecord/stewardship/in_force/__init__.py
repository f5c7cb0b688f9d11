"""What two people agreed and is in force: routes through legal bars, what is hidden here, roles, keys."""

from carerecord.stewardship.in_force.keeping import InForce, read_policies_at
from carerecord.stewardship.in_force.rules import Row, Standing, standing_of
from carerecord.stewardship.in_force.store import read_standing

__all__ = ["InForce", "Row", "Standing", "read_policies_at", "read_standing", "standing_of"]
