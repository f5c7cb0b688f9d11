-- SQL of the room intake.

-- :name take_numbers
-- Numbers for originals, many at a time; those unused when a process ends stay unused.
select nextval('intake.original_seq') as seq from generate_series(1, $1)

-- :name keep
-- A batch in one statement, so that it is kept whole or not at all whether or not a transaction is open: originals with
-- their outcome, the keys that make one message of those sent twice (one that is there already takes all back), newer
-- demographics of patients who are known, those that they replace, who is involved in their care (never by an older word
-- on the same item), and what was said. The rooms patient_index and record say what their rows hold.
with given as (
    select * from unnest($1::intake.arriving[])
), kept as (
    insert into intake.original (day, seq, source, control_id, format, content, content_hash, received_at, outcome,
                                 message_type, problems, patient_key, identity_key)
    select day, seq, source, control_id, format, content, content_hash, received_at, outcome, message_type, problems,
           patient_key, identity_key
    from given
), keyed as (
    insert into intake.message_key (source, control_id, content_hash, day, seq)
    select source, control_id, content_hash, day, seq from given order by source, control_id, content_hash
), heard as (
    update patient_index.identity i
    set subject = n.subject, said_at = n.said_at
    from unnest($2::patient_index.newer[]) n
    where i.patient_key = n.patient_key and i.identity_key = n.identity_key
        and (i.said_at <= n.said_at or position('"is_copy":true'::bytea in i.subject) > 0)
), replaced as (
    insert into patient_index.earlier (patient_key, identity_key, until_at, nhs_number, nhs_number_verified, subject, said_at)
    select i.patient_key, i.identity_key, r.until_at, i.nhs_number, i.nhs_number_verified, i.subject, i.said_at
    from unnest($4::bigint[], $5::bigint[], $6::timestamptz[]) r (patient_key, identity_key, until_at)
    join patient_index.identity i on i.patient_key = r.patient_key and i.identity_key = r.identity_key
), involved as (
    insert into patient_index.relationship as r
        (patient_key, identity_key, organisation, kind, source, local_id, since, until, standing, said_at)
    select * from unnest($7::patient_index.involved[])
    on conflict (patient_key, organisation, kind, source, local_id) do update
    set identity_key = excluded.identity_key, since = excluded.since, until = excluded.until,
        standing = excluded.standing, said_at = excluded.said_at
    where excluded.said_at >= r.said_at
)
insert into record.log
    (patient_key, identity_key, source, original_day, original_seq, received_at, statement_count, header, body)
select * from unnest($3::record.appended[])

-- :name keep_key
-- The key of an original under the source that it turned out to be from.
insert into intake.message_key (source, control_id, content_hash, day, seq) values ($1, $2, $3, $4, $5)
on conflict do nothing
returning seq

-- :name find_key
-- Which original a key belongs to.
select day, seq from intake.message_key where source = $1 and control_id = $2 and content_hash = $3

-- :name find_first
-- What became of messages that were sent before: of the original, or of its last replay. One that was lawfully removed is
-- answered as it was at first, and nothing of it is kept again.
select k.source, k.control_id, k.content_hash, k.day, k.seq, coalesce(w.outcome, r.outcome, o.outcome) as outcome,
       case when w.seq is not null then null when r.outcome is null then o.problems else r.problems end as problems,
       case when w.seq is not null then null when r.outcome is null then o.patient_key else r.patient_key end
           as patient_key,
       case when w.seq is not null then null when r.outcome is null then o.identity_key else r.identity_key end
           as identity_key,
       coalesce(o.received_at, w.received_at) as received_at
from unnest($1::text[], $2::text[], $3::bytea[]) as g(source, control_id, content_hash)
join intake.message_key k on k.source = g.source and k.control_id = g.control_id and k.content_hash = g.content_hash
left join intake.original o on o.day = k.day and o.seq = k.seq
left join intake.withdrawn w on w.day = k.day and w.seq = k.seq
left join lateral (select l.outcome, l.problems, l.patient_key, l.identity_key from intake.replay l
                   where l.day = k.day and l.seq = k.seq and o.outcome <> 'recorded'
                   order by l.attempt desc limit 1) r on true
where o.seq is not null or w.seq is not null

-- :name list_unsettled
-- Originals that are not in the record yet, oldest first, with the outcome of their last attempt.
select o.day, o.seq, o.source, o.control_id, o.format, o.message_type, o.received_at,
       coalesce(r.outcome, o.outcome) as outcome,
       case when r.outcome is null then o.problems else r.problems end as problems, coalesce(r.attempt, 0) as attempts
from intake.original o
left join lateral (select l.outcome, l.problems, l.attempt from intake.replay l
                   where l.day = o.day and l.seq = o.seq order by l.attempt desc limit 1) r on true
where o.outcome <> 'recorded' and coalesce(r.outcome, o.outcome) not in ('recorded', 'kept')
    and not exists (select from intake.withdrawn w where w.day = o.day and w.seq = o.seq)
    and ($1::text is null or coalesce(r.outcome, o.outcome) = $1)
    and ($2::text is null or o.source = $2)
    and ($3::timestamptz is null or (o.day >= ($3 at time zone 'UTC')::date and o.received_at >= $3))
order by o.day, o.seq
limit $4

-- :name find_original
-- One original as it is kept; nobody is given one that is withdrawn.
select day, seq, source, control_id, format, content, content_hash, received_at, outcome, message_type, problems, patient_key,
       identity_key
from intake.original o
where day = $1 and seq = $2 and not exists (select from intake.withdrawn w where w.day = o.day and w.seq = o.seq)

-- :name list_replays
-- The later attempts at one original, first to last.
select attempt, at, outcome, problems, patient_key, identity_key from intake.replay where day = $1 and seq = $2 order by attempt

-- :name lock_original
-- One replay of an original at a time; held until the end of the transaction.
select pg_advisory_xact_lock(hashtextextended('original ' || $1::date || ' ' || $2::bigint, 0))

-- :name insert_replay
-- A later attempt at an original.
insert into intake.replay (day, seq, attempt, at, outcome, problems, patient_key, identity_key)
values ($1, $2, $3, $4, $5, $6, $7, $8)

-- :name involve
-- Who is involved in a person's care, by a message that was translated again: nothing that was said since is undone.
insert into patient_index.relationship as r
    (patient_key, identity_key, organisation, kind, source, local_id, since, until, standing, said_at)
select * from unnest($1::patient_index.involved[])
on conflict (patient_key, organisation, kind, source, local_id) do update
set identity_key = excluded.identity_key, since = excluded.since, until = excluded.until,
    standing = excluded.standing, said_at = excluded.said_at
where excluded.said_at > r.said_at

-- :name find_kept_originals
-- Originals as they are kept, for those who decide what is to be removed, with the outcome of their last attempt.
select o.day, o.seq, o.source, o.control_id, o.format, o.content, o.content_hash, o.received_at,
       coalesce(r.outcome, o.outcome) as outcome, coalesce(r.identity_key, o.identity_key) as identity_key,
       coalesce(r.patient_key, o.patient_key) as patient_key
from unnest($1::date[], $2::bigint[]) g (day, seq)
join intake.original o on o.day = g.day and o.seq = g.seq
left join lateral (select l.outcome, l.patient_key, l.identity_key from intake.replay l
                   where l.day = o.day and l.seq = o.seq order by l.attempt desc limit 1) r on true

-- :name find_originals_of_identities
-- Every original that was ever attributed to one of these identities: it reads the whole inbox, as a removal may.
select day, seq from intake.original where identity_key = any ($1::bigint[])
union
select day, seq from intake.replay where identity_key = any ($1::bigint[])

-- :name find_unattributed
-- Originals of a source that are nobody's, or only tried to be.
select o.day, o.seq, o.content
from intake.original o
where o.source = $1 and o.outcome <> 'recorded'
    and not exists (select from intake.replay r where r.day = o.day and r.seq = o.seq and r.identity_key is not null)
    and not exists (select from intake.withdrawn w where w.day = o.day and w.seq = o.seq)
order by o.day, o.seq

-- :name withdraw_originals
-- From its commit on nobody is given these. A misfiled one that was given back may be withdrawn again.
insert into intake.withdrawn (day, seq, removal, content_hash, outcome, received_at)
select * from unnest($1::date[], $2::bigint[], $3::bigint[], $4::bytea[], $5::text[], $6::timestamptz[])
on conflict (day, seq) do nothing

-- :name give_back
-- An original that was filed under the wrong person waits again for whose it is. Its bytes stay as they came.
update intake.original set outcome = 'waiting', patient_key = null, identity_key = null, problems = $3
where day = $1 and seq = $2

-- :name give_back_attempts
-- What earlier attempts at it came to no longer says whose it is.
update intake.replay set outcome = 'waiting', patient_key = null, identity_key = null, problems = $3
where day = $1 and seq = $2 and identity_key is not null

-- :name remember_keys
-- After a restore: by what messages are known that were removed since the backup, so that none is kept again.
insert into intake.message_key (source, control_id, content_hash, day, seq)
select * from unnest($1::text[], $2::text[], $3::bytea[], $4::date[], $5::bigint[])
on conflict do nothing

-- :name pass_numbers
-- After a restore: no new original may get the number of one that was removed.
select setval('intake.original_seq', greatest($1::bigint, (select last_value from intake.original_seq)))

-- :name remove_withdrawn
-- Takes out the originals that one removal withdrew.
select intake.remove_withdrawn($1)

-- :name every_original
-- Every original there is, or every one of a source.
select day, seq, source, control_id, format, content, received_at, message_type
from intake.original where $1::text is null or source = $1
order by day, seq

-- :name find_patient
-- Whose message it was taken for, last: under which key, and which of their identities.
select t.patient_key, t.identity_key
from (select o.patient_key, o.identity_key, 0 as attempt from intake.original o where o.day = $1 and o.seq = $2
      union all
      select r.patient_key, r.identity_key, r.attempt from intake.replay r where r.day = $1 and r.seq = $2) t
where t.patient_key is not null
order by t.attempt desc limit 1

-- :name note_lists
-- By which lists what comes in from now on is labelled, unless they are the same as before.
insert into intake.labelling (at, lists, is_pass)
select $1, $2, false
where $2 is distinct from (select l.lists from intake.labelling l where not l.is_pass order by l.at desc limit 1)
on conflict (at) do nothing

-- :name is_labelled_otherwise
-- Whether anything came in under other lists than these and was not labelled again by these since.
select exists (
    select from intake.labelling l
    where not l.is_pass and l.lists <> $1
        and not exists (select from intake.labelling p
                        where p.is_pass and p.lists = $1 and p.finished_at is not null and p.at > l.at)
)

-- :name begin_pass
-- A pass over everybody; one that was broken off, with the same lists and the same leave, goes on where it ended.
with broken as (
    select at, up_to from intake.labelling
    where is_pass and lists = $2 and lowers = $3 and finished_at is null order by at desc limit 1
), begun as (
    insert into intake.labelling (at, lists, is_pass, lowers)
    select $1, $2, true, $3 where not exists (select from broken)
    returning at, up_to
)
select at, up_to from broken union all select at, up_to from begun

-- :name note_pass
-- How far a pass has come; with a time, that it has ended.
update intake.labelling set up_to = $2, finished_at = $3, counts = $4 where at = $1

-- :name list_keys_after
-- The next keys under which anything is kept.
select patient_key from (
    (select distinct c.patient_key from record.chunk c where c.patient_key > $1 order by c.patient_key limit $2)
    union
    (select distinct l.patient_key from record.log l where l.patient_key > $1 order by l.patient_key limit $2)
) k order by patient_key limit $2
