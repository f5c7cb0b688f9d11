"""How often one member of staff, one program and everybody of one organisation may ask: buckets of this process.

Nobody's account is ever locked: who asks too often waits, and nobody else does. Each process counts by itself and for
its share: the settings say how many serve.
"""

from __future__ import annotations

from datetime import datetime
from math import ceil

from carerecord import logs
from carerecord.model import Staff
from carerecord.settings import Settings

KEYS_MAX = 65_536  # remembered at once; who has not asked for longest is forgotten first
SECONDS_OF_BURST = 20
SEARCH_COSTS = 10  # times as much as opening something that is known
TOLD_AFTER_SECONDS = 60.0  # A flood is written down once a minute, not once a request: else it would flood the audit.


class TooOften(Exception):
    """Too much was asked in a short time, so nothing was done: wait as long as it says, then ask again."""

    def __init__(self, staff: Staff, *, whose: str, seconds: float, is_told: bool) -> None:
        super().__init__(TooOften.__doc__)
        self.staff = staff
        self.whose = whose  # "user", "program", "organisation"
        self.seconds = ceil(seconds)
        self.is_told = is_told  # It was written down within the last minute.
        self.route = self.session = self.issuer = ""
        self.patient_key = 0

    @property
    def rule(self) -> str:
        return f"limit {self.whose}"

    @property
    def sentences(self) -> tuple[str, ...]:
        by = {
            "user": "Too much was asked under your name in a short time",
            "program": "Too much was asked by this program in a short time",
            "organisation": f"Everybody at {self.staff.organisation_name} together asked too much in a short time",
        }
        return (
            f"{by[self.whose]}, so nothing was done.",
            f"Wait {self.seconds} s, then ask again. Nobody is locked out.",
        )


class Buckets:
    """Each key may spend `each_second`, and save up for so many seconds."""

    def __init__(self, each_second: float) -> None:
        self._each_second = each_second
        self._full = each_second * SECONDS_OF_BURST
        self._left: dict[object, tuple[float, float]] = {}
        self._told: dict[object, float] = {}

    def spend(self, key: object, cost: float = 1, *, now: float) -> float:
        """Seconds to wait; 0 where it may be done."""
        left, since = self._left.pop(key, (self._full, now))
        left = min(self._full, left + max(now - since, 0.0) * self._each_second)
        enough = min(1.0, self._full)
        wait = 0.0 if left >= enough else (enough - left) / self._each_second
        self._left[key] = (left - cost if not wait else left, now)
        if len(self._left) > KEYS_MAX:
            del self._left[next(iter(self._left))]
        return wait

    def is_told(self, key: object, *, now: float) -> bool:
        """Whether it was said within a minute that this one waits; if not, it is from now on."""
        last = self._told.pop(key, None)
        is_told = last is not None and now - last < TOLD_AFTER_SECONDS
        self._told[key] = last if is_told and last is not None else now
        if len(self._told) > KEYS_MAX:
            del self._told[next(iter(self._told))]
        return is_told


class Allowance:
    """One of each process. The user's own bucket is asked first, and only what it lets by counts for the organisation:
    one who asks without end spends no more of what the others share than one may."""

    def __init__(self, settings: Settings) -> None:
        share = 1 / max(settings.serve_processes, 1)
        self._of_user = Buckets(settings.user_requests_per_second_max * share)
        self._of_program = Buckets(settings.program_requests_per_second_max * share)
        self._of_organisation = Buckets(settings.organisation_requests_per_second_max * share)

    def spend(self, staff: Staff, *, at: datetime, cost: float = 1, own: int = 0) -> None:
        """Raises TooOften. `own` is the person who is at what is their own: all of them have one name in the audit."""
        now = at.timestamp()
        whose, buckets = ("program", self._of_program) if staff.is_program else ("user", self._of_user)
        self._take(buckets, (staff.organisation, own or staff.user_id), staff, whose=whose, cost=cost, now=now)
        if staff.organisation:
            self._take(self._of_organisation, staff.organisation, staff, whose="organisation", cost=cost, now=now)

    def _take(self, buckets: Buckets, key: object, staff: Staff, *, whose: str, cost: float, now: float) -> None:
        wait = buckets.spend(key, cost, now=now)
        if not wait:
            return
        is_told = buckets.is_told(key, now=now)
        if not is_told:
            logs.say(logs.Line.LIMITED, of=whose, organisation=staff.organisation)
        raise TooOften(staff, whose=whose, seconds=wait, is_told=is_told)
