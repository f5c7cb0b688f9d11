-- Bytes off the disk: what a removal took out is taken from the free room of the files too, by who works (decision
-- record "Removed bytes leave the disk by night"). A small table is written anew under a lock of at most moments; the
-- free room of a large one is overwritten in place, by rows of an attempt that is undone and that nobody ever sees.

create table stewardship.written_anew (
    name text collate "C" primary key,  -- of the table
    began_at timestamptz not null,  -- what was taken out before it is not in its files
    how text collate "C" not null check (how in ('anew', 'overwritten', 'by hand')),
    bytes bigint not null,
    locked_ms int not null,  -- how long nobody could read it
    until_lsn pg_lsn not null  -- on the disk once a checkpoint has passed this
);

-- Each proof that somebody had made of a removal, and what it found. No content.
create table stewardship.removal_proof (
    removal bigint not null,  -- 0: of all there were
    at timestamptz not null,
    of text not null,  -- the record, or a backup by its name
    by text not null,
    holds boolean not null,
    proof text not null,  -- JSON
    primary key (removal, at)
);

-- When everything that a source sent was returned to it, and the hash of the manifest.
create table stewardship.returned (
    source text collate "C" not null,
    at timestamptz not null,
    manifest text not null,
    primary key (source, at)
);

create function stewardship.removable_tables() returns table (name text, bytes bigint)
language sql stable security definer set search_path = '' as $$
    select c.oid::pg_catalog.regclass::text, pg_catalog.pg_total_relation_size(c.oid)
    from pg_catalog.pg_class c
    where c.relkind = 'r' and (
        c.oid in ('record.log'::pg_catalog.regclass, 'record.chunk'::pg_catalog.regclass,
                  'intake.replay'::pg_catalog.regclass, 'patient_index.identity'::pg_catalog.regclass,
                  'patient_index.identifier'::pg_catalog.regclass, 'patient_index.nhs_number'::pg_catalog.regclass,
                  'patient_index.member'::pg_catalog.regclass, 'patient_index.judgement'::pg_catalog.regclass,
                  'patient_index.earlier'::pg_catalog.regclass, 'patient_index.relationship'::pg_catalog.regclass)
        or c.oid in (select t.relid from pg_catalog.pg_partition_tree('intake.original') t))
    order by 1
$$;
revoke execute on function stewardship.removable_tables() from public;

-- A transaction that is older than the removal may still see what was removed: the files must keep it until that ends.
create function stewardship.is_still_seen(p_since timestamptz) returns boolean
language sql volatile security definer set search_path = '' as $$
    select exists (select from pg_catalog.pg_stat_activity a
                   where a.datname = pg_catalog.current_database() and a.pid <> pg_catalog.pg_backend_pid()
                       and a.xact_start <= p_since and a.backend_xmin is not null)
        or exists (select from pg_catalog.pg_prepared_xacts x
                   where x.database = pg_catalog.current_database() and x.prepared <= p_since)
$$;
revoke execute on function stewardship.is_still_seen(timestamptz) from public;

-- Writes a table's files anew, with its indexes, without anything that was removed. Nobody reads it meanwhile; who waits
-- for the lock longer than a moment gives way. Milliseconds of the lock; null: it is larger than may be locked.
create function stewardship.write_anew(p_table text, p_bytes_max bigint) returns int
language plpgsql volatile security definer set search_path = '' set lock_timeout = '250ms' as $$
declare
    key text;
    size bigint;
    began timestamptz;
begin
    select t.bytes into strict size from stewardship.removable_tables() t where t.name = p_table;
    if size > p_bytes_max then
        return null;
    end if;
    select c.relname into strict key from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid
    where i.indrelid = p_table::pg_catalog.regclass and i.indisprimary;
    execute pg_catalog.format('lock table %s in access exclusive mode', p_table::pg_catalog.regclass);
    began := pg_catalog.clock_timestamp();
    execute pg_catalog.format('cluster %s using %I', p_table::pg_catalog.regclass, key);
    return pg_catalog.ceil(1000 * extract(epoch from pg_catalog.clock_timestamp() - began))::int;
end $$;
revoke execute on function stewardship.write_anew(text, bigint) from public;

-- Asks the server's own vacuum to come to a large table within its minute, or to come as it used to.
create function stewardship.vacuum_soon(p_table text, p_is_wanted boolean) returns void
language plpgsql volatile security definer set search_path = '' set lock_timeout = '250ms' as $$
begin
    perform from stewardship.removable_tables() t where t.name = p_table;
    if not found then
        raise exception 'not a table that removals are taken out of' using errcode = '42P01';
    end if;
    -- By what is inserted, which no migration sets: how often dead rows are looked after stays as it is.
    if p_is_wanted then
        execute pg_catalog.format(
            'alter table %s set (autovacuum_vacuum_insert_threshold = 0, autovacuum_vacuum_insert_scale_factor = 0, '
            'toast.autovacuum_vacuum_insert_threshold = 0, toast.autovacuum_vacuum_insert_scale_factor = 0)',
            p_table::pg_catalog.regclass);
    else
        execute pg_catalog.format(
            'alter table %s reset (autovacuum_vacuum_insert_threshold, autovacuum_vacuum_insert_scale_factor, '
            'toast.autovacuum_vacuum_insert_threshold, toast.autovacuum_vacuum_insert_scale_factor)',
            p_table::pg_catalog.regclass);
    end if;
end $$;
revoke execute on function stewardship.vacuum_soon(text, boolean) from public;

-- Writes rows of nothing into the free room of a large table, in line or out of line, until its file grows, and undoes
-- them: the room is overwritten, no transaction ever sees them, and nobody waits. How many rows; negative: there is more
-- room of that size than so many fill.
create function stewardship.overwrite_free(p_table text, p_size int, p_is_inline boolean, p_rows_max int) returns int
language plpgsql volatile security definer set search_path = '' set synchronous_commit = 'off' as $$
declare
    at_once constant int := 64;
    into_table pg_catalog.regclass := p_table::pg_catalog.regclass;
    grows pg_catalog.regclass := into_table;
    names text;
    fills text;
    before bigint;
    grown bigint;
    written int := 0;
    is_full boolean := false;
begin
    perform from stewardship.removable_tables() t where t.name = p_table;
    if not found then
        raise exception 'not a table that removals are taken out of' using errcode = '42P01';
    end if;
    if not p_is_inline then
        select c.reltoastrelid into strict grows from pg_catalog.pg_class c where c.oid = into_table;
    end if;
    -- Only what must not be null; keys are below zero, and of a month's days its first: nobody's, and of no meaning.
    select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', '),
           pg_catalog.string_agg(case
               when a.attname in ('body', 'content')
                   then $f$pg_catalog.decode(pg_catalog.repeat('00', $1), 'hex')$f$
               when a.attname = 'header' and not p_is_inline
                   then $f$pg_catalog.decode(pg_catalog.repeat('00', greatest(0, 2040 - $1)), 'hex')$f$
               when a.attname = 'content_hash' then $f$pg_catalog.decode(pg_catalog.repeat('00', 16), 'hex')$f$
               when a.atttypid = 'bigint'::pg_catalog.regtype then '-$2 - g.n'
               when a.atttypid = 'date'::pg_catalog.regtype then pg_catalog.quote_literal(coalesce(
                   pg_catalog.substring(pg_catalog.pg_get_expr(c.relpartbound, c.oid), $f$FROM \('([0-9-]+)'\)$f$),
                   '1900-01-01')) || '::date'
               when a.atttypid = 'timestamptz'::pg_catalog.regtype then $f$'epoch'::timestamptz$f$
               when a.atttypid = 'text'::pg_catalog.regtype then $f$''$f$
               when a.atttypid = 'bytea'::pg_catalog.regtype then $f$''::bytea$f$
               else '0' end, ', ')
    into names, fills
    from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
    where a.attrelid = into_table and a.attnum > 0 and not a.attisdropped
        and (a.attnotnull or a.attname in ('body', 'content'));
    begin
        while not is_full and written < p_rows_max loop
            before := pg_catalog.pg_relation_size(grows);
            execute pg_catalog.format('insert into %s (%s) select %s from pg_catalog.generate_series(1, %s) g (n)',
                                      into_table, names, fills, at_once) using p_size, written;
            written := written + at_once;
            grown := pg_catalog.pg_relation_size(grows) - before;
            -- All of it went to the end of the file: no room of that size is left.
            is_full := grown > 0 and grown >= at_once::bigint * p_size * 8 / 10;
        end loop;
        raise exception 'undone' using errcode = 'UU001';
    exception when sqlstate 'UU001' then
        null;
    end;
    return case when is_full then written else -written end;
end $$;
revoke execute on function stewardship.overwrite_free(text, int, boolean, int) from public;
