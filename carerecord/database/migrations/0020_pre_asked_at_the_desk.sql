-- What a person asks for is worked at the desk: its clock, who advised, and the file while it is kept; and the list of
-- people whose record is likely to draw the curious, an entry for each organisation that put somebody on it.

alter table stewardship.subject_access
    add column identified_at timestamptz,  -- null: proof of who asks is awaited, and the clock stands
    add column identified_by text not null default '',
    add column extended_at timestamptz,
    add column extended_because text not null default '';
update stewardship.subject_access set identified_at = asked_at;

alter table stewardship.redaction add column advised_by text not null default '';  -- the health professional, for harm

-- A file that was asked for. It is sealed for the browser that asked, whose key is kept nowhere here, and goes in a day.
create table stewardship.subject_access_file (
    patient_key bigint not null,
    request_id bigint not null,
    id bigint not null,  -- random
    asked_at timestamptz not null,
    asked_by text not null,  -- JSON: who asked, as the audit names them
    session text not null,
    seal_to text not null,  -- JWK: the public half
    state text collate "C" not null default 'asked' check (state in ('asked', 'reading', 'writing', 'ready', 'failed', 'gone')),
    tries smallint not null default 0,
    statements int not null default 0,
    said text not null default '',  -- why it failed, in a sentence about nobody
    hash text collate "C" not null default '',
    size bigint not null default 0,
    has_paper boolean not null default true,
    kept_back text not null default '{}',  -- JSON: ground -> how many
    finished_at timestamptz,
    fetched_at timestamptz,
    content bytea,
    primary key (patient_key, request_id, id)
);
alter table stewardship.subject_access_file alter column content set storage external;
create index subject_access_file_id on stewardship.subject_access_file (id);
create index subject_access_file_open on stewardship.subject_access_file (state, asked_at)
    where state in ('asked', 'reading', 'writing', 'ready');

create index privacy_case_declared on stewardship.privacy_case (opened_at, id) where kind = 'break-glass';

alter table stewardship.listed_person
    add column id bigint not null default ('x' || substr(md5(random()::text || clock_timestamp()::text), 1, 15))::bit(60)::bigint,
    add column organisation text collate "C" not null default '',
    add column ended_because text not null default '',
    add column ended_by text not null default '';
alter table stewardship.listed_person alter column id drop default;
alter table stewardship.listed_person drop constraint listed_person_pkey;
alter table stewardship.listed_person add primary key (patient_key, organisation);
create index listed_person_id on stewardship.listed_person (id);
revoke all on stewardship.listed_person from carerecord_serve;
