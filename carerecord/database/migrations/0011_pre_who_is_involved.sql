-- What a batch says of who is involved comes as rows of this type.
create type patient_index.involved as (
    patient_key bigint,
    identity_key bigint,
    organisation text,
    kind text,
    source text,
    local_id text,
    since timestamptz,
    until timestamptz,
    standing smallint,
    said_at timestamptz
);
