-- :name keep_dictionary
-- A dictionary is kept for ever under its number; one that stands there already is left as it is.
insert into record.dictionary (id, content, trained_on, created_at) values ($1, $2, $3, $4) on conflict (id) do nothing

-- :name read_dictionaries
-- Every dictionary with which anything may have been packed.
select id, content from record.dictionary order by id

-- :name append_rows
-- One row for each message, all in one statement, in the order given.
insert into record.log
    (patient_key, identity_key, source, original_day, original_seq, received_at, statement_count, header, body)
select * from unnest($1::record.appended[])

-- :name read_witnessed
-- Everything kept under one key for a person, if the witness stands and the key is shown of whom it is of: its first row then says so by a null, and holds in
-- its header what is withdrawn.
select is_log, identity_key, source, original_day, original_seq, received_at, header, body
from record.read_witnessed($1, $2, $3, $4, $5)

-- :name read_original_witnessed
-- One original of a person, if the witness stands and it is about one of their identities.
select source, format, content, received_at, message_type
from intake.read_original_witnessed($1, $2, $3, $4, $5, $6)

-- :name find_removed
-- When a message of a person was lawfully removed; null if it was not.
select intake.find_removed($1, $2, $3)

-- :name find_stretch_end
-- The patient with whom a stretch of so many rows of the log ends, in the order of its key; none if the log ends before.
select patient_key from record.log where patient_key > $1 order by patient_key limit 1 offset $2

-- :name pick_patients
-- In one stretch of the log: patients whose pending rows are many, or whose oldest has waited long.
with pending as (
    select patient_key, count(*) as row_count, min(seq) as oldest from record.log
    where patient_key > $4 and patient_key <= $5
    group by patient_key
)
select p.patient_key from pending p
where p.row_count >= $1
    or (select l.received_at from record.log l where l.patient_key = p.patient_key and l.seq = p.oldest) <= $2
order by p.patient_key
limit $3

-- :name lock_patient
-- One fold of a patient at a time. A fold lost in a crash is made again from rows still there, so its commit need not wait.
select pg_try_advisory_xact_lock($1), set_config('synchronous_commit', 'off', true)

-- :name take_rows
-- Takes rows out of the log: exactly those returned, so that what is appended meanwhile is never lost.
with taken as (
    delete from record.log
    where patient_key = $1 and seq in (select seq from record.log where patient_key = $1 order by seq limit $2)
    returning seq, identity_key, source, original_day, original_seq, received_at, header, body
)
select * from taken order by seq

-- :name read_open_parts
-- The last part of each of these headings and periods: the only one that may still grow.
select c.heading, c.period, c.part, c.header, c.body
from unnest($2::smallint[], $3::smallint[]) wanted (heading, period)
cross join lateral (
    select * from record.chunk k
    where k.patient_key = $1 and k.heading = wanted.heading and k.period = wanted.period
    order by k.part desc limit 1
) c

-- :name write_parts
-- A part that is new, or has grown.
insert into record.chunk (patient_key, heading, period, part, statement_count, header, body)
select $1, t.* from unnest($2::smallint[], $3::smallint[], $4::smallint[], $5::int[], $6::bytea[], $7::bytea[]) t
on conflict (patient_key, heading, period, part)
do update set statement_count = excluded.statement_count, header = excluded.header, body = excluded.body

-- :name withdraw
-- From its commit on no reader is given any of this.
insert into record.withdrawal (patient_key, removal, what) values ($1, $2, $3)
on conflict (patient_key, removal) do update set what = excluded.what

-- :name read_withdrawn
-- All that is withdrawn under one key.
select string_agg(what, ''::bytea) from record.withdrawal where patient_key = $1

-- :name wait_for_patient
-- A rewriting waits for a fold of the same patient to end; no fold begins while it lasts. It waits for the disk too.
select pg_advisory_xact_lock($1), set_config('synchronous_commit', 'on', true)

-- :name read_chunks
-- Every chunk under one key, in the order in which statements came.
select header, body from record.chunk where patient_key = $1 order by heading, period, part

-- :name read_log
-- Every row of the log under one key, oldest first.
select seq, identity_key, source, original_day, original_seq, received_at, header, body
from record.log where patient_key = $1 order by seq

-- :name clear_patient
-- The chunks of one key and the rows of the log that were read, to be written again without what is withdrawn.
with folded as (delete from record.chunk where patient_key = $1)
delete from record.log where patient_key = $1 and seq = any ($2::bigint[])

-- :name count_held
-- How many statements are kept under each key of which anything is withdrawn.
select w.patient_key,
       (select coalesce(sum(c.statement_count), 0) from record.chunk c where c.patient_key = w.patient_key)
       + (select coalesce(sum(l.statement_count), 0) from record.log l where l.patient_key = w.patient_key) as held
from (select distinct patient_key from record.withdrawal) w

-- :name every_chunk
-- Every chunk there is.
select patient_key, header, body from record.chunk

-- :name every_log_row
-- Every row of the log there is.
select patient_key, identity_key, source, original_day, original_seq, received_at, header, body from record.log

-- :name read_examined
-- Everything kept under one key of whoever was ever part of a person, if the witness stands, as above.
select is_log, identity_key, source, original_day, original_seq, received_at, header, body
from record.read_examined($1, $2, $3, $4)

-- :name read_original_examined
-- One original of whoever was ever part of a person, if the witness stands.
select source, format, content, received_at, message_type
from intake.read_original_examined($1, $2, $3, $4, $5)

-- :name list_recorded_later
-- When originals that waited came into the record.
select day, seq, at from intake.list_recorded_later($1, $2)
