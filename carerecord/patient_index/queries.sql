-- SQL of the room patient_index.

-- :name find_identities
-- Which identities are known by these names. The one query of a batch of known, unchanged patients.
select n.system as name_system, n.value as name_value, i.patient_key, i.identity_key, i.person_key, i.source, i.system,
       i.value, i.nhs_number, i.nhs_number_verified, i.subject, i.said_at, false as is_contested
from unnest($1::text[], $2::text[]) as n(system, value)
join patient_index.identifier f on f.value = n.value and f.system = n.system
join patient_index.identity i on i.patient_key = f.patient_key and i.identity_key = f.identity_key

-- :name find_identities_and_contests
-- The same, and whether an operator's last word on each was to separate it.
select n.system as name_system, n.value as name_value, i.patient_key, i.identity_key, i.person_key, i.source, i.system,
       i.value, i.nhs_number, i.nhs_number_verified, i.subject, i.said_at,
       coalesce((select j.rule = 'unlinked' from patient_index.judgement j
                 where j.patient_key = i.patient_key and j.identity_key = i.identity_key
                 order by j.seq desc limit 1), false) as is_contested
from unnest($1::text[], $2::text[]) as n(system, value)
join patient_index.identifier f on f.value = n.value and f.system = n.system
join patient_index.identity i on i.patient_key = f.patient_key and i.identity_key = f.identity_key

-- :name find_holders
-- Which identities carry these NHS numbers, verified or not.
select i.system as name_system, i.value as name_value, i.patient_key, i.identity_key, i.person_key, i.source, i.system,
       i.value, i.nhs_number, i.nhs_number_verified, i.subject, i.said_at,
       coalesce((select j.rule = 'unlinked' from patient_index.judgement j
                 where j.patient_key = i.patient_key and j.identity_key = i.identity_key
                 order by j.seq desc limit 1), false) as is_contested
from unnest($1::text[]) as n(nhs_number)
join patient_index.nhs_number h on h.nhs_number = n.nhs_number
join patient_index.identity i on i.patient_key = h.patient_key and i.identity_key = h.identity_key
where i.nhs_number = n.nhs_number

-- :name find_members
-- Which identities these persons are.
select i.system as name_system, i.value as name_value, i.patient_key, i.identity_key, i.person_key, i.source, i.system,
       i.value, i.nhs_number, i.nhs_number_verified, i.subject, i.said_at,
       coalesce((select j.rule = 'unlinked' from patient_index.judgement j
                 where j.patient_key = i.patient_key and j.identity_key = i.identity_key
                 order by j.seq desc limit 1), false) as is_contested
from unnest($1::bigint[]) as n(person_key)
join patient_index.member m on m.patient_key = n.person_key
join patient_index.identity i on i.patient_key = m.home_key and i.identity_key = m.identity_key

-- :name find_holders_of_verified_number
-- The way in by NHS number: verified holders only.
select i.patient_key, i.identity_key, i.person_key, i.subject
from patient_index.nhs_number h
join patient_index.identity i on i.patient_key = h.patient_key and i.identity_key = h.identity_key
where h.nhs_number = $1 and i.nhs_number = $1 and i.nhs_number_verified

-- :name read_person
-- The set of identities that is a person.
select i.patient_key, i.identity_key, i.source, i.nhs_number, i.nhs_number_verified, i.subject, i.said_at
from patient_index.member m
join patient_index.identity i on i.patient_key = m.home_key and i.identity_key = m.identity_key
where m.patient_key = $1

-- :name lock_links
-- Only one transaction at a time changes who is whom; held until its end.
select pg_advisory_xact_lock(4137260720)

-- :name lock_numbers
-- Two processes that see an NHS number for the first time must not make two persons of it. In order, so that none waits for ever.
select pg_advisory_xact_lock(413726, bucket)
from (select distinct hashtext(number) & 4095 as bucket from unnest($1::text[]) as number order by 1) as buckets

-- :name insert_identities
-- What each new source identity is and said of its patient.
insert into patient_index.identity (patient_key, identity_key, person_key, source, system, value, nhs_number,
                                    nhs_number_verified, subject, said_at)
select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::boolean[],
                     $9::bytea[], $10::timestamptz[])

-- :name insert_identifiers
-- The names by which identities are found.
insert into patient_index.identifier (value, system, identity_key, patient_key)
select * from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])

-- :name insert_nhs_numbers
-- The numbers that identities carry; a number once carried stays listed, its identity says whether it still is.
insert into patient_index.nhs_number (nhs_number, identity_key, patient_key)
select * from unnest($1::text[], $2::bigint[], $3::bigint[])
on conflict do nothing

-- :name insert_members
-- Identities become part of persons.
insert into patient_index.member (patient_key, identity_key, home_key)
select * from unnest($1::bigint[], $2::bigint[], $3::bigint[])

-- :name delete_members
-- Identities leave persons.
delete from patient_index.member m
using unnest($1::bigint[], $2::bigint[]) as left_(patient_key, identity_key)
where m.patient_key = left_.patient_key and m.identity_key = left_.identity_key

-- :name update_subjects
-- What a newer message said of a patient; a copy of what others said gives way to any that said it as such.
update patient_index.identity i
set subject = n.subject, said_at = n.said_at
from unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::timestamptz[]) as n(patient_key, identity_key, subject, said_at)
where i.patient_key = n.patient_key and i.identity_key = n.identity_key
    and (i.said_at <= n.said_at or position('"is_copy":true'::bytea in i.subject) > 0)

-- :name update_attributions
-- Which person an identity belongs to, and its NHS number.
update patient_index.identity i
set person_key = n.person_key, nhs_number = n.nhs_number, nhs_number_verified = n.is_verified
from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::boolean[])
     as n(patient_key, identity_key, person_key, nhs_number, is_verified)
where i.patient_key = n.patient_key and i.identity_key = n.identity_key

-- :name insert_judgements
-- Why identities belong where they do, each after those before it.
insert into patient_index.judgement (patient_key, identity_key, seq, at, from_person_key, to_person_key, rule, reasons, said_by,
                                     original_day, original_seq)
select n.patient_key, n.identity_key,
       coalesce((select max(j.seq) from patient_index.judgement j
                 where j.patient_key = n.patient_key and j.identity_key = n.identity_key), 0) + n.nth,
       n.at, n.from_person_key, n.to_person_key, n.rule, n.reasons, n.said_by, n.original_day, n.original_seq
from unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::timestamptz[], $5::bigint[], $6::bigint[], $7::text[], $8::text[],
            $9::text[], $10::date[], $11::bigint[])
     as n(patient_key, identity_key, nth, at, from_person_key, to_person_key, rule, reasons, said_by, original_day, original_seq)

-- :name find_last_link
-- By which judgement an identity came to the person it is part of.
select j.from_person_key, j.rule
from patient_index.judgement j
where j.patient_key = $1 and j.identity_key = $2 and j.to_person_key = $3 and j.from_person_key is distinct from $3
order by j.seq desc limit 1
