-- :name lease_stream
-- The lowest stream that no other process holds; it is held until this session ends, and continued after a crash.
select n from generate_series(1, 1024) n where pg_try_advisory_lock(1635083369, n) limit 1

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
    (patient_key, stream, seq, recorded_at, kind, staff, purpose, evidence, decision, about_seq, snapshot, detail,
     route, session, hash)
select e.patient_key, m.stream, $2 + e.nth, $6, e.kind, e.staff, e.purpose, e.evidence, e.decision, e.about_seq,
       e.snapshot, e.detail, e.route, e.session, e.hash
from moved m
cross join unnest($7::audit.written[]) with ordinality
    e (patient_key, kind, staff, purpose, evidence, decision, about_seq, snapshot, detail, route, session, hash, nth)

-- :name read_heads
-- Where each stream says it ends.
select stream, head_seq, head_hash from audit.stream where $1::int is null or stream = $1 order by stream

-- :name read_events
-- Every event in the order of its chain; columns as they are hashed, the hash last.
select patient_key, stream, seq, recorded_at, kind, staff, purpose, evidence, decision, about_seq, snapshot, detail,
       route, session, hash
from audit.event
where $1::int is null or stream = $1
order by stream, seq, patient_key
