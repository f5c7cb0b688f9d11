-- Emergency access that a reader declared to one person, in one role, until its time is over. It belongs to the reader
-- and not to a session: a shift is longer than a session, and whoever signs in again is not asked to declare again.
create table signin.emergency (
    patient_key bigint not null,
    user_id text collate "C" not null,
    organisation text collate "C" not null,  -- ODS code
    role text collate "C" not null,
    evidence text not null,
    declared_at timestamptz not null,
    until timestamptz not null,
    ended_at timestamptz,  -- ended by the reader before its time
    primary key (patient_key, user_id, organisation, role)
);
