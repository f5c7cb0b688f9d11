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
