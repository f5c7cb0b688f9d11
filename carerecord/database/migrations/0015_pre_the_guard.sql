-- The guard: a session ends when it is not used, knows the launch and the sign-in that it came by, and is what opens the
-- record. Whoever serves may keep sessions and tokens and cannot list them: each is found by the hash of its secret alone,
-- so that what a hole in a mouth can ask opens nothing (docs/security/asvs.md, 8.2 and 8.4).
alter table signin.session
    add column used_at timestamptz,  -- by a person: a page that asks for itself again is not used by that
    add column launch text collate "C" not null default '',  -- the jti of the launch that it came by
    add column provider_session text collate "C" not null default '';  -- the sign-in provider's own session (sid)
update signin.session set used_at = created_at;
alter table signin.session alter column used_at set not null;
create index session_id on signin.session (id);
create index session_by_launch on signin.session (issuer, launch) where launch <> '';

-- What opens the record of one person: an open session that is theirs, a
-- session of the desk that answers what people ask of their own record, or a program's token; and the event must be its.
create function signin.opens(p_key bytea, p_patient_key bigint, p_session text) returns boolean
language sql stable as $$
    select exists (select from signin.session s
                   where s.token_hash = p_key and s.id = p_session and s.closed_at is null
                       and (s.patient_key = p_patient_key
                            or (s.patient_key is null and s.staff::jsonb ->> 'role'
                                in ('records-manager', 'caldicott-guardian'))))
        or exists (select from signin.token t
                   where t.token_hash = p_key and p_session = 'token-' || left(encode(p_key, 'hex'), 16))
$$;
revoke execute on function signin.opens(bytea, bigint, text) from public;

create function signin.find_session(p_key bytea, p_at timestamptz, p_idle interval)
returns table (token_hash bytea, id text, staff text, patient_key bigint, evidence text, purpose text, route text,
               created_at timestamptz, expires_at timestamptz, used_at timestamptz, parent_id text, issuer text,
               emergency text, emergency_until timestamptz, cuts text[])
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
        select s.token_hash, s.id, s.staff, s.patient_key, s.evidence, s.purpose, s.route, s.created_at, s.expires_at,
               s.used_at, s.parent_id, s.issuer, e.evidence, e.until,
               array(select w.kind || ' ' || w.name from signin.switch w)
        from signin.session s
        left join signin.emergency e
            on e.patient_key = s.patient_key and e.until > p_at and e.ended_at is null
            and e.user_id = s.staff::jsonb ->> 'user_id' and e.organisation = s.staff::jsonb ->> 'organisation'
            and e.role = s.staff::jsonb ->> 'role'
        where s.token_hash = p_key and s.closed_at is null and s.expires_at > p_at and s.used_at > p_at - p_idle;
end $$;

create function signin.find_sessions(p_keys bytea[], p_drawn timestamptz[], p_at timestamptz, p_idle interval)
returns table (token_hash bytea, staff text, route text, issuer text, cuts text[], is_restricted boolean)
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
        select s.token_hash, s.staff, s.route, s.issuer, array(select w.kind || ' ' || w.name from signin.switch w),
               exists (
                   select from stewardship.objection o
                   where o.patient_key in (select s.patient_key union all
                                           select m.home_key from patient_index.member m where m.patient_key = s.patient_key)
                       and o.state in ('weighed', 'upheld') and coalesce(o.decided_at, o.received_at) > p.drawn_at)
        from unnest(p_keys, p_drawn) p (token_hash, drawn_at)
        join signin.session s on s.token_hash = p.token_hash
        where s.closed_at is null and s.expires_at > p_at and s.used_at > p_at - p_idle;
end $$;

-- A person used it: it, and the staff session that it was opened from.
create function signin.use_session(p_key bytea, p_at timestamptz) returns void
language plpgsql security definer set search_path = '' as $$
begin
    update signin.session s set used_at = p_at where s.token_hash = p_key and s.closed_at is null and s.used_at < p_at;
    update signin.session s set used_at = p_at
    where s.id = (select c.parent_id from signin.session c where c.token_hash = p_key)
        and s.closed_at is null and s.used_at < p_at;
end $$;

create function signin.give_reason(p_key bytea, p_evidence text) returns void
language plpgsql security definer set search_path = '' as $$
begin
    update signin.session s set evidence = p_evidence where s.token_hash = p_key and s.closed_at is null;
end $$;

-- Ends one session; a staff session takes every chart along that was opened from it.
create function signin.close_session(p_key bytea, p_at timestamptz, p_because text) returns void
language plpgsql security definer set search_path = '' as $$
begin
    update signin.session s set closed_at = p_at, closed_because = p_because
    where s.token_hash = p_key and s.closed_at is null;
    update signin.session s set closed_at = p_at, closed_because = p_because
    where s.parent_id = (select c.id from signin.session c where c.token_hash = p_key and c.patient_key is null)
        and s.closed_at is null;
end $$;

-- Ends what one launch opened: its host closed the record there, or turned to somebody else.
create function signin.close_launch(p_issuer text, p_launch text, p_at timestamptz, p_because text)
returns table (id text, staff text, patient_key bigint)
language plpgsql security definer set search_path = '' as $$
begin
    update signin.arrival a set used_at = p_at, content = ''
    where a.issuer = p_issuer and a.jti = p_launch and a.used_at is null;
    return query
        update signin.session s set closed_at = p_at, closed_because = p_because
        where s.issuer = p_issuer and s.launch = p_launch and s.launch <> '' and s.closed_at is null
        returning s.id, s.staff, s.patient_key;
end $$;

-- Ends what somebody opened by one session of the sign-in provider, or by all of theirs; with it every chart.
create function signin.close_signed_in(p_provider_session text, p_user_id text, p_at timestamptz, p_because text)
returns table (id text, staff text)
language plpgsql security definer set search_path = '' as $$
begin
    return query
        with ended as (
            select s.id from signin.session s
            where s.closed_at is null and s.patient_key is null and s.route = 'sign-in'
                and (p_provider_session = '' or s.provider_session = p_provider_session)
                and (p_user_id = '' or s.staff::jsonb ->> 'user_id' = p_user_id)
                and (p_provider_session <> '' or p_user_id <> '')
        )
        update signin.session s set closed_at = p_at, closed_because = p_because
        from ended where s.closed_at is null and (s.id = ended.id or s.parent_id = ended.id)
        returning s.id, s.staff;
end $$;

create function signin.find_token(p_key bytea, p_at timestamptz)
returns table (staff text, scope text, expires_at timestamptz, cuts text[])
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
        select t.staff, t.scope, t.expires_at, array(select w.kind || ' ' || w.name from signin.switch w)
        from signin.token t where t.token_hash = p_key and t.expires_at > p_at;
end $$;

revoke execute on function signin.find_session(bytea, timestamptz, interval) from public;
revoke execute on function signin.find_sessions(bytea[], timestamptz[], timestamptz, interval) from public;
revoke execute on function signin.use_session(bytea, timestamptz) from public;
revoke execute on function signin.give_reason(bytea, text) from public;
revoke execute on function signin.close_session(bytea, timestamptz, text) from public;
revoke execute on function signin.close_launch(text, text, timestamptz, text) from public;
revoke execute on function signin.close_signed_in(text, text, timestamptz, text) from public;
revoke execute on function signin.find_token(bytea, timestamptz) from public;

-- As before, and besides: the event is of the session whose key is shown, and that session is of this person.
drop function record.read_witnessed(bigint, int, bigint, bigint);
create function record.read_witnessed(p_patient_key bigint, p_stream int, p_seq bigint, p_home_key bigint, p_key bytea)
returns table (is_log boolean, seq bigint, identity_key bigint, source text, original_day date, original_seq bigint,
               received_at timestamptz, header bytea, body bytea)
language plpgsql stable security definer set search_path = '' as $$
begin
    if not exists (select from audit.event e where e.patient_key = p_patient_key and e.stream = p_stream and e.seq = p_seq
                   and e.kind = 'opened' and e.recorded_at between clock_timestamp() - interval '60 seconds'
                                              and clock_timestamp() + interval '10 seconds'
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
revoke execute on function record.read_witnessed(bigint, int, bigint, bigint, bytea) from public;

drop function intake.read_original_witnessed(bigint, int, bigint, date, bigint);
create function intake.read_original_witnessed(p_patient_key bigint, p_stream int, p_seq bigint, p_day date,
                                               p_original_seq bigint, p_key bytea)
returns table (source text, format smallint, content bytea, received_at timestamptz, message_type text)
language plpgsql stable security definer set search_path = '' as $$
begin
    if not exists (select from audit.event e where e.patient_key = p_patient_key and e.stream = p_stream and e.seq = p_seq
                   and e.kind = 'opened' and e.recorded_at between clock_timestamp() - interval '60 seconds'
                                              and clock_timestamp() + interval '10 seconds'
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
revoke execute on function intake.read_original_witnessed(bigint, int, bigint, date, bigint, bytea) from public;
