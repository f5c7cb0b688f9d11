-- The spine: one schema per room. Every big table carries patient_key first in its keys, so that a region can be
-- distributed by patient; the inbox of originals is keyed by day, the one exception (decision 0003).
-- Text keys are COLLATE "C"; nothing here needs more than PostgreSQL 15.

create schema intake;
create schema record;
create schema patient_index;
create schema audit;
create schema signin;

-- intake: what arrived, byte for byte, with its first outcome ---------------------------------------------------------

create sequence intake.original_seq;
create table intake.original (
    day date not null,
    seq bigint not null default nextval('intake.original_seq'),
    source text collate "C" not null,
    control_id text collate "C" not null,
    format smallint not null,
    content bytea not null,
    content_hash bytea not null check (octet_length(content_hash) = 16),
    received_at timestamptz not null,
    outcome text collate "C" not null,
    message_type text collate "C" not null,
    problems bytea,
    patient_key bigint,
    identity_key bigint,
    primary key (day, seq),
    check (outcome <> 'recorded' or patient_key is not null)
) partition by range (day);
alter table intake.original alter content set storage external;
create table intake.original_default partition of intake.original default;
alter table intake.original_default alter content set storage external;
create index original_unsettled on intake.original (day, seq) where outcome <> 'recorded';

-- distributed by source: what makes a message sent twice one message
create table intake.message_key (
    source text collate "C" not null,
    control_id text collate "C" not null,
    content_hash bytea not null,
    day date not null,
    seq bigint not null,
    primary key (source, control_id, content_hash)
);

-- later attempts at an original that was refused, parked, waiting or not translated; the original row never changes
create table intake.replay (
    day date not null,
    seq bigint not null,
    attempt smallint not null,
    at timestamptz not null,
    outcome text collate "C" not null,
    problems bytea,
    patient_key bigint,
    identity_key bigint,
    primary key (day, seq, attempt)
);

-- record: what each source said, append-only --------------------------------------------------------------------------

create table record.dictionary (
    id smallint primary key,
    content bytea not null,
    trained_on text not null,
    created_at timestamptz not null
);

create sequence record.log_seq;
create table record.log (
    patient_key bigint not null,
    seq bigint not null default nextval('record.log_seq'),
    identity_key bigint not null,
    source text collate "C" not null,
    original_day date not null,
    original_seq bigint not null,
    received_at timestamptz not null,
    statement_count smallint not null,
    header bytea not null,
    body bytea not null,
    primary key (patient_key, seq)
);
alter table record.log alter header set storage external, alter body set storage external;

create table record.chunk (
    patient_key bigint not null,
    heading smallint not null,
    period smallint not null,
    part smallint not null,
    statement_count int not null,
    header bytea not null,
    body bytea not null,
    primary key (patient_key, heading, period, part)
);
alter table record.chunk alter header set storage external, alter body set storage external;

-- patient_index: which identities are one person ----------------------------------------------------------------------

-- distributed by value: the ways in
create table patient_index.identifier (
    value text collate "C" not null,
    system text collate "C" not null,
    identity_key bigint not null,
    patient_key bigint not null,
    primary key (value, system)
);
create table patient_index.nhs_number (
    nhs_number text collate "C" not null,
    identity_key bigint not null,
    patient_key bigint not null,
    primary key (nhs_number, identity_key)
);

-- distributed by patient_key: what a source identity is and last said of its patient
create table patient_index.identity (
    patient_key bigint not null,
    identity_key bigint not null,
    person_key bigint not null,
    source text collate "C" not null,
    system text collate "C" not null,
    value text collate "C" not null,
    nhs_number text collate "C",
    nhs_number_verified boolean not null default false,
    subject bytea not null,
    said_at timestamptz not null,
    primary key (patient_key, identity_key)
);

-- the set that is a person: rows are found under home_key and filtered by identity_key
create table patient_index.member (
    patient_key bigint not null,
    identity_key bigint not null,
    home_key bigint not null,
    primary key (patient_key, identity_key)
);

-- why an identity belongs where it does: append-only, reversible by a later judgement
create table patient_index.judgement (
    patient_key bigint not null,
    identity_key bigint not null,
    seq smallint not null,
    at timestamptz not null,
    from_person_key bigint,
    to_person_key bigint not null,
    rule text collate "C" not null,
    reasons text not null,
    said_by text not null,
    original_day date,
    original_seq bigint,
    primary key (patient_key, identity_key, seq)
);

-- audit: the witness --------------------------------------------------------------------------------------------------

-- patient_key 0: an event about nobody (a search that found no one, a refused arrival)
create table audit.event (
    patient_key bigint not null,
    stream int not null,
    seq bigint not null,
    recorded_at timestamptz not null,
    kind text collate "C" not null check (kind in ('opened', 'shown', 'refused', 'searched', 'arrived', 'signed_in', 'signed_out')),
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
    primary key (patient_key, stream, seq)
);
create index event_by_stream on audit.event (stream, seq);

create table audit.stream (
    stream int primary key,
    head_seq bigint not null,
    head_hash bytea not null
);

-- signin: staff, sessions, arrivals -----------------------------------------------------------------------------------

create table signin.session (
    token_hash bytea primary key,
    id text collate "C" not null,
    staff text not null,
    patient_key bigint,
    evidence text not null,
    purpose text collate "C" not null,
    route text collate "C" not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    closed_at timestamptz,
    closed_because text,
    parent_id text collate "C"  -- the staff session that a chart was opened from: it ends with it
);
create index session_parent on signin.session (parent_id) where parent_id is not null;
-- an arrival waits for its one use; jti is remembered so that a launch cannot be replayed
create table signin.arrival (
    code_hash bytea primary key,
    issuer text collate "C" not null,
    jti text collate "C" not null,
    content text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    unique (issuer, jti)
);
create table signin.login (
    state_hash bytea primary key,
    content text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null
);
create table signin.token (
    token_hash bytea primary key,
    staff text not null,
    scope text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null
);
create table signin.assertion (
    issuer text collate "C" not null,
    jti text collate "C" not null,
    expires_at timestamptz not null,
    primary key (issuer, jti)
);

-- The door out cannot select from the record. It may call these with its witness: an event that was committed less than
-- a minute ago, by which this patient was opened. Anything else returns no row. PL/pgSQL, patient first: works on Citus.

create function record.read_witnessed(p_patient_key bigint, p_stream int, p_seq bigint, p_home_key bigint)
returns table (is_log boolean, seq bigint, identity_key bigint, source text, original_day date, original_seq bigint,
               received_at timestamptz, header bytea, body bytea)
language plpgsql stable security definer set search_path = '' as $$
begin
    if not exists (select from audit.event e where e.patient_key = p_patient_key and e.stream = p_stream and e.seq = p_seq
                   and e.kind = 'opened' and e.recorded_at between clock_timestamp() - interval '60 seconds'
                                              and clock_timestamp() + interval '10 seconds') then
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

create function intake.read_original_witnessed(p_patient_key bigint, p_stream int, p_seq bigint, p_day date, p_original_seq bigint)
returns table (source text, format smallint, content bytea, received_at timestamptz, message_type text)
language plpgsql stable security definer set search_path = '' as $$
begin
    if not exists (select from audit.event e where e.patient_key = p_patient_key and e.stream = p_stream and e.seq = p_seq
                   and e.kind = 'opened' and e.recorded_at between clock_timestamp() - interval '60 seconds'
                                              and clock_timestamp() + interval '10 seconds') then
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
revoke execute on function record.read_witnessed(bigint, int, bigint, bigint) from public;
revoke execute on function intake.read_original_witnessed(bigint, int, bigint, date, bigint) from public;
