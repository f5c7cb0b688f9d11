-- As it was: what is needed to make again the page that somebody saw at an instant, and to say who saw a statement.

-- What was known of an identity until something else was: written with the message that replaced it.
create table patient_index.earlier (
    patient_key bigint not null,
    identity_key bigint not null,
    seq bigint not null generated always as identity,
    until_at timestamptz not null,  -- when the message that replaced it was received
    nhs_number text collate "C",
    nhs_number_verified boolean not null,
    subject bytea not null,
    said_at timestamptz not null,
    primary key (patient_key, identity_key, seq)
);

-- Who ever joined a person from elsewhere: rare beside those who were theirs from the first.
create index judgement_joined on patient_index.judgement (to_person_key) where to_person_key <> patient_key;

-- What pages depend on besides the record and the event that witnessed them: the region's names and telephones, the
-- version of the program, the sentences of a decision. Each once, under its own hash, which stands in the event.
create table audit.circumstance (
    hash text collate "C" primary key,
    content text not null
);

-- A steward who makes a page again reads what was said of anybody who was ever part of that person, under a witness of
-- the kind `examined` that is younger than a minute.
create function record.is_examined(p_patient_key bigint, p_stream int, p_seq bigint) returns boolean
language plpgsql stable security definer set search_path = '' as $$
declare
    since timestamptz := clock_timestamp() - interval '60 seconds';
    until timestamptz := clock_timestamp() + interval '10 seconds';
begin
    return exists (select from audit.event e where e.patient_key = p_patient_key and e.stream = p_stream and e.seq = p_seq
                   and e.kind = 'examined' and e.recorded_at between since and until);
end $$;

create function record.read_examined(p_patient_key bigint, p_stream int, p_seq bigint, p_home_key bigint)
returns table (is_log boolean, identity_key bigint, source text, original_day date, original_seq bigint,
               received_at timestamptz, header bytea, body bytea)
language plpgsql stable security definer set search_path = '' as $$
begin
    if not record.is_examined(p_patient_key, p_stream, p_seq) then
        return;
    end if;
    if not exists (select from patient_index.judgement j
                   where j.patient_key = p_home_key and j.to_person_key = p_patient_key) then
        return;
    end if;
    return query
        select null::boolean, null::bigint, null::text, null::date, null::bigint, null::timestamptz, null::bytea, null::bytea;
    return query
        select false, null::bigint, null::text, null::date, null::bigint, null::timestamptz, c.header, c.body
        from record.chunk c where c.patient_key = p_home_key
        union all
        select true, l.identity_key, l.source, l.original_day, l.original_seq, l.received_at, l.header, l.body
        from record.log l where l.patient_key = p_home_key
            and exists (select from patient_index.judgement j
                        where j.patient_key = p_home_key and j.identity_key = l.identity_key
                          and j.to_person_key = p_patient_key);
end $$;

create function intake.read_original_examined(p_patient_key bigint, p_stream int, p_seq bigint, p_day date,
                                              p_original_seq bigint)
returns table (source text, format smallint, content bytea, received_at timestamptz, message_type text)
language plpgsql stable security definer set search_path = '' as $$
begin
    if not record.is_examined(p_patient_key, p_stream, p_seq) then
        return;
    end if;
    return query
        select o.source, o.format, o.content, o.received_at, o.message_type
        from intake.original o
        where o.day = p_day and o.seq = p_original_seq
            and (exists (select from patient_index.judgement j
                         where j.patient_key = o.patient_key and j.identity_key = o.identity_key
                           and j.to_person_key = p_patient_key)
                 or exists (select from intake.replay r
                            join patient_index.judgement j
                                on j.patient_key = r.patient_key and j.identity_key = r.identity_key
                            where r.day = p_day and r.seq = p_original_seq and j.to_person_key = p_patient_key));
end $$;

-- When originals that were not in the record at once came into it.
create function intake.list_recorded_later(p_days date[], p_seqs bigint[])
returns table (day date, seq bigint, at timestamptz)
language sql stable security definer set search_path = '' as $$
    select r.day, r.seq, r.at
    from unnest(p_days, p_seqs) o (day, seq)
    join intake.replay r on r.day = o.day and r.seq = o.seq
    where r.outcome = 'recorded'
$$;

-- About whom an original is: for whoever asks who saw what it said.
create function intake.find_whose(p_day date, p_seq bigint)
returns table (patient_key bigint, identity_key bigint, source text)
language sql stable security definer set search_path = '' as $$
    select coalesce(r.patient_key, o.patient_key), coalesce(r.identity_key, o.identity_key), o.source
    from intake.original o
    left join lateral (select * from intake.replay l where l.day = o.day and l.seq = o.seq and l.outcome = 'recorded'
                       order by l.attempt desc limit 1) r on true
    where o.day = p_day and o.seq = p_seq
$$;

revoke execute on function record.is_examined(bigint, int, bigint) from public;
revoke execute on function record.read_examined(bigint, int, bigint, bigint) from public;
revoke execute on function intake.read_original_examined(bigint, int, bigint, date, bigint) from public;
revoke execute on function intake.list_recorded_later(date[], bigint[]) from public;
revoke execute on function intake.find_whose(date, bigint) from public;
