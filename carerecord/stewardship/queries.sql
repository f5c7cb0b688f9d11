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

-- :name find_recipients
-- Which organisations were shown or sent something of this person, under any of their keys.
select organisation, last_at from audit.find_recipients($1::bigint[])

-- :name receive_objection
-- An objection, restricting at once.
insert into stewardship.objection (patient_key, id, scope, value, state, received_at, received_by)
values ($1, $2, $3, $4, 'weighed', $5, $6)

-- :name change_objection
-- What became of an objection, and why.
update stewardship.objection set state = $3, decided_at = $4, decided_by = $5, reason = $6
where patient_key = $1 and id = $2

-- :name find_objection
-- One objection by its number.
select patient_key, id, scope, value, state, received_at, received_by, decided_at, decided_by, reason
from stewardship.objection where id = $1

-- :name read_objections
-- Every objection of one person, under any of their keys.
select patient_key, id, scope, value, state, received_at, received_by, decided_at, decided_by, reason
from stewardship.objection where patient_key = any ($1::bigint[]) order by received_at, id

-- :name list_objections
-- Those that wait for a decision, oldest first; or all, newest first.
select patient_key, id, scope, value, state, received_at, received_by, decided_at, decided_by, reason
from stewardship.objection
where not $1::boolean or state = 'weighed'
order by case when $1 then received_at end, received_at desc, id
limit $2

-- :name find_opt_out_list
-- Which list of national opt-outs is held.
select hash_key, numbers, imported_at, imported_by from stewardship.opt_out_list

-- :name has_opted_out
-- Whether the number of this hash is on the list.
select exists (select from stewardship.national_opt_out where number_hash = $1)

-- :name empty_opt_outs
-- The list that was held goes, in the same commit in which the next one comes.
delete from stewardship.national_opt_out

-- :name add_opt_outs
-- Part of a list.
insert into stewardship.national_opt_out (number_hash) select unnest($1::bytea[])

-- :name keep_opt_out_list
-- Which list is held now.
insert into stewardship.opt_out_list (one, hash_key, numbers, imported_at, imported_by) values (true, $1, $2, $3, $4)
on conflict (one) do update
    set hash_key = excluded.hash_key, numbers = excluded.numbers, imported_at = excluded.imported_at,
        imported_by = excluded.imported_by
