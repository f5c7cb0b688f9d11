-- The watch: what is usual for each role, and whose record is likely to draw the curious.

-- how many people each reader of a role opened on one day, readers unnamed
create table stewardship.watch_day (
    day date not null,
    role text collate "C" not null,
    counts text not null,  -- JSON: numbers, in no order
    primary key (day, role)
);

create table stewardship.listed_person (
    patient_key bigint primary key,
    because text not null,
    added_by text collate "C" not null,
    added_at timestamptz not null,
    until timestamptz
);
