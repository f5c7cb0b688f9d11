-- SQL of the room stewardship.

-- :name open_case
-- A case, once for its event and rule; no row comes back when it was there before.
insert into stewardship.privacy_case
    (patient_key, id, desk, kind, rule, organisation, staff, sentence, detail, about_stream, about_seq, opened_at, due_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict (patient_key, about_stream, about_seq, rule) where about_stream is not null do nothing
returning id

-- :name list_cases
-- The cases of a desk, newest first.
select patient_key, id, desk, kind, rule, organisation, staff, sentence, detail, about_stream, about_seq, opened_at,
       due_at, closed_at, disposition
from stewardship.privacy_case
where desk = $1 and ($2::text is null or organisation = $2) and ($3::boolean is null or $3 = (closed_at is null))
order by opened_at desc, id
limit $4

-- :name find_case
-- One case by its number.
select patient_key, id, desk, kind, rule, organisation, staff, sentence, detail, about_stream, about_seq, opened_at,
       due_at, closed_at, disposition
from stewardship.privacy_case where id = $1

-- :name close_case
-- A case that is open is closed with what was found.
update stewardship.privacy_case set closed_at = $3, disposition = $4
where patient_key = $1 and id = $2 and closed_at is null
returning true

-- :name tell
-- A notice, once for its organisation and what it is about; no row comes back when it was there before.
insert into stewardship.notice (patient_key, id, organisation, kind, about, sentence, detail, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (patient_key, organisation, about) do nothing
returning id

-- :name list_notices
-- What organisations were told, newest first.
select patient_key, id, organisation, kind, about, sentence, detail, created_at, read_at, read_by
from stewardship.notice
where ($1::text is null or organisation = $1) and ($2::boolean is null or $2 = (read_at is not null))
order by created_at desc, id
limit $3

-- :name find_notice
-- One notice by its number.
select patient_key, id, organisation, kind, about, sentence, detail, created_at, read_at, read_by
from stewardship.notice where id = $1

-- :name mark_read
-- An organisation read its notice.
update stewardship.notice set read_at = $4, read_by = $3
where patient_key = $1 and id = $2 and read_at is null
returning true
