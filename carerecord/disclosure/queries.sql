-- SQL of the room disclosure.

-- :name read_facts
-- One person, and what a decision needs to know of them, in one round trip: each identity with its demographics; beside
-- them, the same on every row, the relationships of one organisation that may still count (the room patient_index says
-- how long each does), whether the record knows of any involvement at all, and the objections that stand, under any of
-- the keys of the person.
with who as materialized (
    select i.patient_key, i.identity_key, i.source, i.nhs_number, i.nhs_number_verified, i.subject, i.said_at
    from patient_index.member m
    join patient_index.identity i on i.patient_key = m.home_key and i.identity_key = m.identity_key
    where m.patient_key = $1
)
select w.*,
       (select json_agg(json_build_object('kind', k.kind, 'source', k.source, 'local_id', k.local_id, 'since', k.since,
                                          'until', k.until, 'standing', k.standing, 'said_at', k.said_at))::text
        from (select r.*
              from who o
              join patient_index.relationship r on r.patient_key = o.patient_key and r.identity_key = o.identity_key
              where r.organisation = $2 and r.standing <> all ($5::smallint[])
                  and r.since <= $3 and (r.until is null or r.until >= $4)
              order by r.said_at desc limit 50) k) as relationships,
       exists (select from who o
               join patient_index.relationship r on r.patient_key = o.patient_key and r.identity_key = o.identity_key)
           as is_anybody_involved,
       (select json_agg(json_build_object('scope', b.scope, 'value', b.value, 'state', b.state) order by b.id)::text
        from stewardship.objection b
        where b.patient_key in (select $1 union select o.patient_key from who o) and b.state in ('weighed', 'upheld'))
           as objections
from who w

-- :name keep_circumstances
-- What pages are made under, each under its own hash; what is there already stays.
insert into audit.circumstance (hash, content) select * from unnest($1::text[], $2::text[]) on conflict (hash) do nothing

-- :name find_circumstance
-- What pages were made under, by its hash.
select content from audit.circumstance where hash = $1

-- :name list_removals_since
-- Lawful removals under these keys since an instant: by which authority, and when.
select id, authority, withdrawn_at from stewardship.removal
where patient_key = any ($1::bigint[]) and withdrawn_at > $2 order by withdrawn_at

-- :name list_persons_of_home
-- Everybody of whom what is kept under this key was ever part; of one of its identities, where it is given.
select distinct to_person_key as person_key from patient_index.judgement
where patient_key = $1 and ($2::bigint is null or identity_key = $2) order by 1

-- :name find_whose
-- About whom an original is.
select patient_key, identity_key, source from intake.find_whose($1, $2)
