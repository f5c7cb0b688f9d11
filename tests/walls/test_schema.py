"""The schema can be spread over machines: asked of the migrated catalogue, so that no migration can forget it."""

from __future__ import annotations

from datetime import date

from carerecord import database
from carerecord.settings import Settings

BY_PATIENT = {
    "stewardship.subject_access",
    "stewardship.redaction",
    "stewardship.subject_access_file",
    "stewardship.hold",
    "stewardship.question",
    "stewardship.listed_person",
    "record.log",
    "record.chunk",
    "patient_index.identity",
    "patient_index.member",
    "patient_index.judgement",
    "audit.entry",
    "audit.text",
    "patient_index.relationship",
    "stewardship.privacy_case",
    "stewardship.case_note",
    "stewardship.objection",
    "stewardship.removal",
    "record.withdrawal",
    "signin.emergency",
    "stewardship.notice",
    "stewardship.reliance",
    "patient_index.earlier",
}
# Tables spread by another column, with the reason; each of their keys begins with one of the columns named.
OTHERWISE = {
    "intake.original": ("day", "The inbox is kept by day, before anyone knows whose message it is (decision 0003)."),
    "intake.replay": ("day", "It stands beside its original."),
    "intake.withdrawn": ("day", "It stands beside its original."),
    "intake.message_key": ("source", "What makes a message sent twice one message is its source's."),
    "patient_index.identifier": ("value", "A way in: asked before the patient is known."),
    "patient_index.nhs_number": ("nhs_number", "A way in: asked before the patient is known."),
    "audit.stream": ("stream", "One row a chain."),
    "audit.seal": ("number", "One row for all of a minute."),
    "signin.session": ("token_hash", "Found by its token."),
    "signin.arrival": ("code_hash issuer", "Found by its code; a launch is unique to its issuer."),
    "signin.login": ("state_hash", "Found by its state."),
    "signin.token": ("token_hash", "Found by its token."),
    "signin.assertion": ("issuer", "Unique to its issuer."),
    "stewardship.attestation": ("issuer", "What a neighbour said of its own launches."),
    "stewardship.attestation_message": ("issuer", "Unique to its issuer."),
    "stewardship.national_opt_out": ("number_hash", "A list by hash: asked with a hash, before any person is known."),
}
# Small and the same everywhere.
REFERENCE = {
    *("stewardship.written_anew", "stewardship.removal_proof", "stewardship.returned"),
    *("stewardship.agreed", "stewardship.key_use"),
    "stewardship.watch_day",
    "intake.labelling",
    *("record.dictionary", "carerecord.migration", "sources.heard", "audit.policy", "stewardship.proposal"),
    *("audit.circumstance", "signin.switch", "stewardship.opt_out_list", "stewardship.followed"),
}

TABLES = """
    select namespace.nspname || '.' || class.relname as name
    from pg_class class join pg_namespace namespace on namespace.oid = class.relnamespace
    where class.relkind in ('r', 'p') and not class.relispartition and namespace.nspname !~ '^pg_|^information_schema$'
"""
UNIQUE_KEYS = """
    select namespace.nspname || '.' || class.relname as name, index.indisprimary as is_primary,
           (select array_agg(attribute.attname::text order by place.n)
            from unnest(index.indkey::int2[]) with ordinality as place (attnum, n)
            join pg_attribute attribute on attribute.attrelid = class.oid and attribute.attnum = place.attnum)
           as columns
    from pg_index index
    join pg_class class on class.oid = index.indrelid
    join pg_namespace namespace on namespace.oid = class.relnamespace
    where index.indisunique and not class.relispartition
      and namespace.nspname !~ '^pg_|^information_schema$'
"""
KEY_TEXTS_WITHOUT_C = """
    select distinct namespace.nspname || '.' || class.relname || '.' || attribute.attname as name
    from pg_index index
    join pg_class class on class.oid = index.indrelid
    join pg_namespace namespace on namespace.oid = class.relnamespace
    join pg_attribute attribute on attribute.attrelid = class.oid and attribute.attnum = any (index.indkey::int2[])
    where namespace.nspname !~ '^pg_|^information_schema$'
      and attribute.attcollation <> 0 and attribute.attcollation <> '"C"'::regcollation
"""
OTHER_COLLATIONS = """
    select namespace.nspname || '.' || class.relname || '.' || attribute.attname as name
    from pg_attribute attribute
    join pg_class class on class.oid = attribute.attrelid
    join pg_namespace namespace on namespace.oid = class.relnamespace
    where namespace.nspname !~ '^pg_|^information_schema$' and attribute.attnum > 0
      and attribute.attcollation not in (0, '"C"'::regcollation, '"default"'::regcollation)
"""
# What the server samples for its planner it keeps a copy of, in its own catalogue, where no removal reaches.
SAMPLED = """
    select class.oid::regclass || '.' || attribute.attname as name
    from pg_attribute attribute
    join pg_class class on class.oid = attribute.attrelid
    where (class.oid::regclass::text in (select name from stewardship.removable_tables())
           or class.oid = 'intake.original'::regclass)
      and attribute.attnum > 0 and attribute.atttypid in ('text'::regtype, 'bytea'::regtype)
      and attribute.attstattarget is distinct from 0
"""
# The names of sources, organisations and kinds are nobody's; hashes say nothing to who has not the message.
SAMPLED_OF_NOBODY = {
    *("source", "system", "kind", "organisation", "outcome", "message_type", "rule", "said_by"),
    "content_hash",
}
DEAR_FEATURES = """
    select 'extension ' || extname as name from pg_extension where extname <> 'plpgsql'
    union all
    select 'foreign key ' || conname from pg_constraint where contype = 'f'
    union all
    select 'trigger ' || tgname from pg_trigger where not tgisinternal
    union all
    select 'compression of ' || attrelid::regclass || '.' || attname
    from pg_attribute where attcompression = 'l'
    union all
    select 'function not in SQL or PL/pgSQL ' || proname
    from pg_proc join pg_language language on language.oid = prolang
    where pronamespace in (select oid from pg_namespace where nspname !~ '^pg_|^information_schema$')
      and lanname not in ('sql', 'plpgsql')
    union all
    select 'definer function with an open search path ' || proname
    from pg_proc where prosecdef and not 'search_path=""' = any (coalesce(proconfig, '{}'))
      and pronamespace in (select oid from pg_namespace where nspname !~ '^pg_|^information_schema$')
"""


async def test_every_table_says_how_it_is_spread(settings: Settings) -> None:
    async with database.connect(settings, "owner") as db:
        found = {row["name"] for row in await db.fetch(TABLES)}
    assert found == BY_PATIENT | set(OTHERWISE) | REFERENCE
    assert all(reason.endswith(".") for _, reason in OTHERWISE.values())


async def test_every_key_holds_the_column_its_table_is_spread_by(settings: Settings) -> None:
    async with database.connect(settings, "owner") as db:
        keys = await db.fetch(UNIQUE_KEYS)
    have_primary = {key["name"] for key in keys if key["is_primary"]}
    assert have_primary == BY_PATIENT | set(OTHERWISE) | REFERENCE
    for key in keys:
        name, columns = key["name"], key["columns"]
        if name in BY_PATIENT:
            assert "patient_key" in columns, f"{name}: a unique key without patient_key cannot be kept across machines"
            assert not key["is_primary"] or columns[0] == "patient_key", f"{name}: patient_key comes first"
        elif name in OTHERWISE:
            assert columns[0] in OTHERWISE[name][0].split(), f"{name}: the key begins with {columns[0]}"


async def test_texts_in_keys_sort_the_same_everywhere_and_for_ever(settings: Settings) -> None:
    async with database.connect(settings, "owner") as db:
        assert await db.fetch(KEY_TEXTS_WITHOUT_C) == []
        assert await db.fetch(OTHER_COLLATIONS) == []


async def test_nothing_is_used_that_another_server_may_lack(settings: Settings) -> None:
    async with database.connect(settings, "owner") as db:
        assert [row["name"] for row in await db.fetch(DEAR_FEATURES)] == []


async def test_what_a_source_said_of_a_person_is_not_sampled(settings: Settings) -> None:
    async with database.connect(settings, "owner") as db:
        await database.make_partitions(db, today=date(2031, 5, 1))
        names = [row["name"] for row in await db.fetch(SAMPLED)]
    assert "intake.original_2031_05.source" in names
    assert {name.rpartition(".")[2] for name in names} <= SAMPLED_OF_NOBODY
