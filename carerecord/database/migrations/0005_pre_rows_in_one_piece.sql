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
