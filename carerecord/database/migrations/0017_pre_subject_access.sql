-- Subject access: what a person asked for, and what was decided of each doubtful item before it was handed over.

create table stewardship.subject_access (
    patient_key bigint not null,
    id bigint not null,
    asked_at timestamptz not null,
    due_on date not null,
    requester text not null,
    identity_check text not null,
    opened_by text collate "C" not null,
    exported_at timestamptz,
    exported_hash text not null default '',
    closed_at timestamptz,
    primary key (patient_key, id)
);
create index subject_access_open on stewardship.subject_access (due_on) where closed_at is null;
create index subject_access_id on stewardship.subject_access (id);

-- The last decision of an item counts; the words that were taken out stand here and in no export.
create table stewardship.redaction (
    patient_key bigint not null,
    request_id bigint not null,
    item text collate "C" not null,
    seq smallint not null,
    choice text collate "C" not null check (choice in ('keep', 'redact', 'withhold')),
    ground text collate "C" not null,
    words text not null,
    spans text not null,
    decided_by text collate "C" not null,
    at timestamptz not null,
    primary key (patient_key, request_id, item, seq)
);
