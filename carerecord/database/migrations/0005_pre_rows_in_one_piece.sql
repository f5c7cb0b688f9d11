-- What a process writes many of comes as one array of rows: each value is encoded and read once, where an array for each
-- column asked of every value whether it was an array itself (decision 0016).

create type audit.written as (
    patient_key bigint,
    kind text,
    staff text,
    purpose text,
    evidence text,
    decision text,
    about_seq bigint,
    snapshot bytea,
    detail text,
    route text,
    session text,
    hash bytea
);

create type intake.arriving as (
    day date,
    seq bigint,
    source text,
    control_id text,
    format smallint,
    content bytea,
    content_hash bytea,
    received_at timestamptz,
    outcome text,
    message_type text,
    problems bytea,
    patient_key bigint,
    identity_key bigint
);

create type record.appended as (
    patient_key bigint,
    identity_key bigint,
    source text,
    original_day date,
    original_seq bigint,
    received_at timestamptz,
    statement_count smallint,
    header bytea,
    body bytea
);

-- newer demographics of an identity that is known
create type patient_index.newer as (
    patient_key bigint,
    identity_key bigint,
    subject bytea,
    said_at timestamptz
);

create type patient_index.decided as (
    patient_key bigint,
    identity_key bigint,
    person_key bigint,
    left_person_key bigint,  -- whom it was part of before; null if it is new
    source text,
    system text,
    value text,
    nhs_number text,
    nhs_number_verified boolean,
    subject bytea,
    said_at timestamptz,
    is_heard boolean,  -- its demographics are newer
    is_attributed boolean  -- its person or its number changed
);

create type patient_index.judged as (
    patient_key bigint,
    identity_key bigint,
    nth smallint,
    at timestamptz,
    from_person_key bigint,
    to_person_key bigint,
    rule text,
    reasons text,
    said_by text,
    original_day date,
    original_seq bigint
);
