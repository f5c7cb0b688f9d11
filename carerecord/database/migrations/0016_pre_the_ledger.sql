-- A person's own ledger: what is kept from it, and what they ask about a look.

create table stewardship.hold (
    patient_key bigint not null,  -- 0: of a member of staff, whoever they looked at
    id bigint not null,  -- random: stands in addresses
    kind text collate "C" not null check (kind in ('ledger', 'organisation', 'staff', 'name')),
    value text collate "C" not null default '',  -- ODS code or user id
    because text not null,
    set_by text not null,
    set_at timestamptz not null,
    lifted_at timestamptz,
    lifted_by text,
    lifted_because text,
    primary key (patient_key, id)
);
create index hold_id on stewardship.hold (id);

create table stewardship.question (
    patient_key bigint not null,
    id bigint not null,  -- that of its case
    look text collate "C" not null,  -- the name that its entry has in the ledger
    organisation text collate "C" not null,  -- whose desk answers
    words text not null,
    asked_at timestamptz not null,
    answer text not null default '',
    answered_at timestamptz,
    answered_by text not null default '',
    primary key (patient_key, id),
    unique (patient_key, look)
);
create index question_id on stewardship.question (id);
