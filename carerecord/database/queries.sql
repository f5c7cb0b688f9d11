-- :name lock_migrations
-- Only one process migrates a database at a time; the lock ends with the session.
select pg_advisory_lock(4137260718)

-- :name become_owner
-- Everything a migration makes belongs to the owner, whoever signed in.
set role carerecord_owner

-- :name become_oneself
-- Back to whoever signed in.
reset role

-- :name make_ledger_schema
-- The schema of the ledger of migrations.
create schema if not exists carerecord

-- :name make_ledger
-- The ledger of migrations: what was applied, in which words.
create table if not exists carerecord.migration (
    number int primary key,
    name text collate "C" not null,
    checksum bytea not null,
    applied_at timestamptz not null default now()
)

-- :name has_ledger
-- Whether any migration was ever applied here.
select to_regclass('carerecord.migration') is not null

-- :name read_ledger
-- The migrations applied so far.
select number, name, checksum from carerecord.migration order by number

-- :name write_ledger
-- Remembers one migration in the transaction that applied it.
insert into carerecord.migration (number, name, checksum) values ($1, $2, $3)

-- :name make_partitions
-- Months of originals and of events ahead: the given day's month and two more; null is today in UTC.
select intake.make_partitions($1) + audit.make_partitions($1)

-- :name may_create_roles
-- Whether the signed-in user could create the roles itself.
select rolcreaterole or rolsuper from pg_catalog.pg_roles where rolname = current_user

-- :name let_roles_sign_in
-- In the embedded server each role signs in by its socket peer; which system user is which role stands in pg_ident.conf.
do $$
declare
    named text;
begin
    for named in select rolname from pg_catalog.pg_roles where starts_with(rolname, 'carerecord_') and not rolcanlogin loop
        execute format('alter role %I login', named);
    end loop;
end $$

-- :name has_database
-- Whether the record's database exists in the embedded server.
select exists (select from pg_catalog.pg_database where datname = $1)

-- :name make_database
-- The record's database, which the owner owns.
create database carerecord owner carerecord_owner

-- :name withdraw_grants
-- Takes every grant back before they are given anew, so that grants.sql is the whole truth and not only what it adds.
do $$
declare
    room text;
    kind text;
begin
    for room in select nspname from pg_catalog.pg_namespace where nspowner = 'carerecord_owner'::regrole loop
        foreach kind in array array['tables', 'sequences', 'functions'] loop
            execute format('revoke all on all %s in schema %I from carerecord_listen, carerecord_work, carerecord_serve, '
                           'carerecord_operate, carerecord_witness, carerecord_steward, carerecord_remove, carerecord_relabel, public', kind, room);
        end loop;
    end loop;
end $$

-- :name list_rooms
-- The schemas of the record: those that its owner owns.
select nspname as room from pg_catalog.pg_namespace
where nspowner = (select oid from pg_catalog.pg_roles where rolname = 'carerecord_owner') order by nspname

-- :name drop_rooms
-- Removes the record's schemas with everything in them, to make room for a backup's.
do $$
declare
    room text;
begin
    for room in select nspname from pg_catalog.pg_namespace where nspowner = 'carerecord_owner'::regrole loop
        execute format('drop schema %I cascade', room);
    end loop;
end $$

-- :name export_snapshot
-- This transaction's instant, so that pg_dump sees exactly the rows that are counted.
select pg_export_snapshot()

-- :name stay_in_transaction
-- A backup reads for as long as it takes, and idles meanwhile.
set local idle_in_transaction_session_timeout = 0

-- :name count_migrations
-- How many migrations this database has had.
select count(*) from carerecord.migration

-- :name count_rows
-- Rows of each table of the record, counted; partitions under their parent.
select namespace.nspname || '.' || class.relname as name,
       carerecord.count_rows(class.oid) as row_count
from pg_catalog.pg_class class
join pg_catalog.pg_namespace namespace on namespace.oid = class.relnamespace
where namespace.nspowner = (select oid from pg_catalog.pg_roles where rolname = 'carerecord_owner')
  and class.relkind in ('r', 'p') and not class.relispartition
order by name

-- :name is_in_use
-- Whether a process of the record is connected: what it holds in memory would outlive a restore.
select exists (select from pg_catalog.pg_stat_activity
               where datname = current_database() and pid <> pg_backend_pid()
                 and application_name in ('carerecord listen', 'carerecord work', 'carerecord serve'))
