-- SQL of subject access.

-- :name open_subject_access
-- A request for what is held about a person; without `identified_at` its clock stands.
insert into stewardship.subject_access
    (patient_key, id, asked_at, due_on, requester, identity_check, opened_by, identified_at, identified_by)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- :name list_subject_access
-- Requests that are open, the one due first in front; or all.
select patient_key, id, asked_at, due_on, requester, identity_check, opened_by, exported_at, exported_hash, closed_at,
       identified_at, identified_by, extended_at, extended_because
from stewardship.subject_access where $1 or closed_at is null order by closed_at desc nulls first, due_on, id limit 500

-- :name find_subject_access
-- One request by its number.
select patient_key, id, asked_at, due_on, requester, identity_check, opened_by, exported_at, exported_hash, closed_at,
       identified_at, identified_by, extended_at, extended_because
from stewardship.subject_access where id = $1

-- :name identify_requester
-- It is sure who asks: the clock runs from now.
update stewardship.subject_access set identity_check = $3, identified_at = $4, identified_by = $5, due_on = $6
where patient_key = $1 and id = $2 and identified_at is null and closed_at is null
returning true

-- :name extend_subject_access
-- Two further months, once.
update stewardship.subject_access set extended_at = $3, extended_because = $4, due_on = $5
where patient_key = $1 and id = $2 and extended_at is null and closed_at is null
returning true

-- :name decide_item
-- What somebody decided of an item; what was decided before stays beside it.
insert into stewardship.redaction
    (patient_key, request_id, item, seq, choice, ground, words, spans, decided_by, at, advised_by)
select $1, $2, $3, coalesce(max(seq), 0) + 1, $4, $5, $6, $7, $8, $9, $10
from stewardship.redaction where patient_key = $1 and request_id = $2 and item = $3

-- :name read_decided_items
-- The last decision of each item.
select distinct on (item) item, choice, ground, words, spans, decided_by, at, advised_by
from stewardship.redaction where patient_key = $1 and request_id = $2 order by item, seq desc

-- :name keep_export
-- What was handed over, by its hash.
update stewardship.subject_access set exported_at = $3, exported_hash = $4 where patient_key = $1 and id = $2

-- :name close_subject_access
-- A request that was answered, or was taken back.
update stewardship.subject_access set closed_at = $3 where patient_key = $1 and id = $2 and closed_at is null
returning true

-- :name ask_file
-- A file is asked for: one at a time for each request.
insert into stewardship.subject_access_file (patient_key, request_id, id, asked_at, asked_by, session, seal_to)
select $1, $2, $3, $4, $5, $6, $7
where not exists (select from stewardship.subject_access_file f
                  where f.patient_key = $1 and f.request_id = $2 and f.state in ('asked', 'reading', 'writing'))
returning true

-- :name list_files
-- The files of a request, newest first, without what is in them.
select patient_key, request_id, id, asked_at, asked_by, session, seal_to, state, tries, statements, said, hash, size,
       has_paper, kept_back, finished_at, fetched_at
from stewardship.subject_access_file where patient_key = $1 and request_id = $2 order by asked_at desc, id

-- :name next_file
-- The file that has waited longest, one that was left half made among them.
select patient_key, request_id, id, asked_at, asked_by, session, seal_to, state, tries, statements, said, hash, size,
       has_paper, kept_back, finished_at, fetched_at
from stewardship.subject_access_file where state in ('asked', 'reading', 'writing') order by asked_at, id limit 1

-- :name begin_file
-- It is being made; how often that was begun is counted first.
update stewardship.subject_access_file set state = 'reading', tries = tries + 1
where patient_key = $1 and request_id = $2 and id = $3

-- :name write_file
-- All is read; now it is written.
update stewardship.subject_access_file set state = 'writing', statements = $4
where patient_key = $1 and request_id = $2 and id = $3

-- :name finish_file
-- It is made, and sealed for who asked.
update stewardship.subject_access_file
set state = 'ready', hash = $4, size = $5, has_paper = $6, kept_back = $7, content = $8, finished_at = $9
where patient_key = $1 and request_id = $2 and id = $3

-- :name fail_file
-- It could not be made, and why.
update stewardship.subject_access_file set state = 'failed', said = $4, finished_at = $5
where patient_key = $1 and request_id = $2 and id = $3

-- :name fetch_file
-- What is in a file that is ready, for who asked for it.
select content from stewardship.subject_access_file
where patient_key = $1 and request_id = $2 and id = $3 and state = 'ready'

-- :name note_fetched
-- When it was handed out first.
update stewardship.subject_access_file set fetched_at = coalesce(fetched_at, $4)
where patient_key = $1 and request_id = $2 and id = $3

-- :name forget_files
-- Files older than this, and those of requests that are closed, go.
update stewardship.subject_access_file f set state = 'gone', content = null
where state = 'ready' and (finished_at < $1 or exists (
    select from stewardship.subject_access a
    where a.patient_key = f.patient_key and a.id = f.request_id and a.closed_at is not null))
returning id
