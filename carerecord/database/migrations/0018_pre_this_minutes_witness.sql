-- The doors out look for their witness in this minute's part of the audit alone. A bound that is asked of the clock within
-- the query leaves every month open; one that stands before it closes all but one or two.

create or replace function record.read_witnessed(p_patient_key bigint, p_stream int, p_seq bigint, p_home_key bigint, p_key bytea)
returns table (is_log boolean, seq bigint, identity_key bigint, source text, original_day date, original_seq bigint,
               received_at timestamptz, header bytea, body bytea)
language plpgsql stable security definer set search_path = '' as $$
declare
    since timestamptz := clock_timestamp() - interval '60 seconds';
    until timestamptz := clock_timestamp() + interval '10 seconds';
begin
    if not exists (select from audit.event e where e.patient_key = p_patient_key and e.stream = p_stream and e.seq = p_seq
                   and e.kind = 'opened' and e.recorded_at between since and until
                   and signin.opens(p_key, p_patient_key, e.session)) then
        return;
    end if;
    if not exists (select from patient_index.member m where m.patient_key = p_patient_key and m.home_key = p_home_key) then
        return;
    end if;
    -- The first row says that the witness stands: without it an empty record could not be told from a refused one.
    return query
        select null::boolean, null::bigint, null::bigint, null::text, null::date, null::bigint, null::timestamptz,
               (select string_agg(w.what, ''::bytea) from record.withdrawal w where w.patient_key = p_home_key),
               null::bytea;
    return query
        select false, c.heading::bigint, null::bigint, null::text, null::date, null::bigint, null::timestamptz, c.header, c.body
        from record.chunk c where c.patient_key = p_home_key
        union all
        select true, l.seq, l.identity_key, l.source, l.original_day, l.original_seq, l.received_at, l.header, l.body
        from record.log l where l.patient_key = p_home_key
            and exists (select from patient_index.member m
                        where m.patient_key = p_patient_key and m.identity_key = l.identity_key);
end $$;

create or replace function intake.read_original_witnessed(p_patient_key bigint, p_stream int, p_seq bigint, p_day date,
                                               p_original_seq bigint, p_key bytea)
returns table (source text, format smallint, content bytea, received_at timestamptz, message_type text)
language plpgsql stable security definer set search_path = '' as $$
declare
    since timestamptz := clock_timestamp() - interval '60 seconds';
    until timestamptz := clock_timestamp() + interval '10 seconds';
begin
    if not exists (select from audit.event e where e.patient_key = p_patient_key and e.stream = p_stream and e.seq = p_seq
                   and e.kind = 'opened' and e.recorded_at between since and until
                   and signin.opens(p_key, p_patient_key, e.session)) then
        return;
    end if;
    return query
        select o.source, o.format, o.content, o.received_at, o.message_type
        from intake.original o
        where o.day = p_day and o.seq = p_original_seq
            and not exists (select from intake.withdrawn w where w.day = p_day and w.seq = p_original_seq)
            and exists (select from patient_index.member m
                        where m.patient_key = p_patient_key
                          and (m.identity_key = o.identity_key
                               or m.identity_key in (select r.identity_key from intake.replay r
                                                     where r.day = p_day and r.seq = p_original_seq)));
end $$;

create or replace function record.is_examined(p_patient_key bigint, p_stream int, p_seq bigint) returns boolean
language plpgsql stable security definer set search_path = '' as $$
declare
    since timestamptz := clock_timestamp() - interval '60 seconds';
    until timestamptz := clock_timestamp() + interval '10 seconds';
begin
    return exists (select from audit.event e where e.patient_key = p_patient_key and e.stream = p_stream and e.seq = p_seq
                   and e.kind = 'examined' and e.recorded_at between since and until);
end $$;
