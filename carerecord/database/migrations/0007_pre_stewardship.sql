-- Stewardship: what people decide about the record, and never what the record says. Cases for the desks, what takes two
-- people, objections; and, in the patient index, which organisation is involved in whose care.

create schema stewardship;

alter table audit.event drop constraint event_kind_check;
alter table audit.event add constraint event_kind_check check (kind in (
    'opened', 'shown', 'refused', 'searched', 'arrived', 'signed_in', 'signed_out',
    'declared', 'exported', 'sent', 'examined', 'administered', 'notified'));

-- One thing that somebody has to look at. `sentence` names no patient; whom it is about is asked by its key, witnessed.
create table stewardship.privacy_case (
    patient_key bigint not null,  -- 0: about no one person
    id bigint not null,  -- random: stands in addresses
    desk text collate "C" not null,  -- privacy, safety, ...
    kind text collate "C" not null,  -- break-glass, evidence, misuse, question, safety, objection
    rule text collate "C" not null,  -- which rule raised it
    organisation text collate "C" not null,  -- whose reader it was: that organisation's desk sees the case too
    staff text collate "C" not null default '',  -- user id of the reader, where it is about one
    sentence text not null,
    detail text not null default '{}',
    about_stream int,  -- the event it is about, once per rule
    about_seq bigint,
    opened_at timestamptz not null,
    due_at timestamptz,
    closed_at timestamptz,
    disposition text collate "C",  -- appropriate, inappropriate, inconclusive, training, duplicate
    primary key (patient_key, id)
);
create unique index privacy_case_about on stewardship.privacy_case (patient_key, about_stream, about_seq, rule)
    where about_stream is not null;
create index privacy_case_open on stewardship.privacy_case (desk, opened_at) where closed_at is null;
create index privacy_case_id on stewardship.privacy_case (id);

create table stewardship.case_note (
    patient_key bigint not null,
    case_id bigint not null,
    seq smallint not null,
    at timestamptz not null,
    by_user text collate "C" not null,
    by_name text not null,
    organisation text collate "C" not null,
    words text not null,
    primary key (patient_key, case_id, seq)
);

-- What cuts or opens access takes two people: one asks, another agrees.
create table stewardship.proposal (
    id bigint primary key,
    kind text collate "C" not null,  -- switch, role, key, policy, legal-bar
    content text not null,  -- JSON: what would be done
    because text not null,
    asked_by text collate "C" not null,
    asked_at timestamptz not null,
    agreed_by text collate "C",
    agreed_at timestamptz,
    withdrawn_at timestamptz,
    check (agreed_by <> asked_by)
);

-- UK GDPR Article 21. Restricted on receipt, while it is weighed; ended only with a reason.
create table stewardship.objection (
    patient_key bigint not null,
    id bigint not null,
    scope text collate "C" not null check (scope in ('whole', 'organisation', 'heading')),
    value text collate "C" not null default '',  -- ODS code, or name of a heading
    state text collate "C" not null check (state in ('weighed', 'upheld', 'overruled', 'withdrawn')),
    received_at timestamptz not null,
    decided_at timestamptz,
    decided_by text collate "C",
    reason text not null default '',
    primary key (patient_key, id)
);

-- Which organisation is involved in a person's care, as the region's systems say: one row for each stay, appointment,
-- referral, registration, caseload, incident or residency. Under the key that the identity was first seen with.
create table patient_index.relationship (
    patient_key bigint not null,
    identity_key bigint not null,
    organisation text collate "C" not null,  -- ODS code of who cares
    kind text collate "C" not null,  -- as EvidenceClass
    source text collate "C" not null,
    local_id text collate "C" not null,
    since timestamptz,
    until timestamptz,  -- null: it has not ended
    standing smallint not null,
    said_at timestamptz not null,
    primary key (patient_key, organisation, kind, source, local_id)
);
