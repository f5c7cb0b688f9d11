-- The witness says once what it says often (decision record "A text is kept once"). An entry names by SHA-256 who looked and what
-- was decided of it, and what showed that they are involved; the texts stand beside it, month by month, and are dropped
-- with their month. Entries written before say everything themselves, and stay as they are.

alter table audit.event rename to entry;
alter table audit.entry rename constraint event_pkey to entry_pkey;
alter index audit.event_by_stream rename to entry_by_stream;
alter index audit.event_by_time rename to entry_by_time;
alter table audit.entry
    alter column staff drop not null,
    alter column evidence drop not null,
    alter column decision drop not null,
    add column asked_at timestamptz,
    add column about_stream int,
    add column is_own boolean,  -- who looked is the patient: the text of that is theirs
    add column manner bytea,  -- SHA-256 of staff and decision; null: the entry says everything itself
    add column grounds bytea;  -- SHA-256 of the evidence; null: it stands in the entry

-- patient_key 0: a text that says nothing of any patient. Each stream keeps its own, so that no writer waits for another.
create table audit.text (
    patient_key bigint not null,
    digest bytea not null,
    stream int not null,
    month date not null,
    said text[] not null,
    primary key (patient_key, digest, stream, month)
) partition by range (month);
create table audit.text_default partition of audit.text default;

-- What a process writes many of comes as one array of rows (decision 0016).
drop type audit.written;
create type audit.entered as (
    patient_key bigint,
    kind text,
    purpose text,
    own_evidence text,
    about_seq bigint,
    about_stream int,
    snapshot bytea,
    detail text,
    route text,
    session text,
    asked_at timestamptz,
    is_own boolean,
    manner bytea,
    grounds bytea,
    hash bytea
);
create type audit.told as (patient_key bigint, digest bytea, said text[]);

-- The month whose tables hold an entry and its texts.
create function audit.month_of(p_at timestamptz) returns date
language sql immutable parallel safe as $$ select date_trunc('month', p_at at time zone 'UTC')::date $$;
revoke execute on function audit.month_of(timestamptz) from public;

-- Events as they were said, whichever way they are kept. Written to as well: entries by their own columns.
create view audit.event as
select e.patient_key, e.stream, e.seq, e.recorded_at, e.kind,
       coalesce(e.staff, (
           select t.said[1] from audit.text t
           where t.patient_key = case when e.is_own then e.patient_key else 0 end and t.digest = e.manner
               and t.stream = e.stream and t.month = date_trunc('month', e.recorded_at at time zone 'UTC')::date)) as staff,
       e.purpose,
       coalesce(e.evidence, (
           select t.said[1] from audit.text t
           where t.patient_key = e.patient_key and t.digest = e.grounds
               and t.stream = e.stream and t.month = date_trunc('month', e.recorded_at at time zone 'UTC')::date)) as evidence,
       coalesce(e.decision, (
           select t.said[2] from audit.text t
           where t.patient_key = case when e.is_own then e.patient_key else 0 end and t.digest = e.manner
               and t.stream = e.stream and t.month = date_trunc('month', e.recorded_at at time zone 'UTC')::date)) as decision,
       e.about_seq, e.snapshot, e.detail, e.route, e.session, e.hash,
       e.asked_at, e.about_stream, e.is_own, e.manner, e.grounds, e.evidence as own_evidence
from audit.entry e;

-- Months ahead, as before, of entries and of their texts.
create or replace function audit.make_partitions(p_on date default null) returns int
language plpgsql security definer set search_path = '' set lock_timeout = '5s' as $$
declare
    first_on date := pg_catalog.date_trunc('month', coalesce(p_on, (pg_catalog.now() at time zone 'UTC')::date));
    month date;
    since timestamptz;
    until timestamptz;
    name text;
    made int := 0;
begin
    perform pg_catalog.pg_advisory_xact_lock(4137260720);
    for ahead in 0..2 loop
        month := first_on + pg_catalog.make_interval(months => ahead);
        since := month::timestamp at time zone 'UTC';
        until := (month + pg_catalog.make_interval(months => 1)) at time zone 'UTC';
        name := 'text_' || pg_catalog.to_char(month, 'YYYY_MM');
        if pg_catalog.to_regclass('audit.' || name) is null then
            -- Taken before the parent's lock, in the order in which an insert takes them, so that neither waits for ever.
            lock table audit.text_default in access exclusive mode;
            execute pg_catalog.format('create table audit.%I (like audit.text including defaults including constraints '
                                      'including storage)', name);
            execute pg_catalog.format('with moved as (delete from audit.text_default where month = %L returning *) '
                                      'insert into audit.%I select * from moved', month, name);
            execute pg_catalog.format('alter table audit.text attach partition audit.%I for values from (%L) to (%L)',
                                      name, month, (month + pg_catalog.make_interval(months => 1))::date);
        end if;
        name := 'event_' || pg_catalog.to_char(month, 'YYYY_MM');
        if pg_catalog.to_regclass('audit.' || name) is null then
            lock table audit.event_default in access exclusive mode;
            execute pg_catalog.format('create table audit.%I (like audit.entry including defaults including constraints '
                                      'including storage)', name);
            execute pg_catalog.format('with moved as (delete from audit.event_default where recorded_at >= %L and recorded_at '
                                      '< %L returning *) insert into audit.%I select * from moved', since, until, name);
            execute pg_catalog.format('alter table audit.entry attach partition audit.%I for values from (%L) to (%L)',
                                      name, since, until);
            made := made + 1;
        end if;
    end loop;
    return made;
end $$;

-- As before, with what stands beside the detail now. Who did something is looked for among the texts, which are few.
drop function audit.read_witnessed(int, bigint, bigint, timestamptz, timestamptz, text[], text, text, timestamptz, int, bigint,
                                   int);
create function audit.read_witnessed(
    p_stream int, p_seq bigint, p_patient_key bigint, p_since timestamptz, p_until timestamptz, p_kinds text[],
    p_staff text, p_organisation text, p_before timestamptz, p_before_stream int, p_before_seq bigint, p_limit int)
returns table (patient_key bigint, stream int, seq bigint, recorded_at timestamptz, kind text, staff text, purpose text,
               evidence text, decision text, about_seq bigint, snapshot bytea, detail text, route text, session text,
               hash bytea, asked_at timestamptz, about_stream int)
language plpgsql stable security definer set search_path = '' as $$
declare
    since timestamptz := clock_timestamp() - interval '60 seconds';
    until timestamptz := clock_timestamp() + interval '10 seconds';
    first_at timestamptz := coalesce(p_since, '-infinity');
    last_at timestamptz := least(coalesce(p_until, 'infinity'), coalesce(p_before, 'infinity'));
    anybody boolean := p_staff is null and p_organisation is null;
    manners bytea[];
begin
    if not exists (select from audit.entry e where e.patient_key = p_patient_key and e.stream = p_stream and e.seq = p_seq
                   and e.kind = 'examined' and e.recorded_at between since and until) then
        raise exception using errcode = 'insufficient_privilege', message = 'The audit is read under a witness of this minute.';
    end if;
    if not anybody then
        select pg_catalog.array_agg(distinct t.digest) into manners from audit.text t
        where t.patient_key = 0 and pg_catalog.array_length(t.said, 1) = 2
            and (first_at = '-infinity' or t.month >= audit.month_of(first_at))
            and (last_at = 'infinity' or t.month <= audit.month_of(last_at))
            and (p_staff is null or strpos(t.said[1], p_staff) > 0)
            and (p_organisation is null or strpos(t.said[1], p_organisation) > 0);
    end if;
    if p_patient_key <> 0 then
        return query
            select v.patient_key, v.stream, v.seq, v.recorded_at, v.kind, v.staff, v.purpose, v.evidence, v.decision,
                   v.about_seq, v.snapshot, v.detail, v.route, v.session, v.hash, v.asked_at, v.about_stream
            from audit.event v
            where v.patient_key = p_patient_key and v.recorded_at >= first_at and v.recorded_at <= last_at
                and (p_kinds is null or v.kind = any (p_kinds))
                and (anybody or v.manner = any (manners)
                     or ((v.manner is null or v.is_own) and (p_staff is null or strpos(v.staff, p_staff) > 0)
                         and (p_organisation is null or strpos(v.staff, p_organisation) > 0)))
                and (p_before is null or (v.recorded_at, v.stream, v.seq) < (p_before, p_before_stream, p_before_seq))
            order by v.recorded_at desc, v.stream desc, v.seq desc limit p_limit;
    else
        return query
            select v.patient_key, v.stream, v.seq, v.recorded_at, v.kind, v.staff, v.purpose, v.evidence, v.decision,
                   v.about_seq, v.snapshot, v.detail, v.route, v.session, v.hash, v.asked_at, v.about_stream
            from audit.event v
            where v.recorded_at >= first_at and v.recorded_at <= last_at
                and (p_kinds is null or v.kind = any (p_kinds))
                and (anybody or v.manner = any (manners)
                     or ((v.manner is null or v.is_own) and (p_staff is null or strpos(v.staff, p_staff) > 0)
                         and (p_organisation is null or strpos(v.staff, p_organisation) > 0)))
                and (p_before is null or (v.recorded_at, v.stream, v.seq) < (p_before, p_before_stream, p_before_seq))
            order by v.recorded_at desc, v.stream desc, v.seq desc limit p_limit;
    end if;
end $$;
revoke execute on function audit.read_witnessed(int, bigint, bigint, timestamptz, timestamptz, text[], text, text,
                                                timestamptz, int, bigint, int) from public;
