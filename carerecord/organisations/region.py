"""The region as the rest of the house sees it: look-ups that are pure and never fail half-way."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cached_property
from typing import Any

import msgspec

from carerecord.model import Source

TELL_AFTER_DAYS = 7  # a judgement: time for the privacy desk to look first; a region may say otherwise
AGREEMENT_DAYS = 30  # before an agreement ends, those who run the record are told


class Organisation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    ods_code: str
    name: str
    short_name: str = ""
    kind: str = "hospital"  # hospital, practice, laboratory, community, ...
    area: str = ""  # "London", "Oxfordshire"
    in_region: bool = True  # False: a neighbour, or a practice outside
    phone: str | None = None
    agreement_until: date | None = None  # last day of its data sharing agreement; None: it has no end

    @property
    def called(self) -> str:
        return self.short_name or self.name


class Neighbour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A record system that may launch us: it speaks only for its own organisation, with its own keys."""

    issuer: str
    organisation: str
    name: str
    jwks: dict[str, Any]  # public keys (RFC 7517)
    frame_origins: tuple[str, ...] = ()  # of its pages that show in a frame what it launched; none: no page does


class Client(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A program that may ask by FHIR (SMART backend services): `private_key_jwt`, its own keys, a scope."""

    client_id: str
    organisation: str
    name: str
    jwks: dict[str, Any]
    scope: str = "system/*.rs"
    role: str = "program"
    source: str | None = None  # the source this program speaks for when it pushes: its own id in `[[source]]`


class SignIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The provider that knows the staff (NHS CIS2 or one that speaks its claims)."""

    issuer: str
    client_id: str
    client_secret: str
    name: str = "NHS Care Identity"


class PersonSignIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The provider that knows the people whose record it is (NHS login or one that speaks its claims)."""

    issuer: str
    client_id: str
    key: dict[str, Any]  # private key (JWK) by which the provider knows us: private_key_jwt
    client_secret: str = ""  # there is none
    name: str = "NHS login"


class SensitiveCodes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Codes that give a sensitive thing away: what a region adds to the record's own lists.

    `system` is "snomed", "icd-10", "opcs-4", "read-v2" or "ctv3"; `prefixes` are for codes that are built so.
    """

    label: str
    system: str
    source: str  # where the list is from
    checked: str = "region"
    codes: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()


class SourceEntry(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    sending: tuple[str, ...] = ()  # "APPLICATION|FACILITY" of MSH-3|MSH-4; "*" stands for anything
    certificates: tuple[str, ...] = ()  # subjects of client certificates: it is heard over these connections alone
    expected_every_seconds: float | None = None  # as agreed with the source; its own rhythm speaks once it is known


class Region(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    name: str
    title: str
    phone: str  # whom to phone when the record cannot be shown
    organisations: tuple[Organisation, ...]
    sources: tuple[SourceEntry, ...]
    neighbours: tuple[Neighbour, ...] = ()
    clients: tuple[Client, ...] = ()
    sign_in: SignIn | None = None
    person_sign_in: PersonSignIn | None = None
    roles: dict[str, str] = {}  # national RBAC role code -> our role
    sensitive_codes: tuple[SensitiveCodes, ...] = ()  # beside those that the record ships
    privacy_organisation: str = ""  # ODS code of who leads: its privacy desk sees every organisation's cases
    tell_after_days: int = TELL_AFTER_DAYS  # after a declaration of emergency access its person is told of it

    @cached_property
    def _organisations(self) -> dict[str, Organisation]:
        return {organisation.ods_code: organisation for organisation in self.organisations}

    @cached_property
    def _sources(self) -> dict[str, SourceEntry]:
        return {source.id: source for source in self.sources}

    @cached_property
    def _senders(self) -> dict[str, SourceEntry]:
        return {sending: source for source in self.sources for sending in source.sending}

    @cached_property
    def proves_connections(self) -> bool:
        """Whether any source is believed by its connection and not by what its messages say alone."""
        return any(source.certificates for source in self.sources)

    @cached_property
    def _frame_origins(self) -> dict[str, tuple[str, ...]]:
        return {neighbour.issuer: neighbour.frame_origins for neighbour in self.neighbours}

    @cached_property
    def frame_origins(self) -> tuple[str, ...]:
        """Of every registered record system together, each once."""
        return tuple(dict.fromkeys(origin for neighbour in self.neighbours for origin in neighbour.frame_origins))

    def frame_origins_of(self, issuer: str) -> tuple[str, ...]:
        """Whose pages may show what this record system launched; of nobody's launch, none."""
        return self._frame_origins.get(issuer, ())

    def find_organisation(self, ods_code: str | None) -> Organisation | None:
        return self._organisations.get(ods_code or "")

    def organisation_name(self, ods_code: str) -> str:
        organisation = self.find_organisation(ods_code)
        return organisation.name if organisation else f"organisation {ods_code}"

    def has_agreement(self, ods_code: str, *, on: date) -> bool:
        """False only where an agreement has ended: who never had one is refused by the policies."""
        organisation = self.find_organisation(ods_code)
        return organisation is None or organisation.agreement_until is None or on <= organisation.agreement_until

    def agreements_lapsing(self, *, on: date, days: int = AGREEMENT_DAYS) -> tuple[Organisation, ...]:
        """Those whose agreement ends within so many days, or has ended; the first to end first."""
        last = on + timedelta(days=days)
        ending = [(each.agreement_until, each) for each in self.organisations if each.agreement_until]
        return tuple(each for until, each in sorted(ending, key=lambda pair: pair[0]) if until <= last)

    def find_source(self, source_id: str) -> SourceEntry | None:
        return self._sources.get(source_id)

    def find_sender(self, *, application: str, facility: str) -> SourceEntry | None:
        """Which source a message is from, by MSH-3.1 and MSH-4.1: the exact pair first, then each alone, then any."""
        for sending in (f"{application}|{facility}", f"{application}|*", f"*|{facility}", "*"):
            if source := self._senders.get(sending):
                return source
        return None

    def find_neighbour(self, issuer: str) -> Neighbour | None:
        return next((neighbour for neighbour in self.neighbours if neighbour.issuer == issuer), None)

    def find_client(self, client_id: str) -> Client | None:
        return next((client for client in self.clients if client.client_id == client_id), None)
