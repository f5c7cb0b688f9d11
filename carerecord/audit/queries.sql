-- :name lease_stream
-- The lowest stream that no other process holds; it is held until this session ends, and continued after a crash.
select n from generate_series(1, 1024) n
where case when exists (select from audit.stream s where s.stream = n and s.is_retired) then false
           else pg_try_advisory_lock(1635083369, n) end
limit 1

-- :name wait_for_disk
-- An event is durable when its commit returns, whatever this server's default is.
set synchronous_commit = on

-- :name begin_stream
-- The head of a stream that was never written to.
insert into audit.stream (stream, head_seq, head_hash) values ($1, 0, $2) on conflict (stream) do nothing

-- :name read_head
-- Where a stream ends.
select head_seq, head_hash from audit.stream where stream = $1

-- :name append_events
-- A batch of one stream and its new head in one statement; nothing, if the head is not where the writer left it.
with moved as (
    update audit.stream set head_seq = $3, head_hash = $5
    where stream = $1 and head_seq = $2 and head_hash = $4
    returning stream
)
insert into audit.event
    (patient_key, stream, seq, recorded_at, kind, purpose, own_evidence, about_seq, about_stream, snapshot, detail, route,
     session, asked_at, is_own, manner, grounds, hash)
select e.patient_key, m.stream, $2 + e.nth, $6, e.kind, e.purpose, e.own_evidence, e.about_seq, e.about_stream, e.snapshot,
       e.detail, e.route, e.session, e.asked_at, e.is_own, e.manner, e.grounds, e.hash
from moved m
cross join unnest($7::audit.entered[]) with ordinality
    e (patient_key, kind, purpose, own_evidence, about_seq, about_stream, snapshot, detail, route, session, asked_at,
       is_own, manner, grounds, hash, nth)

-- :name append_events_and_texts
-- The same with texts that this stream has not said yet in this month.
with moved as (
    update audit.stream set head_seq = $3, head_hash = $5
    where stream = $1 and head_seq = $2 and head_hash = $4
    returning stream
), told as (
    insert into audit.text (patient_key, digest, stream, month, said)
    select t.patient_key, t.digest, m.stream, date_trunc('month', $6::timestamptz at time zone 'UTC')::date, t.said
    from moved m
    cross join unnest($8::audit.told[]) t (patient_key, digest, said)
    on conflict do nothing
)
insert into audit.event
    (patient_key, stream, seq, recorded_at, kind, purpose, own_evidence, about_seq, about_stream, snapshot, detail, route,
     session, asked_at, is_own, manner, grounds, hash)
select e.patient_key, m.stream, $2 + e.nth, $6, e.kind, e.purpose, e.own_evidence, e.about_seq, e.about_stream, e.snapshot,
       e.detail, e.route, e.session, e.asked_at, e.is_own, e.manner, e.grounds, e.hash
from moved m
cross join unnest($7::audit.entered[]) with ordinality
    e (patient_key, kind, purpose, own_evidence, about_seq, about_stream, snapshot, detail, route, session, asked_at,
       is_own, manner, grounds, hash, nth)

-- :name read_heads
-- Where each stream says it ends.
select stream, head_seq, head_hash, is_retired from audit.stream where $1::int is null or stream = $1 order by stream

-- :name read_events
-- Every event in the order of its chain; columns as they are hashed, the hash last. As `witness`: each text met once.
select e.patient_key, e.stream, e.seq, e.recorded_at, e.kind, coalesce(e.staff, m.said[1]), e.purpose,
       coalesce(e.evidence, g.said[1]), coalesce(e.decision, m.said[2]), e.about_seq, e.snapshot, e.detail, e.route,
       e.session, e.asked_at, e.about_stream, e.manner, e.grounds, e.hash
from audit.entry e
left join audit.text m on m.patient_key = case when e.is_own then e.patient_key else 0 end and m.digest = e.manner
    and m.stream = e.stream and m.month = date_trunc('month', e.recorded_at at time zone 'UTC')::date
left join audit.text g on g.patient_key = e.patient_key and g.digest = e.grounds
    and g.stream = e.stream and g.month = date_trunc('month', e.recorded_at at time zone 'UTC')::date
where $1::int is null or e.stream = $1
order by e.stream, e.seq, e.patient_key


-- :name read_events_of_patient
-- Events about one person, in order of time; columns as stored.
select patient_key, stream, seq, recorded_at, kind, staff, purpose, evidence, decision, about_seq, snapshot, detail,
       route, session, asked_at, about_stream, manner, grounds, hash
from audit.event
where patient_key = $1 and recorded_at >= coalesce($2::timestamptz, '-infinity')
    and recorded_at < coalesce($3::timestamptz, 'infinity') and ($4::text[] is null or kind = any ($4))
order by recorded_at, stream, seq
limit $5

-- :name read_events_of_time
-- Events about anybody, in order of time; columns as stored.
select patient_key, stream, seq, recorded_at, kind, staff, purpose, evidence, decision, about_seq, snapshot, detail,
       route, session, asked_at, about_stream, manner, grounds, hash
from audit.event
where recorded_at >= coalesce($1::timestamptz, '-infinity') and recorded_at < coalesce($2::timestamptz, 'infinity')
    and ($3::text[] is null or kind = any ($3))
order by recorded_at, stream, seq
limit $4

-- :name find_event
-- One event by its place in its stream.
select patient_key, stream, seq, recorded_at, kind, staff, purpose, evidence, decision, about_seq, snapshot, detail,
       route, session, asked_at, about_stream, manner, grounds, hash
from audit.event where stream = $1 and seq = $2 limit 1

-- :name follow_events
-- What each stream holds behind its mark: whole, since a stream's batches are committed one after the other.
select e.*
from audit.stream s
left join unnest($1::int[], $2::bigint[]) mark (stream, seq) on mark.stream = s.stream
cross join lateral (
    select patient_key, stream, seq, recorded_at, kind, staff, purpose, evidence, decision, about_seq, snapshot, detail,
           route, session, asked_at, about_stream, manner, grounds, hash
    from audit.event
    where stream = s.stream and seq > coalesce(mark.seq, 0) and seq <= s.head_seq
    order by seq limit $3
) e
order by e.recorded_at, e.stream, e.seq

-- :name read_events_witnessed
-- A page of the audit, newest first, if it was written down in this minute that it is read.
select patient_key, stream, seq, recorded_at, kind, staff, purpose, evidence, decision, about_seq, snapshot, detail,
       route, session, asked_at, about_stream, hash
from audit.read_witnessed($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)

-- :name read_stretch
-- Events of one stream from one number to another, in order; columns as they are hashed, the hash last. Of texts that
-- stand beside it an event holds the digests, which are what is hashed.
select patient_key, stream, seq, recorded_at, kind, case when manner is null then staff end, purpose,
       case when manner is null then evidence else own_evidence end, case when manner is null then decision end,
       about_seq, snapshot, detail, route, session, asked_at, about_stream, manner, grounds, hash
from audit.event
where stream = $1 and seq between $2 and $3
order by seq, patient_key

-- :name read_last_seal
-- The newest seal that the database has a copy of.
select number, at, size, root, signed from audit.seal order by number desc limit 1

-- :name keep_seal
-- A copy of a seal, for those who may not see the folder.
insert into audit.seal (number, at, size, root, signed) values ($1, $2, $3, $4, $5) on conflict (number) do nothing

-- :name retire_streams
-- After a restore: no stream is continued, since it may have been sealed further than the backup knows.
update audit.stream set is_retired = true where head_seq > 0

-- :name read_policy
-- The version of the policy that was served last.
select version from audit.policy order by last_at desc limit 1

-- :name keep_policy
-- This version of the policy is served now.
insert into audit.policy (version, first_at, last_at) values ($1, $2, $2)
on conflict (version) do update set last_at = excluded.last_at

-- :name list_asked
-- What was decided in a time, counted by everything that a decision depends on; who was looked at is not among it.
with decided as (
    select staff::jsonb as staff, case when evidence like '{%' then evidence::jsonb end as evidence, purpose, route,
           kind = 'opened' as was_opened
    from audit.event
    where kind in ('opened', 'refused') and patient_key <> 0 and staff like '{%' and recorded_at >= $1 and recorded_at < $2
)
select coalesce(staff ->> 'role', '') as role, coalesce(staff ->> 'organisation', '') as organisation,
       coalesce((staff ->> 'assurance')::int, 0) as assurance,
       array(select jsonb_array_elements_text(coalesce(staff -> 'activities', '[]'))) as activities,
       case when evidence ->> 'kind' in ('declared', 'emergency') and coalesce(evidence ->> 'reason', '') = ''
            then case route when 'launch' then 'launch' else 'none' end
            else coalesce(evidence ->> 'kind', 'none') end as evidence,
       purpose, route, was_opened, count(*)::bigint as looks
from decided
group by 1, 2, 3, 4, 5, 6, 7, 8
order by looks desc, 1, 2, 5, 7

-- :name has_seals
-- Whether the database has a copy of any seal.
select exists (select from audit.seal)

-- :name find_seals_from
-- The first seals that are not older than an event, with the one before them.
select signed from audit.seal
where number >= coalesce((select max(number) from audit.seal where at < $1), 0)
order by number limit 4

-- :name read_hashes
-- The hashes of a stretch of one stream, in order.
select hash from audit.event where stream = $1 and seq between $2 and $3 order by seq
