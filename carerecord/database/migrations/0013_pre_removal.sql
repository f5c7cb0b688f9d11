-- Removal: what no reader is given any more, at once, until it is taken out everywhere; and the ledger of it, which holds
-- no content (decision record "Removal is withdrawn at once and rewritten after").

-- What of a person is withdrawn, under the key by which rows are found: 59 bytes an item, as record.withdrawn packs them.
-- It stands for ever: what is sent again under another number is withheld too, and taken out again.
create table record.withdrawal (
    patient_key bigint not null,
    removal bigint not null,
    what bytea not null,
    primary key (patient_key, removal)
);

-- Originals that nobody is given any more, and how their senders are answered when they send them again.
create table intake.withdrawn (
    day date not null,
    seq bigint not null,
    removal bigint not null,
    content_hash bytea not null check (octet_length(content_hash) = 16),
    outcome text collate "C" not null,
    received_at timestamptz not null,
    primary key (day, seq)
);
create index withdrawn_removal on intake.withdrawn (removal);

create table stewardship.removal (
    patient_key bigint not null,  -- under which the rows are found; 0: of messages that were nobody's yet
    id bigint not null,  -- the same for every patient of one decision
    authority text collate "C" not null,
    target text collate "C" not null,
    source text collate "C" not null,
    reason text not null,
    asked_by text not null,
    agreed_by text not null,
    withdrawn_at timestamptz not null,
    completed_at timestamptz,
    scrubbed_at timestamptz,  -- when the files that held it were written anew
    what text not null,  -- JSON: keys by which it is carried out, hashes by which it is proven
    counts text not null,  -- JSON
    primary key (patient_key, id),
    check (asked_by <> agreed_by)
);
create index removal_open on stewardship.removal (withdrawn_at) where completed_at is null;
create index removal_id on stewardship.removal (id);

-- As before; the first row now also says what is withdrawn, in the place of a header.
create or replace function record.read_witnessed(p_patient_key bigint, p_stream int, p_seq bigint, p_home_key bigint)
returns table (is_log boolean, seq bigint, identity_key bigint, source text, original_day date, original_seq bigint,
               received_at timestamptz, header bytea, body bytea)
language plpgsql stable security definer set search_path = '' as $$
begin
    if not exists (select from audit.event e where e.patient_key = p_patient_key and e.stream = p_stream and e.seq = p_seq
                   and e.kind = 'opened' and e.recorded_at between clock_timestamp() - interval '60 seconds'
                                              and clock_timestamp() + interval '10 seconds') then
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

-- As before, and never an original that is withdrawn.
create or replace function intake.read_original_witnessed(p_patient_key bigint, p_stream int, p_seq bigint, p_day date,
                                                          p_original_seq bigint)
returns table (source text, format smallint, content bytea, received_at timestamptz, message_type text)
language plpgsql stable security definer set search_path = '' as $$
begin
    if not exists (select from audit.event e where e.patient_key = p_patient_key and e.stream = p_stream and e.seq = p_seq
                   and e.kind = 'opened' and e.recorded_at between clock_timestamp() - interval '60 seconds'
                                              and clock_timestamp() + interval '10 seconds') then
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

-- The same two for a steward who makes a page again.
create or replace function record.read_examined(p_patient_key bigint, p_stream int, p_seq bigint, p_home_key bigint)
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
        select null::boolean, null::bigint, null::text, null::date, null::bigint, null::timestamptz,
               (select string_agg(w.what, ''::bytea) from record.withdrawal w where w.patient_key = p_home_key), null::bytea;
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

create or replace function intake.read_original_examined(p_patient_key bigint, p_stream int, p_seq bigint, p_day date,
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
            and not exists (select from intake.withdrawn w where w.day = p_day and w.seq = p_original_seq)
            and (exists (select from patient_index.judgement j
                         where j.patient_key = o.patient_key and j.identity_key = o.identity_key
                           and j.to_person_key = p_patient_key)
                 or exists (select from intake.replay r
                            join patient_index.judgement j
                                on j.patient_key = r.patient_key and j.identity_key = r.identity_key
                            where r.day = p_day and r.seq = p_original_seq and j.to_person_key = p_patient_key));
end $$;

-- Takes out the originals that one removal withdrew, and what later attempts at them came to. Whoever may call this can
-- remove nothing that was not withdrawn, and reads nothing. An original whose bytes are not those withdrawn stays.
create function intake.remove_withdrawn(p_removal bigint) returns int
language plpgsql security definer set search_path = '' as $$
declare
    removed int;
begin
    delete from intake.replay r using intake.withdrawn w, intake.original o
    where w.removal = p_removal and r.day = w.day and r.seq = w.seq
        and o.day = w.day and o.seq = w.seq and o.content_hash = w.content_hash;
    delete from intake.original o using intake.withdrawn w
    where w.removal = p_removal and o.day = w.day and o.seq = w.seq and o.content_hash = w.content_hash;
    get diagnostics removed = row_count;
    return removed;
end $$;
revoke execute on function intake.remove_withdrawn(bigint) from public;

-- Withdraws originals that brought back, under another number, what one removal took out. Not those that a removal names:
-- a misfiled one that waits for its right person must not be lost by being filed wrongly again.
create function intake.withdraw_returned(p_removal bigint, p_patient_key bigint, p_days date[], p_seqs bigint[]) returns int
language plpgsql security definer set search_path = '' as $$
declare
    withdrawn int;
begin
    insert into intake.withdrawn (day, seq, removal, content_hash, outcome, received_at)
    select o.day, o.seq, p_removal, o.content_hash, o.outcome, o.received_at
    from unnest(p_days, p_seqs) g (day, seq)
    join intake.original o on o.day = g.day and o.seq = g.seq
    where exists (select from stewardship.removal r where r.patient_key = p_patient_key and r.id = p_removal)
        and not exists (select from stewardship.removal r where r.patient_key = p_patient_key
                        and pg_catalog.strpos(r.what, '"' || pg_catalog.to_char(g.day, 'YYYYMMDD') || '-' || g.seq || '"') > 0)
    on conflict (day, seq) do nothing;
    get diagnostics withdrawn = row_count;
    return withdrawn;
end $$;
revoke execute on function intake.withdraw_returned(bigint, bigint, date[], bigint[]) from public;
