"""What a template is given: frozen, finished values, each a piece of a page, with nothing left to work out."""

from __future__ import annotations

import msgspec
from markupsafe import Markup


class Row(msgspec.Struct, frozen=True, gc=False):
    """One line of a list. Marks are (style, word)."""

    id: str
    what: str
    detail: str
    when: str
    sources: str
    marks: tuple[tuple[str, str], ...]
    conflict: str


class Letter(msgspec.Struct, frozen=True, gc=False):
    row: Row
    text: str  # its words, drawn in full
    document: str  # statement id of its own file, or ""
    document_kind: str


class Cell(msgspec.Struct, frozen=True, gc=False):
    """One value in a column of time. `note` is what stands under it: a range of its own, a specimen, a status."""

    text: str
    tone: str
    flag: str
    note: str
    is_struck: bool


class PanelRow(msgspec.Struct, frozen=True, gc=False):
    id: str
    what: str
    about: str  # "3.5–5.3 mmol/L · serum"
    trend: Markup
    cells: tuple[tuple[Cell, ...], ...]
    marks: tuple[tuple[str, str], ...]
    conflict: str


class PanelTable(msgspec.Struct, frozen=True, gc=False):
    times: tuple[str, ...]
    rows: tuple[PanelRow, ...]


class Panel(msgspec.Struct, frozen=True, gc=False):
    """One panel of one laboratory: its newest columns, and the earlier ones in tables of their own."""

    anchor: str
    title: str
    origin: str  # laboratory and source
    newest: PanelTable
    earlier: tuple[PanelTable, ...]
    earlier_count: int


class Flagged(msgspec.Struct, frozen=True, gc=False):
    id: str
    what: str
    value: str
    tone: str
    flag: str
    about: str
    when: str


class Results(msgspec.Struct, frozen=True):
    count: int
    gist: str
    flagged: tuple[Flagged, ...]
    panels: tuple[Panel, ...]
    texts: tuple[Letter, ...]


class PlanView(msgspec.Struct, frozen=True, gc=False):
    """A plan or decision with its words in full."""

    row: Row
    words: tuple[str, ...]
    is_decision: bool


class Section(msgspec.Struct, frozen=True, kw_only=True):
    anchor: str
    title: str
    columns: tuple[str, str, str]
    count: int
    gist: str  # one line, for the closed heading of a narrow page
    none: str  # the sentence that stands where there is nothing
    note: str  # one constant sentence under the title
    answers: tuple[str, ...]
    rows: tuple[Row, ...]
    letters: tuple[Letter, ...]
    plans: tuple[PlanView, ...]
    results: Results | None
    closed: tuple[Row, ...]  # stopped, resolved, cancelled, entered in error: never mixed with current
    closed_letters: tuple[Letter, ...]
    closed_plans: tuple[PlanView, ...]
    closed_count: int
    closed_title: str
    is_half: bool = False  # stands beside another of its kind on a wide page


class SourceRow(msgspec.Struct, frozen=True):
    name: str
    phone: str
    last_said: str
    statement_count: int


class StepView(msgspec.Struct, frozen=True):
    """One step of the pathway."""

    id: str
    what: str
    where: str
    when: str
    is_next: bool


class WaitingView(msgspec.Struct, frozen=True):
    id: str
    what: str
    who: str


class PathView(msgspec.Struct, frozen=True):
    steps: tuple[StepView, ...]
    next: str
    phone: str  # "Barts Health: 020 7946 0001"
    pending: tuple[WaitingView, ...]
    to_do: tuple[WaitingView, ...]


class ChildView(msgspec.Struct, frozen=True, kw_only=True):
    """What comes first of a child. `growth` is (what, value with its centile as sent, when, entry id)."""

    growth: tuple[tuple[str, str, str, str], ...]
    responsible: tuple[str, ...]
    sees_contacts: bool
    sees_growth: bool


class BannerView(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    born: str
    died: str
    gender: str
    nhs_number: str
    is_nhs_number_verified: bool
    address: str
    phone: str
    gp_practice: str
    allergy_title: str
    allergies: tuple[str, ...]
    said_by: str
    alerts: tuple[str, ...]
    decisions: tuple[str, ...]
    needs: tuple[str, ...]
    is_restricted: bool


class SummaryView(msgspec.Struct, frozen=True, kw_only=True):
    banner: BannerView
    as_at: str  # when this was all that the record held: a page may stay open
    answers: tuple[str, ...]
    sources: tuple[SourceRow, ...]
    sources_gist: str
    is_demographics_only: bool
    pathway: PathView | None
    child: ChildView | None
    sections: tuple[Section, ...]
    nothing_under: tuple[str, ...]  # headings with nothing in them
    who_says: tuple[Row, ...]  # who each source says this is
    opened_from: str
    why: tuple[str, ...]
    rests_on: str
    basis: tuple[str, ...]
    policies: tuple[str, ...]
    policy_version: str
    limits: tuple[str, ...]
    cautions: tuple[str, ...]
    since: str


class SayingView(msgspec.Struct, frozen=True, kw_only=True):
    source: str
    source_name: str
    said: str
    happened: str
    standing: str
    lines: tuple[tuple[str, str], ...]
    original: str
    is_superseded: bool


class ReceiptView(msgspec.Struct, frozen=True, kw_only=True):
    banner: BannerView
    heading: str
    anchor: str
    row: Row
    rule: str
    sayings: tuple[SayingView, ...]


class OriginalView(msgspec.Struct, frozen=True, kw_only=True):
    banner: BannerView
    source_name: str
    received: str
    segments: tuple[str, ...]
    is_whole: bool


class Role(msgspec.Struct, frozen=True):
    value: str
    name: str
    organisation: str


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody found, before anything of their record is shown."""

    name: str
    born: str
    nhs_number: str


class EmergencyView(msgspec.Struct, frozen=True, kw_only=True):
    """The line on every page of a record that is open under emergency access."""

    reason: str
    words: str  # the reader's own
    until: str  # "23:40"
    left: str  # "3 h 12 min"
    ends_at: str  # ISO 8601, for the script that counts down


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What stands around every page: whose record system this is, who is reading, whom to phone."""

    title: str
    phone: str
    reader: str = ""  # "Dr Amara Obi, Consultant, Oxford University Hospitals"
    base: str = ""  # "/patient/<session id>" under a patient, else ""
    emergency: EmergencyView | None = None
    printed: str = ""  # on paper: by whom and when, and how to keep it
    may_declare: bool = False  # emergency access: by role alone, so that nothing about one record can be read from it
