-- The witness outside its own table: seals, by which nobody who may write to the database can rewrite it unseen; and
-- events by month, so that a year of them is twelve tables and not one.

alter table audit.event rename to event_of_before;
alter table audit.event_of_before rename constraint event_pkey to event_of_before_pkey;
alter index audit.event_by_stream rename to event_of_before_by_stream;

-- patient_key 0: an event about nobody (a search that found no one, a refused arrival). That no two events stand at one
-- place of a stream is proven by the chain, since no key of a table of months could say it.
create table audit.event (
    patient_key bigint not null,
    stream int not null,
    seq bigint not null,
    recorded_at timestamptz not null,
    kind text collate "C" not null constraint event_kind_check check (kind in (
        'opened', 'shown', 'refused', 'searched', 'arrived', 'signed_in', 'signed_out',
        'declared', 'exported', 'sent', 'examined', 'administered', 'notified')),
    staff text not null,
    purpose text collate "C" not null,
    evidence text not null,
    decision text not null,
    about_seq bigint,
    snapshot bytea,
    detail text not null,
    route text collate "C" not null,
    session text collate "C" not null,
    hash bytea not null check (octet_length(hash) = 32),
    primary key (patient_key, stream, seq, recorded_at)
) partition by range (recorded_at);
create index event_by_stream on audit.event (stream, seq);
-- events arrive in the order of their time: a summary of each stretch of pages is enough to find a day by
create index event_by_time on audit.event using brin (recorded_at) with (pages_per_range = 32, autosummarize = on);
create table audit.event_default partition of audit.event default;

-- A stream that a restored backup holds ended earlier than it was sealed: nothing may be put behind it again.
alter table audit.stream add column is_retired boolean not null default false;

-- One signed tree head after another, as they stand in the folder of seals too: there they prove something.
create table audit.seal (
    number bigint primary key,
    at timestamptz not null,
    size bigint not null,
    root bytea not null check (octet_length(root) = 32),
    signed text not null  -- JWS (RFC 7515)
);

-- Which versions of the policy were served, and when last: a change is witnessed at the start of whoever serves it.
create table audit.policy (
    version text collate "C" primary key,
    first_at timestamptz not null,
    last_at timestamptz not null
);

-- Months ahead, as for originals. Whoever works calls this daily; an event whose month has no partition yet waits in the
-- default partition and is moved when the month is made.
create function audit.make_partitions(p_on date default null) returns int
language plpgsql security definer set search_path = '' set lock_timeout = '5s' as $$
declare
    first_on date := pg_catalog.date_trunc('month', coalesce(p_on, (pg_catalog.now() at time zone 'UTC')::date));
    since timestamptz;
    until timestamptz;
    name text;
    made int := 0;
begin
    perform pg_catalog.pg_advisory_xact_lock(4137260720);
    for ahead in 0..2 loop
        since := (first_on + pg_catalog.make_interval(months => ahead)) at time zone 'UTC';
        until := (first_on + pg_catalog.make_interval(months => ahead + 1)) at time zone 'UTC';
        name := 'event_' || pg_catalog.to_char(since at time zone 'UTC', 'YYYY_MM');
        if pg_catalog.to_regclass('audit.' || name) is not null then
            continue;
        end if;
        -- Taken before the parent's lock, in the order in which an insert takes them, so that neither waits for ever.
        lock table audit.event_default in access exclusive mode;
        execute pg_catalog.format('create table audit.%I (like audit.event including defaults including constraints '
                                  'including storage)', name);
        execute pg_catalog.format('with moved as (delete from audit.event_default where recorded_at >= %L and recorded_at < %L '
                                  'returning *) insert into audit.%I select * from moved', since, until, name);
        execute pg_catalog.format('alter table audit.event attach partition audit.%I for values from (%L) to (%L)',
                                  name, since, until);
        made := made + 1;
    end loop;
    return made;
end $$;
revoke execute on function audit.make_partitions(date) from public;

insert into audit.event select * from audit.event_of_before;
do $$
declare
    month date;
begin
    for month in select distinct date_trunc('month', recorded_at at time zone 'UTC')::date from audit.event order by 1 loop
        perform audit.make_partitions(month);
    end loop;
end $$;
drop table audit.event_of_before;

-- The doors out, looking for their witness in this minute's part of the audit alone: the bounds are values before the
-- query begins, so that no other month is opened.
create or replace function record.read_witnessed(p_patient_key bigint, p_stream int, p_seq bigint, p_home_key bigint)
returns table (is_log boolean, seq bigint, identity_key bigint, source text, original_day date, original_seq bigint,
               received_at timestamptz, header bytea, body bytea)
language plpgsql stable security definer set search_path = '' as $$
declare
    since timestamptz := clock_timestamp() - interval '60 seconds';
    until timestamptz := clock_timestamp() + interval '10 seconds';
begin
    if not exists (select from audit.event e where e.patient_key = p_patient_key and e.stream = p_stream and e.seq = p_seq
                   and e.kind = 'opened' and e.recorded_at between since and until) then
        return;
    end if;
    if not exists (select from patient_index.member m where m.patient_key = p_patient_key and m.home_key = p_home_key) then
        return;
    end if;
    -- The first row says that the witness stands: without it an empty record could not be told from a refused one.
    return query
        select null::boolean, null::bigint, null::bigint, null::text, null::date, null::bigint, null::timestamptz,
               null::bytea, null::bytea;
    return query
        select false, c.heading::bigint, null::bigint, null::text, null::date, null::bigint, null::timestamptz, c.header, c.body
        from record.chunk c where c.patient_key = p_home_key
        union all
        select true, l.seq, l.identity_key, l.source, l.original_day, l.original_seq, l.received_at, l.header, l.body
        from record.log l where l.patient_key = p_home_key
            and exists (select from patient_index.member m
                        where m.patient_key = p_patient_key and m.identity_key = l.identity_key);
end $$;

create or replace function intake.read_original_witnessed(
    p_patient_key bigint, p_stream int, p_seq bigint, p_day date, p_original_seq bigint)
returns table (source text, format smallint, content bytea, received_at timestamptz, message_type text)
language plpgsql stable security definer set search_path = '' as $$
declare
    since timestamptz := clock_timestamp() - interval '60 seconds';
    until timestamptz := clock_timestamp() + interval '10 seconds';
begin
    if not exists (select from audit.event e where e.patient_key = p_patient_key and e.stream = p_stream and e.seq = p_seq
                   and e.kind = 'opened' and e.recorded_at between since and until) then
        return;
    end if;
    return query
        select o.source, o.format, o.content, o.received_at, o.message_type
        from intake.original o
        where o.day = p_day and o.seq = p_original_seq
            and exists (select from patient_index.member m
                        where m.patient_key = p_patient_key
                          and (m.identity_key = o.identity_key
                               or m.identity_key in (select r.identity_key from intake.replay r
                                                     where r.day = p_day and r.seq = p_original_seq)));
end $$;

-- Whoever serves may read the audit only after it was written down that it is read: `examined`, of this person (0: of
-- all), within the minute. Newest first, a page at a time, from before the last of the page before.
create function audit.read_witnessed(
    p_stream int, p_seq bigint, p_patient_key bigint, p_since timestamptz, p_until timestamptz, p_kinds text[],
    p_staff text, p_organisation text, p_before timestamptz, p_before_stream int, p_before_seq bigint, p_limit int)
returns table (patient_key bigint, stream int, seq bigint, recorded_at timestamptz, kind text, staff text, purpose text,
               evidence text, decision text, about_seq bigint, snapshot bytea, detail text, route text, session text,
               hash bytea)
language plpgsql stable security definer set search_path = '' as $$
declare
    since timestamptz := clock_timestamp() - interval '60 seconds';
    until timestamptz := clock_timestamp() + interval '10 seconds';
    first_at timestamptz := coalesce(p_since, '-infinity');
    last_at timestamptz := least(coalesce(p_until, 'infinity'), coalesce(p_before, 'infinity'));
begin
    if not exists (select from audit.event e where e.patient_key = p_patient_key and e.stream = p_stream and e.seq = p_seq
                   and e.kind = 'examined' and e.recorded_at between since and until) then
        raise exception using errcode = 'insufficient_privilege', message = 'The audit is read under a witness of this minute.';
    end if;
    if p_patient_key <> 0 then
        return query
            select e.* from audit.event e
            where e.patient_key = p_patient_key and e.recorded_at >= first_at and e.recorded_at <= last_at
                and (p_kinds is null or e.kind = any (p_kinds))
                and (p_staff is null or strpos(e.staff, p_staff) > 0)
                and (p_organisation is null or strpos(e.staff, p_organisation) > 0)
                and (p_before is null or (e.recorded_at, e.stream, e.seq) < (p_before, p_before_stream, p_before_seq))
            order by e.recorded_at desc, e.stream desc, e.seq desc limit p_limit;
    else
        return query
            select e.* from audit.event e
            where e.recorded_at >= first_at and e.recorded_at <= last_at
                and (p_kinds is null or e.kind = any (p_kinds))
                and (p_staff is null or strpos(e.staff, p_staff) > 0)
                and (p_organisation is null or strpos(e.staff, p_organisation) > 0)
                and (p_before is null or (e.recorded_at, e.stream, e.seq) < (p_before, p_before_stream, p_before_seq))
            order by e.recorded_at desc, e.stream desc, e.seq desc limit p_limit;
    end if;
end $$;
revoke execute on function audit.read_witnessed(int, bigint, bigint, timestamptz, timestamptz, text[], text, text,
                                                timestamptz, int, bigint, int) from public;
