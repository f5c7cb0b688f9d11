"""Each process's role has what its work needs and nothing else: asked of the migrated database itself."""

from __future__ import annotations

from collections.abc import Mapping

import asyncpg
import pytest

from carerecord import database
from carerecord.settings import Settings

# Every privilege of every role: S(elect) I(nsert) U(pdate) D(elete) T(runcate); what is not here is refused.
# A change of grants.sql is a change of this table, to be read by whoever guards the record.
TABLES: Mapping[str, Mapping[str, str]] = {
    "listen": {
        "intake.original": "SI",
        "intake.message_key": "SI",
        "intake.replay": "SI",
        "intake.labelling": "SI",
        "record.log": "I",
        "record.dictionary": "S",
        "patient_index.identity": "SIU",
        "patient_index.identifier": "SI",
        "patient_index.nhs_number": "SI",
        "patient_index.judgement": "SI",
        "patient_index.member": "SID",
        "sources.heard": "SIUD",
        "patient_index.relationship": "SIUD",
        "signin.switch": "S",
        "patient_index.earlier": "I",
        "intake.withdrawn": "S",
    },
    "work": {
        "record.dictionary": "S",
        "record.log": "SD",
        "record.chunk": "SIUD",
        "stewardship.privacy_case": "SI",
        "stewardship.attestation": "S",
        "stewardship.reliance": "SIU",
        "stewardship.followed": "SIU",
        "stewardship.removal": "SU",
        "stewardship.written_anew": "SIU",
        "record.withdrawal": "S",
        "audit.event": "SI",
        "audit.seal": "SI",
        "audit.text": "I",
        "audit.stream": "SIU",
        "patient_index.member": "S",
        "patient_index.relationship": "S",
        "patient_index.identity": "S",
        "stewardship.objection": "S",
        "stewardship.listed_person": "S",
        "stewardship.watch_day": "SIU",
        "stewardship.hold": "S",
        "stewardship.agreed": "S",
        "stewardship.notice": "SI",
        "stewardship.subject_access": "SU",
        "stewardship.subject_access_file": "SU",
        "stewardship.redaction": "S",
    },
    "serve": {
        "record.dictionary": "S",
        "patient_index.identifier": "S",
        "patient_index.nhs_number": "S",
        "patient_index.identity": "S",
        "patient_index.member": "S",
        "audit.event": "I",
        "audit.text": "I",
        "audit.stream": "SIU",
        "audit.seal": "S",
        "audit.policy": "SIU",
        "signin.session": "ID",
        "signin.arrival": "SIUD",
        "signin.login": "SIUD",
        "signin.token": "ID",
        "signin.assertion": "SIUD",
        "signin.emergency": "SIUD",
        "sources.heard": "S",
        "stewardship.privacy_case": "SIU",
        "stewardship.case_note": "SI",
        "stewardship.proposal": "SIU",
        "stewardship.objection": "SIU",
        "patient_index.relationship": "S",
        "stewardship.notice": "SIU",
        "stewardship.national_opt_out": "S",
        "stewardship.opt_out_list": "S",
        "stewardship.attestation": "SIU",
        "stewardship.attestation_message": "SI",
        "stewardship.reliance": "S",
        "signin.switch": "SID",
        "audit.circumstance": "SI",
        "stewardship.hold": "SIU",
        "stewardship.question": "SIU",
        "stewardship.agreed": "S",
        "stewardship.key_use": "SIU",
    },
    "steward": {
        "stewardship.agreed": "S",
        "stewardship.subject_access": "SIU",
        "stewardship.redaction": "SI",
        "stewardship.subject_access_file": "SIU",
        "stewardship.hold": "S",
        "stewardship.listed_person": "SIU",
        "stewardship.privacy_case": "SIU",
        "stewardship.case_note": "SI",
        "stewardship.proposal": "SIU",
        "stewardship.objection": "SIU",
        "stewardship.notice": "SIU",
        "stewardship.national_opt_out": "SID",
        "stewardship.opt_out_list": "SIU",
        "stewardship.attestation": "S",
        "stewardship.reliance": "S",
        "signin.switch": "SID",
        "stewardship.removal": "S",
        "patient_index.identity": "S",
        "patient_index.nhs_number": "S",
        "patient_index.member": "S",
        "audit.event": "SI",
        "audit.text": "I",
        "audit.stream": "SIU",
        "audit.circumstance": "S",
        "record.dictionary": "S",
        "patient_index.judgement": "S",
        "patient_index.earlier": "S",
    },
    "remove": {
        "record.log": "S",
        "record.chunk": "S",
        "record.dictionary": "S",
        "record.withdrawal": "SIU",
        "intake.original": "S",
        "intake.replay": "S",
        "intake.withdrawn": "SI",
        "stewardship.removal": "SI",
        "stewardship.written_anew": "S",
        "stewardship.proposal": "S",
        "stewardship.removal_proof": "SI",
        "stewardship.returned": "SI",
        "patient_index.identity": "SD",
        "patient_index.identifier": "SD",
        "patient_index.nhs_number": "SD",
        "patient_index.member": "SD",
        "patient_index.judgement": "SD",
        "patient_index.earlier": "SD",
        "patient_index.relationship": "SD",
        "audit.event": "I",
        "audit.text": "I",
        "audit.stream": "SIU",
    },
    "witness": {
        "audit.event": "S",
        "audit.entry": "S",
        "audit.text": "S",
        "audit.stream": "S",
        "audit.seal": "S",
        "stewardship.agreed": "S",
    },
    "relabel": {
        "record.log": "SI",
        "record.chunk": "S",
        "record.dictionary": "S",
        "record.withdrawal": "S",
        "intake.original": "S",
        "intake.replay": "S",
        "intake.labelling": "SIU",
    },
}
COLUMNS = {
    "listen": {"stewardship.removal": {"patient_key", "id"}},
    "serve": {
        "audit.event": {"patient_key", "stream", "seq", "hash"},
        "stewardship.removal": {"patient_key", "id"},
        "signin.session": {"expires_at"},
        "signin.token": {"expires_at"},
    },
    "remove": {"audit.event": {"patient_key", "stream", "seq", "hash"}},
}
FUNCTIONS = {
    "listen": {"signin.find_token"},
    "work": {
        "record.read_examined",
        "intake.make_partitions",
        "audit.make_partitions",
        "intake.remove_withdrawn",
        "intake.withdraw_returned",
        "stewardship.removable_tables",
        "stewardship.is_still_seen",
        "stewardship.write_anew",
        "stewardship.vacuum_soon",
        "stewardship.overwrite_free",
    },
    "serve": {
        "record.read_witnessed",
        "intake.read_original_witnessed",
        "intake.find_removed",
        "audit.find_recipients",
        "audit.read_witnessed",
        "signin.find_session",
        "signin.find_sessions",
        "signin.use_session",
        "signin.give_reason",
        "signin.close_session",
        "signin.close_launch",
        "signin.close_signed_in",
        "signin.find_token",
        "stewardship.put_in_force",
        "stewardship.close_route",
    },
    "witness": set[str](),
    "relabel": set[str](),
    "remove": set[str](),
    "steward": {
        "audit.find_recipients",
        "record.read_examined",
        "intake.read_original_examined",
        "intake.list_recorded_later",
        "intake.find_whose",
    },
}

HAS_TABLE = """
    select namespace.nspname || '.' || class.relname as name, privilege
    from pg_class class join pg_namespace namespace on namespace.oid = class.relnamespace,
         unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) privilege
    where class.relkind in ('r', 'p', 'v', 'm', 'f') and namespace.nspname !~ '^pg_|^information_schema$'
      and has_table_privilege($1, class.oid, privilege)
"""
HAS_COLUMN = """
    select namespace.nspname || '.' || class.relname as name, attribute.attname as column_name
    from pg_attribute attribute
    join pg_class class on class.oid = attribute.attrelid
    join pg_namespace namespace on namespace.oid = class.relnamespace
    where class.relkind in ('r', 'p', 'v') and namespace.nspname !~ '^pg_|^information_schema$' and attribute.attnum > 0
      and not has_table_privilege($1, class.oid, 'SELECT')
      and has_column_privilege($1, class.oid, attribute.attnum, 'SELECT')
"""
HAS_FUNCTION = """
    select namespace.nspname || '.' || proname as name
    from pg_proc join pg_namespace namespace on namespace.oid = pronamespace
    where namespace.nspname !~ '^pg_|^information_schema$' and has_function_privilege($1, pg_proc.oid, 'EXECUTE')
"""
HAS_SCHEMA = """
    select nspname as name from pg_namespace
    where nspname !~ '^pg_|^information_schema$' and has_schema_privilege($1, oid, 'CREATE')
"""


@pytest.mark.parametrize("role", list(TABLES))
async def test_a_role_has_these_tables_and_no_others(settings: Settings, role: str) -> None:
    found: dict[str, str] = {}
    async with database.connect(settings, "owner") as db:
        for row in await db.fetch(HAS_TABLE, f"carerecord_{role}"):
            found[row["name"]] = found.get(row["name"], "") + row["privilege"][0]
        assert found == TABLES[role]
        columns: dict[str, set[str]] = {}
        for row in await db.fetch(HAS_COLUMN, f"carerecord_{role}"):
            columns.setdefault(row["name"], set()).add(row["column_name"])
        assert columns == COLUMNS.get(role, {})
        assert {row["name"] for row in await db.fetch(HAS_FUNCTION, f"carerecord_{role}")} == FUNCTIONS[role]
        assert await db.fetch(HAS_SCHEMA, f"carerecord_{role}") == []


async def test_the_operator_has_the_listeners_rights_and_no_more(settings: Settings) -> None:
    async with database.connect(settings, "owner") as db:
        asked = [await db.fetch(HAS_TABLE, f"carerecord_{role}") for role in ("operate", "listen")]
        assert sorted(map(tuple, asked[0])) == sorted(map(tuple, asked[1]))


async def test_no_process_role_is_a_superuser_or_may_become_another(settings: Settings) -> None:
    async with database.connect(settings, "owner") as db:
        roles = await db.fetch(
            "select rolname from pg_roles where rolname like 'carerecord\\_%' and rolname <> 'carerecord_superuser'"
            " and (rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls)"
        )
        assert roles == []
        memberships = await db.fetch(
            "select member::regrole::text as member, roleid::regrole::text as role from pg_auth_members"
            " where member::regrole::text like 'carerecord\\_%'"
            " and member not in ('carerecord_owner'::regrole, 'carerecord_superuser'::regrole)"
        )
        assert [tuple(row) for row in memberships] == [("carerecord_operate", "carerecord_listen")]


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("serve", "select * from record.log"),
        ("serve", "select * from record.chunk"),
        ("serve", "select * from intake.original"),
        ("serve", "select content from intake.original_default"),
        ("serve", "insert into record.log (patient_key) values (1)"),
        ("serve", "select staff from audit.event"),
        ("serve", "select token_hash from signin.session"),
        ("serve", "select token_hash from signin.token"),
        ("serve", "update signin.session set patient_key = 1"),
        ("listen", "select token_hash from signin.token"),
        ("serve", "update audit.event set session = ''"),
        ("serve", "delete from audit.event"),
        ("serve", "select said from audit.text"),
        ("serve", "insert into audit.entry (patient_key) values (1)"),
        ("listen", "select * from record.log"),
        ("listen", "update record.log set source = ''"),
        ("listen", "delete from record.log"),
        ("listen", "update intake.original set outcome = 'recorded'"),
        ("listen", "delete from intake.original"),
        ("listen", "delete from patient_index.judgement"),
        ("listen", "select * from audit.event"),
        ("work", "update audit.event set session = ''"),
        ("work", "delete from audit.event"),
        ("work", "update audit.seal set signed = ''"),
        ("work", "insert into record.log (patient_key) values (1)"),
        ("work", "select * from intake.original"),
        ("work", "select * from signin.session"),  # It may read whom a look was about: it folds all they said anyway.
        ("witness", "select * from record.log"),
        ("witness", "insert into audit.event (patient_key) values (1)"),
        ("serve", "create table public.mine (n int)"),
        ("work", "set role carerecord_owner"),
    ],
)
async def test_what_a_role_must_not_do_is_refused_by_the_database(
    settings: Settings, role: str, statement: str
) -> None:
    itself = settings.database.replace("carerecord_owner", f"carerecord_{role}")
    async with database.connect(Settings(database=itself), "owner") as db:
        assert await db.fetchval("select session_user") == f"carerecord_{role}"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await db.execute(statement)
