"""Which member of staff is this, in which role, from where?

In: a provider's answer, a program's signed assertion, a verified launch, a browser's cookies. Out: a Session, a Login
to choose a role from, a ClientAccess, or a Refusal. Invariant: of every secret only its hash is kept, and each code,
state, assertion and launch works once.
"""

from carerecord.signin.allowance import SEARCH_COSTS, Allowance, Buckets, TooOften
from carerecord.signin.arrivals import Arrivals
from carerecord.signin.cis2 import Cis2
from carerecord.signin.clients import Clients
from carerecord.signin.device import is_framed
from carerecord.signin.guard import (
    OWN_COOKIE,
    OWN_SIGN_IN_COOKIE,
    SIGN_IN_COOKIE,
    STAFF_COOKIE,
    desks_of,
    find_desk_session,
    find_own_session,
    find_patient_session,
    find_staff_session,
    may_declare_emergency,
    patient_cookie,
)
from carerecord.signin.in_frame import chart_cookie, forget_chart_cookie
from carerecord.signin.nhs_login import KnownPerson, NHSLogin, person_staff
from carerecord.signin.provider_client import ProviderFailed
from carerecord.signin.scopes import NotAScope, Scope, Scopes
from carerecord.signin.sessions import EMERGENCY_HOURS, OWN_ROUTE, NotAnEmergency, ReasonMissing, Sessions
from carerecord.signin.signed import NotSigned, check_name, peek, read_signed, read_signed_by
from carerecord.signin.switches import AccessCut, Switch, SwitchKind
from carerecord.signin.values import (
    ArrivalRefusal,
    ClientAccess,
    ClientRefusal,
    ClientToken,
    Launch,
    Login,
    NewArrival,
    NewSession,
    Session,
    SignInStart,
    StaffRole,
)
from carerecord.signin.watching import Watch

__all__ = [
    "EMERGENCY_HOURS",
    "OWN_COOKIE",
    "OWN_ROUTE",
    "OWN_SIGN_IN_COOKIE",
    "SEARCH_COSTS",
    "SIGN_IN_COOKIE",
    "STAFF_COOKIE",
    "AccessCut",
    "Allowance",
    "ArrivalRefusal",
    "Arrivals",
    "Buckets",
    "Cis2",
    "ClientAccess",
    "ClientRefusal",
    "ClientToken",
    "Clients",
    "KnownPerson",
    "Launch",
    "Login",
    "NHSLogin",
    "NewArrival",
    "NewSession",
    "NotAScope",
    "NotAnEmergency",
    "NotSigned",
    "ProviderFailed",
    "ReasonMissing",
    "Scope",
    "Scopes",
    "Session",
    "Sessions",
    "SignInStart",
    "StaffRole",
    "Switch",
    "SwitchKind",
    "TooOften",
    "Watch",
    "chart_cookie",
    "check_name",
    "desks_of",
    "find_desk_session",
    "find_own_session",
    "find_patient_session",
    "find_staff_session",
    "forget_chart_cookie",
    "is_framed",
    "may_declare_emergency",
    "patient_cookie",
    "peek",
    "person_staff",
    "read_signed",
    "read_signed_by",
]
