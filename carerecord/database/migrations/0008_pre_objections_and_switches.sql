-- Objections are told, access can be cut, and what a neighbour signs in a launch is looked at afterwards.

-- Outbox of notices: an organisation is told a reference and a sentence, never who it is about.
create table stewardship.notice (
    patient_key bigint not null,
    id bigint not null,  -- random: stands in the reference
    organisation text collate "C" not null,  -- ODS code of who is told
    kind text collate "C" not null,  -- objection, recall, ...
    about text collate "C" not null,  -- told once for each organisation
    sentence text not null,
    detail text not null default '{}',
    created_at timestamptz not null,
    read_at timestamptz,
    read_by text not null default '',
    primary key (patient_key, id),
    unique (patient_key, organisation, about)
);
create index notice_id on stewardship.notice (id);
create index notice_unread on stewardship.notice (organisation, created_at) where read_at is null;

alter table stewardship.objection add column received_by text not null default '';
create index objection_open on stewardship.objection (received_at) where state = 'weighed';

-- Two people: who they are in words, and what came of it.
alter table stewardship.proposal add column asked_by_name text not null default '';
alter table stewardship.proposal add column agreed_by_name text not null default '';
alter table stewardship.proposal add column done_at timestamptz;
alter table stewardship.proposal add column outcome text not null default '';
create index proposal_asked on stewardship.proposal (asked_at);

-- The National Data Opt-Out: who of a list has opted out, by a keyed hash of the NHS number.
create table stewardship.national_opt_out (
    number_hash bytea primary key
);
create table stewardship.opt_out_list (
    one boolean primary key default true check (one),
    hash_key bytea not null,
    numbers int not null,
    imported_at timestamptz not null,
    imported_by text not null
);

-- What neighbours attest each night, and which of their launches still wait for a match.
create table stewardship.attestation (
    issuer text collate "C" not null,
    claim text collate "C" not null,  -- "jti <jti>", or "<evidence class> <id>"
    holds boolean not null,
    said_at timestamptz not null,
    primary key (issuer, claim)
);
create table stewardship.attestation_message (
    issuer text collate "C" not null,
    jti text collate "C" not null,
    day date not null,
    said_at timestamptz not null,
    received_at timestamptz not null,
    launches int not null,
    primary key (issuer, jti)
);
create table stewardship.reliance (
    patient_key bigint not null,
    session text collate "C" not null,  -- of one launch
    issuer text collate "C" not null default '',
    jti text collate "C" not null default '',
    organisation text collate "C" not null,
    staff text collate "C" not null,  -- user id of the reader
    evidence_kind text collate "C" not null,
    evidence_id text collate "C" not null default '',
    stream int,  -- its first opening in the audit; null: arrived, nothing opened yet
    seq bigint,
    opened_at timestamptz,
    opens int not null default 0,
    state text collate "C" not null default 'waiting'
        check (state in ('waiting', 'matched', 'denied', 'unmatched', 'late')),
    matched_by text collate "C" not null default '' check (matched_by in ('', 'feed', 'attestation')),
    settled_at timestamptz,
    primary key (patient_key, session)
);
create index reliance_waiting on stewardship.reliance (opened_at) where state in ('waiting', 'unmatched');
create index reliance_month on stewardship.reliance (opened_at, organisation);

-- How far each engine has followed each chain of the audit.
create table stewardship.followed (
    engine text collate "C" not null,
    stream int not null,
    seq bigint not null,
    primary key (engine, stream)
);

-- What is cut: nearly always empty. Every look-up of a session, token or launch asks it in the same statement.
create table signin.switch (
    kind text collate "C" not null check (kind in ('organisation', 'route', 'issuer', 'user')),
    name text collate "C" not null,
    because text not null,
    cut_by text not null,  -- the two people
    cut_at timestamptz not null,
    primary key (kind, name)
);
alter table signin.session add column issuer text collate "C" not null default '';  -- whose launch it came by

-- Which organisations were shown something of a person, and when last: nothing else of the audit. Runs as its owner, so
-- that the desks need not be able to read the audit.
create function audit.find_recipients(p_patient_keys bigint[])
returns table (organisation text, last_at timestamptz)
language sql stable security definer set search_path = '' as $$
    select e.staff::json ->> 'organisation', max(e.recorded_at)
    from audit.event e
    where e.patient_key = any (p_patient_keys) and e.kind in ('shown', 'sent', 'exported') and e.staff like '{%'
    group by 1
$$;
revoke execute on function audit.find_recipients(bigint[]) from public;
