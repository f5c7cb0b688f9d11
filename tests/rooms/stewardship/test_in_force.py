"""What two people agreed holds in every process that decides, within seconds, and shut when it cannot be confirmed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from carerecord import access, audit, database, organisations
from carerecord.access import Label, Question
from carerecord.audit.keys import FileSigner
from carerecord.audit.sealer import Sealer
from carerecord.audit.seals import Folder
from carerecord.disclosure import Refusal
from carerecord.model import EvidenceClass, Heading, Purpose
from carerecord.organisations import Neighbour
from carerecord.organisations import agreed as region_agreed
from carerecord.settings import Settings
from carerecord.signin.signed import NotSigned, read_signed_by
from carerecord.stewardship import administration
from carerecord.stewardship.guardian import GuardianDesk
from carerecord.stewardship.in_force import InForce, read_policies_at, store
from carerecord.stewardship.in_force.keeping import following
from carerecord.stewardship.in_force.key_deeds import jwk_of
from carerecord.stewardship.in_force.sealing_key import renew_sealing_key
from carerecord.stewardship.proposals import DoesNotFit, Kind, Proposal, Proposals, Stage
from tests.house import AT, REGION, as_role

CAI = msgspec.structs.replace(as_role("caldicott-guardian"), user_id="1", name="Cai Jones")
DEE = msgspec.structs.replace(as_role("caldicott-guardian"), user_id="2", name="Dee Khan")
WITH_ROLES = msgspec.structs.replace(REGION, roles={"S8000:G8000:R8000": "clinician"})
SESSION: dict[str, Any] = {"session": "s-7", "at": AT}
ROUTE = {
    "bar": "gender-history",
    "roles": ["gp"],
    "purposes": ["TREAT"],
    "relies_on": "2005 Order, article 5",
    "advice": "Counsel, 12 November 2026",
    "until": "2027-05-31",
}
HIDE = {
    "do": "hide",
    "sentence": "Family history is not shown to pharmacists here.",
    "basis": "Agreed by the region’s pharmacists",
    "roles": ["pharmacist"],
    "headings": ["FAMILY_HISTORY"],
    "labels": [],
}


class Desk(msgspec.Struct):
    """One process that serves, with the doors of its desks."""

    settings: Settings
    db: database.Database
    in_force: InForce
    proposals: Proposals
    guardian: GuardianDesk

    async def agreed(self, kind: Kind, content: dict[str, Any]) -> Proposal:
        asked = await self.proposals.ask(CAI, kind=kind, content=content, because="As advised.", **SESSION)
        assert isinstance(asked, Proposal), asked
        done = await self.proposals.agree(DEE, proposal_id=asked.id, **SESSION)
        assert isinstance(done, Proposal), done
        return done

    async def refused(self, kind: Kind, content: dict[str, Any]) -> str:
        said = await self.proposals.ask(CAI, kind=kind, content=content, because="As advised.", **SESSION)
        assert isinstance(said, Refusal), said
        return said.sentences[0]


@asynccontextmanager
async def desk(settings: Settings) -> AsyncIterator[Desk]:
    async with database.connect(settings, "serve") as db, audit.Writer.open(db) as writer:
        in_force = InForce(db, writer, base=access.SHIPPED, clock=lambda: AT, every_seconds=0.05)
        async with following(in_force):
            proposals = Proposals(db, writer, WITH_ROLES, acts=administration.ACTS, changed=in_force.tell)
            yield Desk(
                settings, db, in_force, proposals, GuardianDesk(db, writer, REGION, settings, proposals, in_force)
            )


def sees(role: str, *, purpose: Purpose = Purpose.TREAT, label: Label = Label.GENDER_HISTORY) -> bool:
    evidence = EvidenceClass.EMERGENCY if purpose is Purpose.BTG else EvidenceClass.ENCOUNTER
    asked = Question(role=role, organisation_in_agreement=True, route="launch", evidence=evidence, purpose=purpose)
    return access.decide(asked).may_show(Heading.PROBLEMS, int(label))


async def test_a_route_is_open_to_those_whom_two_people_named_and_to_nobody_else(settings: Settings) -> None:
    async with desk(settings) as here:
        before = access.policy_version()
        assert not sees("gp")
        asked = await here.proposals.ask(CAI, kind=Kind.LEGAL_BAR, content=ROUTE, because="As advised.", **SESSION)
        assert isinstance(asked, Proposal)
        assert not sees("gp")  # One person opens nothing.
        done = await here.proposals.agree(DEE, proposal_id=asked.id, **SESSION)
        assert isinstance(done, Proposal)
        assert done.stage(at=AT) is Stage.DONE
        assert done.outcome == "The route through gender-history is open to gp for TREAT, until 31-May-2027."
        assert sees("gp")
        for role in access.SHIPPED.matrix.role:
            assert sees(role) is (role == "gp"), role
        assert not sees("gp", purpose=Purpose.BTG)
        assert not sees("gp", label=Label.ADOPTION)
        assert access.policy_version() != before
        [bar] = [row for row in access.guardian(on=AT.date()).bars if row.label == "gender-history"]
        assert "agreed by Cai Jones and Dee Khan on 22-Nov-2026" in bar.let_through
        assert (bar.relies_on, bar.advice) == (ROUTE["relies_on"], ROUTE["advice"])
    assert access.in_force() is access.SHIPPED  # A process that ended left nothing behind.


async def test_one_person_shuts_it_at_once_and_to_open_it_again_takes_two(settings: Settings) -> None:
    async with desk(settings) as here:
        await here.agreed(Kind.LEGAL_BAR, ROUTE)
        said = await here.guardian.close_route(CAI, bar="gender-history", because="", **SESSION)
        assert isinstance(said, Refusal)
        assert sees("gp")
        clinician = as_role("clinician")
        said = await here.guardian.close_route(clinician, bar="gender-history", because="I would.", **SESSION)
        assert isinstance(said, Refusal)
        assert (
            await here.guardian.close_route(CAI, bar="gender-history", because="Advice withdrawn.", **SESSION) is None
        )
        assert not sees("gp")
        said = await here.guardian.close_route(CAI, bar="gender-history", because="Again.", **SESSION)
        assert isinstance(said, Refusal)
        assert "shut already" in said.sentences[0]
        await here.agreed(Kind.LEGAL_BAR, ROUTE)
        assert sees("gp")
        told = await here.guardian.list_agreed(CAI, **SESSION)
        assert isinstance(told, tuple)
        assert [(row.is_in_force, row.people) for row in told] == [
            (True, "Cai Jones and Dee Khan"), (False, "Cai Jones"), (True, "Cai Jones and Dee Khan"),
        ]  # fmt: skip
    async with database.connect(settings, "owner") as owner:
        rows = await owner.fetch("select detail from audit.event where kind = 'administered' order by stream, seq")
    steps = [json.loads(row["detail"]) for row in rows]
    assert [each["step"] for each in steps if each["what"] == "legal-bar"] == [
        "asked", "agreed", "done", "closed", "asked", "agreed", "done",
    ]  # fmt: skip
    # Shut, and open again: the first version of all is no change from any.
    shut, opened = (each for each in steps if each["what"] == "policy-version")
    assert shut["to"] == opened["from"]
    assert shut["from"] != shut["to"] != opened["to"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"bar": "adoption"}, "No route leads through this bar"),
        ({"bar": "nonsense"}, "no such bar"),
        ({"roles": []}, "roles and purposes both"),
        ({"purposes": []}, "roles and purposes both"),
        ({"roles": ["admin"]}, "not clinical"),
        ({"roles": ["wizard"]}, "names role wizard"),
        ({"purposes": ["FUN"]}, "names purpose FUN"),
        ({"relies_on": " "}, "which paragraph"),
        ({"advice": ""}, "whose advice"),
        ({"until": "2026-11-22"}, "within a year"),
        ({"until": "2028-01-01"}, "within a year"),
        ({"until": "soon"}, "until when"),
        ({"more": 1}, "until when"),
    ],
)
async def test_a_route_that_does_not_fit_is_refused_when_it_is_asked_for(
    settings: Settings, changed: dict[str, Any], said: str
) -> None:
    async with desk(settings) as here:
        assert said in await here.refused(Kind.LEGAL_BAR, {**ROUTE, **changed})


async def test_a_route_ends_by_itself_after_its_last_day(settings: Settings) -> None:
    async with desk(settings) as here:
        await here.agreed(Kind.LEGAL_BAR, {**ROUTE, "until": "2026-11-30"})
        assert sees("gp")
        assert any("ends after 30-Nov-2026" in due for due in access.reviews_due(on=AT.date()))
        here.in_force._clock = lambda: AT + timedelta(days=8, hours=14)
        await here.in_force.tell()
        assert sees("gp")  # Its last day.
        here.in_force._clock = lambda: AT + timedelta(days=9)
        await here.in_force.tell()
        assert not sees("gp")


async def test_what_two_people_hide_is_hidden_and_two_lift_it_again(settings: Settings) -> None:
    asked = Question(
        role="pharmacist", organisation_in_agreement=True, route="launch", evidence=EvidenceClass.ENCOUNTER,
        purpose=Purpose.TREAT,
    )  # fmt: skip
    async with desk(settings) as here:
        await here.agreed(Kind.POLICY, HIDE)
        assert Heading.FAMILY_HISTORY not in access.decide(asked).headings
        assert Heading.MEDICINES in access.decide(asked).headings
        [narrowing] = access.guardian(on=AT.date()).narrowing
        assert narrowing.sentence == HIDE["sentence"]
        assert await here.refused(Kind.POLICY, {"do": "lift", "reference": "0000"}) != ""
        await here.agreed(Kind.POLICY, {"do": "lift", "reference": narrowing.source})
        assert Heading.FAMILY_HISTORY in access.decide(asked).headings
        assert access.policy_version() == access.SHIPPED.version


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"headings": ["MEDICINES"]}, "interaction missed"),
        ({"headings": ["LETTERS", "RESULTS"]}, "interaction missed"),
        ({"headings": [], "labels": ["mental-health"]}, "Name the headings"),
        ({"headings": ["PROVENANCE"]}, "names heading PROVENANCE"),
        ({"sentence": ""}, "Say in a sentence"),
        ({"headings": [], "roles": [], "labels": []}, "hides everything"),
    ],
)
async def test_a_narrowing_that_does_not_fit_is_refused(settings: Settings, changed: dict[str, Any], said: str) -> None:
    async with desk(settings) as here:
        assert said in await here.refused(Kind.POLICY, {**HIDE, **changed})


async def test_another_process_holds_it_too_without_a_new_start(settings: Settings) -> None:
    """Two processes cannot stand in one: so this one is made to forget, and follows what the database says."""
    async with desk(settings) as here:
        here.proposals._changed = None  # It was agreed in another process.
        await here.agreed(Kind.LEGAL_BAR, ROUTE)
        for _ in range(200):
            if sees("gp"):
                break
            await here.in_force.refresh()
        assert sees("gp")


async def test_what_cannot_be_confirmed_lets_nobody_through_and_shows_nothing_again_that_was_hidden(
    settings: Settings,
) -> None:
    asked = Question(
        role="pharmacist", organisation_in_agreement=True, route="launch", evidence=EvidenceClass.ENCOUNTER,
        purpose=Purpose.TREAT,
    )  # fmt: skip
    async with desk(settings) as here, database.connect(settings, "owner") as owner:
        await here.agreed(Kind.LEGAL_BAR, ROUTE)
        await here.agreed(Kind.POLICY, HIDE)
        await here.agreed(Kind.ROLE, {"code": "S8000:G8000:R9999", "role": "paramedic"})
        open_version = access.policy_version()
        await owner.execute("revoke select on stewardship.agreed from carerecord_serve")
        await here.in_force.tell()
        assert not here.in_force.is_confirmed
        assert not sees("gp")
        assert Heading.FAMILY_HISTORY not in access.decide(asked).headings
        assert organisations.role_of(REGION, "S8000:G8000:R9999") is None
        assert organisations.is_still("S8000:G8000:R9999", "paramedic")  # Whoever works is not thrown out by a hiccup.
        assert access.policy_version() != open_version
        await owner.execute("grant select on stewardship.agreed to carerecord_serve")
        await here.in_force.tell()
        assert here.in_force.is_confirmed
        assert sees("gp")
        assert access.policy_version() == open_version
        assert organisations.role_of(REGION, "S8000:G8000:R9999") == "paramedic"


async def test_a_process_that_cannot_read_what_was_agreed_does_not_start(settings: Settings) -> None:
    async with database.connect(settings, "owner") as owner:
        await owner.execute("revoke select on stewardship.agreed from carerecord_serve")
        try:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with desk(settings):
                    pass
        finally:
            await owner.execute("grant select on stewardship.agreed to carerecord_serve")
    assert access.in_force() is access.SHIPPED


async def test_a_row_that_cannot_be_read_stops_the_start_and_shuts_what_runs(settings: Settings) -> None:
    async with desk(settings) as here, database.connect(settings, "owner") as owner:
        await here.agreed(Kind.LEGAL_BAR, ROUTE)
        await owner.execute(
            "insert into stewardship.agreed select 99, kind, name, true, '{\"roles\": 1}', because, asked_by,"
            " asked_by_name, agreed_by, agreed_by_name, proposal, at from stewardship.agreed"
        )
        await here.in_force.tell()
        assert not sees("gp")
        with pytest.raises(ValueError, match="cannot be read by this version"):
            async with desk(settings):
                pass
        await owner.execute("delete from stewardship.agreed where number = 99")


async def test_the_database_puts_nothing_in_force_that_two_people_did_not_agree(settings: Settings) -> None:
    async with desk(settings) as here:
        asked = await here.proposals.ask(CAI, kind=Kind.LEGAL_BAR, content=ROUTE, because="As advised.", **SESSION)
        assert isinstance(asked, Proposal)
        for number in (asked.id, 12345):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with here.db.transaction() as connection:
                    await store.put_in_force(connection, proposal=number, kind="legal-bar", name="x", content={})
        done = await here.agreed(Kind.LEGAL_BAR, ROUTE)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):  # It was done once, and is not done again.
            async with here.db.transaction() as connection:
                await store.put_in_force(connection, proposal=done.id, kind="legal-bar", name="x", content={})
        for statement in ("delete from stewardship.agreed", "update stewardship.agreed set content = '{}'"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await here.db.execute(statement)


async def test_policies_of_a_past_moment_are_made_again_from_what_stood_then(settings: Settings) -> None:
    async with desk(settings) as here:
        await here.agreed(Kind.LEGAL_BAR, ROUTE)
        version = access.policy_version()
        later: dict[str, Any] = {"session": "s-7", "at": AT + timedelta(hours=2)}
        assert await here.guardian.close_route(CAI, bar="gender-history", because="Advice withdrawn.", **later) is None
        then = await read_policies_at(here.db, access.SHIPPED, on=AT, at=AT + timedelta(hours=1))
        now = await read_policies_at(here.db, access.SHIPPED, on=AT)
        assert then.version == version
        assert now.version == access.policy_version() != version


async def test_a_national_role_is_what_two_people_say_and_who_had_it_signs_in_again(settings: Settings) -> None:
    code = "S8000:G8000:R9999"
    region = WITH_ROLES
    async with desk(settings) as here:
        assert organisations.role_of(region, code) is None
        await here.agreed(Kind.ROLE, {"code": code, "role": "paramedic"})
        assert organisations.role_of(region, code) == "paramedic"
        assert organisations.role_of(region, "S8000:G8000:R8000") == "clinician"
        assert organisations.is_still(code, "paramedic")
        await here.agreed(Kind.ROLE, {"code": code, "role": "gp"})
        assert not organisations.is_still(code, "paramedic")
        await here.agreed(Kind.ROLE, {"code": "S8000:G8000:R8000", "role": ""})
        assert organisations.role_of(region, "S8000:G8000:R8000") is None
        assert not organisations.is_still("S8000:G8000:R8000", "clinician")
        assert "no such role" in await here.refused(Kind.ROLE, {"code": code, "role": "program"})
    assert region_agreed.agreed() is region_agreed.NOTHING


async def test_what_no_longer_fits_is_not_agreed_to(settings: Settings) -> None:
    async with desk(settings) as here:
        asked = [
            await here.proposals.ask(
                CAI, kind=Kind.ROLE, content={"code": "S1:G1:R1", "role": "gp"}, because="As advised.", **SESSION
            )
            for _ in range(2)
        ]
        assert all(isinstance(each, Proposal) for each in asked)
        first, second = (each for each in asked if isinstance(each, Proposal))
        assert isinstance(await here.proposals.agree(DEE, proposal_id=first.id, **SESSION), Proposal)
        said = await here.proposals.agree(DEE, proposal_id=second.id, **SESSION)
        assert isinstance(said, Refusal)
        assert "nothing would change" in said.sentences[0]


# --- Keys -------------------------------------------------------------------------------------------------------------

OLD = ECKey.generate_key("P-256", {"kid": "old-1"})
OXFORD = Neighbour(
    issuer="https://ehr.oxford.example",
    organisation="RTH",
    name="Oxford's record system",
    jwks={"keys": [OLD.as_dict(private=False)]},
)
WITH_NEIGHBOUR = msgspec.structs.replace(REGION, neighbours=(OXFORD,))


def key_content(key: ECKey | RSAKey, **changed: Any) -> dict[str, Any]:
    return {
        "whose": OXFORD.issuer,
        "change": "replace",
        "thumbprint": key.thumbprint(),
        "replaces": OLD.thumbprint(),
        "overlap_days": 14,
        "jwk": key.as_dict(private=False),
        **changed,
    }


def signed_by(key: ECKey, *, at: datetime = AT) -> bool:
    compact = jwt.encode({"alg": "ES256", "kid": key.kid}, {"iss": OXFORD.issuer}, key)
    try:
        return bool(read_signed_by(OXFORD, compact, at=at, algorithms=("ES256",)))
    except NotSigned:
        return False


async def test_a_neighbours_key_is_replaced_with_an_overlap_and_the_old_one_ends_by_itself(settings: Settings) -> None:
    new = ECKey.generate_key("P-256", {"kid": "new-1"})
    async with desk(settings) as here:
        here.proposals.region = WITH_NEIGHBOUR
        assert signed_by(OLD)
        assert not signed_by(new)
        done = await here.agreed(Kind.KEY, key_content(new))
        assert done.outcome.endswith("ends on 06-Dec-2026.")
        assert signed_by(new)
        assert signed_by(OLD)
        assert signed_by(OLD, at=AT + timedelta(days=13))
        assert not signed_by(OLD, at=AT + timedelta(days=14))
        assert signed_by(new, at=AT + timedelta(days=14))
        newer = ECKey.generate_key("P-256", {"kid": "new-2"})
        await here.agreed(Kind.KEY, key_content(newer, replaces=new.thumbprint(), overlap_days=1))
        assert signed_by(new)  # It was added here, and goes on until the end of its overlap.
        assert not signed_by(new, at=AT + timedelta(days=1))
        region_agreed.adopt(msgspec.structs.replace(region_agreed.agreed(), is_confirmed=False))
        assert not signed_by(newer)  # What cannot be confirmed speaks for nobody.
        assert not signed_by(OLD, at=AT + timedelta(days=14))


async def test_a_key_that_leaked_ends_at_once_and_never_comes_back(settings: Settings) -> None:
    new = ECKey.generate_key("P-256", {"kid": "new-1"})
    async with desk(settings) as here:
        here.proposals.region = WITH_NEIGHBOUR
        await here.agreed(Kind.KEY, key_content(new, overlap_days=0))
        assert not signed_by(OLD)
        back = {"change": "add", "replaces": "", "thumbprint": OLD.thumbprint(), "jwk": OLD.as_dict(private=False)}
        assert "retired here before" in await here.refused(Kind.KEY, key_content(new, **back))
        only = {"change": "retire", "replaces": "", "thumbprint": new.thumbprint(), "jwk": {}}
        assert "their only key" in await here.refused(Kind.KEY, key_content(new, **only))


@pytest.mark.parametrize(
    ("make", "changed", "said"),
    [
        (lambda: ECKey.generate_key("P-256", {"kid": "old-1"}), {}, "bears that kid"),
        (lambda: ECKey.generate_key("P-256"), {}, "with a kid"),
        (lambda: ECKey.generate_key("secp256k1", {"kid": "n"}), {}, "EC key"),
        (lambda: RSAKey.generate_key(1024, {"kid": "n"}), {}, "RSA"),
        (lambda: ECKey.generate_key("P-256", {"kid": "n"}), {"thumbprint": "A" * 43}, "thumbprint is not that"),
        (lambda: ECKey.generate_key("P-256", {"kid": "n"}), {"replaces": "A" * 43}, "none of theirs"),
        (lambda: ECKey.generate_key("P-256", {"kid": "n"}), {"overlap_days": 400}, "0 to 90 days"),
        (lambda: ECKey.generate_key("P-256", {"kid": "n"}), {"whose": "https://nobody.example"}, "Nobody of that name"),
        (lambda: ECKey.generate_key("P-256", {"kid": "n"}), {"whose": "witness", "change": "retire"}, "is replaced"),
    ],
)
async def test_a_key_that_does_not_fit_is_refused(
    settings: Settings, make: Callable[[], ECKey | RSAKey], changed: dict[str, Any], said: str
) -> None:
    async with desk(settings) as here:
        here.proposals.region = WITH_NEIGHBOUR
        assert said in await here.refused(Kind.KEY, key_content(make(), **changed))


async def test_a_private_key_is_neither_kept_nor_witnessed(settings: Settings) -> None:
    new = ECKey.generate_key("P-256", {"kid": "new-1"})
    secret = new.as_dict(private=True)["d"]
    with pytest.raises(DoesNotFit, match="holds a private key"):
        jwk_of(json.dumps(new.as_dict(private=True)), thumbprint=new.thumbprint())
    async with desk(settings) as here, database.connect(settings, "owner") as owner:
        here.proposals.region = WITH_NEIGHBOUR
        assert "private key" in await here.refused(Kind.KEY, key_content(new, jwk=new.as_dict(private=True)))
        assert await owner.fetchval("select count(*) from stewardship.proposal") == 0
        assert await owner.fetchval("select count(*) from audit.event where strpos(detail, $1) > 0", str(secret)) == 0


async def test_keys_are_listed_with_their_age_custody_and_last_use(settings: Settings) -> None:
    new = ECKey.generate_key("P-256", {"kid": "new-1"})
    ada = msgspec.structs.replace(as_role("local-administrator"), user_id="5", name="Ada Obi")
    async with desk(settings) as here, audit.Writer.open(here.db) as writer:
        here.proposals.region = WITH_NEIGHBOUR
        await here.agreed(Kind.KEY, key_content(new))
        assert signed_by(new, at=AT + timedelta(hours=1))
        for _ in range(200):
            if (OXFORD.issuer, "new-1") in await store.read_key_uses(here.db):
                break
            await asyncio.sleep(0.05)
        at_desk = administration.AdministrationDesk(here.db, writer, WITH_NEIGHBOUR, settings, here.proposals)
        read = await at_desk.read(ada, **SESSION)
        assert isinstance(read, administration.Administration)
        theirs = {key.key_id: key for key in read.keys if key.whose == OXFORD.issuer}
        assert theirs["new-1"].used_at == AT + timedelta(hours=1)
        assert theirs["new-1"].since == AT
        assert theirs["old-1"].until == AT + timedelta(days=14)
        assert theirs["old-1"].state == "ends: another takes its place"


async def test_two_people_renew_the_key_that_seals_and_the_next_seal_announces_it(
    settings: Settings, tmp_path: Path
) -> None:
    chosen = msgspec.structs.replace(settings, witness_keys=str(tmp_path / "keys"))
    async with desk(settings) as here, database.connect(settings, "work") as work:
        signer = FileSigner(tmp_path / "keys")
        first = signer.make(at=AT - timedelta(days=300))
        sealer = Sealer(work, Folder(tmp_path / "seals"), signer, clock=lambda: AT + timedelta(minutes=1))
        assert not await renew_sealing_key(work, chosen, at=AT)  # Nobody asked.
        await sealer.seal()
        await here.agreed(Kind.KEY, {"whose": "witness", "change": "replace"})
        assert await renew_sealing_key(work, chosen, at=AT)
        assert not await renew_sealing_key(work, chosen, at=AT)  # Once.
        held = await signer.keys()
        assert [key["kid"] for key in held][:1] == [first["kid"]]
        assert len(held) == 2
        await sealer.seal()
        await sealer.seal()
        sealed = [signed.seal for signed in Folder(tmp_path / "seals").read()]
        assert [seal.next_key["kid"] for seal in sealed if seal.next_key] == [held[1]["kid"]]
    async with database.connect(settings, "owner") as owner:
        made = await owner.fetchval("select detail from audit.event where detail like '%\"made\"%'")
    assert json.loads(made)["thumbprint"] == held[1]["kid"]
