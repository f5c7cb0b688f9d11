-- SQL of the room patient_index.

-- :name find_identities
-- Which identities are known by these names. The one query of a batch of known, unchanged patients.
select n.system as name_system, n.value as name_value, i.patient_key, i.identity_key, i.person_key, i.source, i.system,
       i.value, i.nhs_number, i.nhs_number_verified, i.subject, i.said_at, false as is_contested
from unnest($1::text[], $2::text[]) as n(system, value)
join patient_index.identifier f on f.value = n.value and f.system = n.system
join patient_index.identity i on i.patient_key = f.patient_key and i.identity_key = f.identity_key

-- :name find_concerned
-- Whom claims concern: who is known by these names, who carries these NHS numbers, and who else is part of those persons
-- (of the holders, where the number is verified). With each, whether an operator's last word on it was to separate it.
with named as (
    select n.system as name_system, n.value as name_value, i.*
    from unnest($1::text[], $2::text[]) as n(system, value)
    join patient_index.identifier f on f.value = n.value and f.system = n.system
    join patient_index.identity i on i.patient_key = f.patient_key and i.identity_key = f.identity_key
), held as (
    select i.*
    from unnest($3::text[]) as n(nhs_number)
    join patient_index.nhs_number h on h.nhs_number = n.nhs_number
    join patient_index.identity i on i.patient_key = h.patient_key and i.identity_key = h.identity_key
    where i.nhs_number = n.nhs_number
), persons as (
    select person_key from named union select person_key from held where nhs_number_verified
), found as (
    select * from named
    union all
    select system, value, held.* from held
    union all
    select i.system, i.value, i.*
    from persons p
    join patient_index.member m on m.patient_key = p.person_key
    join patient_index.identity i on i.patient_key = m.home_key and i.identity_key = m.identity_key
)
select f.name_system, f.name_value, f.patient_key, f.identity_key, f.person_key, f.source, f.system, f.value, f.nhs_number,
       f.nhs_number_verified, f.subject, f.said_at,
       coalesce((select j.rule = 'unlinked' from patient_index.judgement j
                 where j.patient_key = f.patient_key and j.identity_key = f.identity_key
                 order by j.seq desc limit 1), false) as is_contested
from found f

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

-- :name write
-- All that was decided, in one statement: identities that are new, have said something newer or belong elsewhere now (a
-- copy of what others said gives way to any that said it as such), who is part of whom, the names and numbers by which
-- they are found, what was known until now, and why (each judgement after those before it). A number once carried stays
-- listed; its identity says whether it still is.
with decided as (
    select * from unnest($1::patient_index.decided[])
), added as (
    insert into patient_index.identity (patient_key, identity_key, person_key, source, system, value, nhs_number,
                                        nhs_number_verified, subject, said_at)
    select patient_key, identity_key, person_key, source, system, value, nhs_number, nhs_number_verified, subject, said_at
    from decided where left_person_key is null
), updated as (
    update patient_index.identity i
    set person_key = case when d.is_attributed then d.person_key else i.person_key end,
        nhs_number = case when d.is_attributed then d.nhs_number else i.nhs_number end,
        nhs_number_verified = case when d.is_attributed then d.nhs_number_verified else i.nhs_number_verified end,
        subject = case when d.is_heard and (i.said_at <= d.said_at or position('"is_copy":true'::bytea in i.subject) > 0)
                       then d.subject else i.subject end,
        said_at = case when d.is_heard and (i.said_at <= d.said_at or position('"is_copy":true'::bytea in i.subject) > 0)
                       then d.said_at else i.said_at end
    from decided d
    where d.left_person_key is not null and i.patient_key = d.patient_key and i.identity_key = d.identity_key
), departed as (
    delete from patient_index.member m
    using decided d
    where d.left_person_key <> d.person_key and m.patient_key = d.left_person_key and m.identity_key = d.identity_key
), joined as (
    insert into patient_index.member (patient_key, identity_key, home_key)
    select person_key, identity_key, patient_key from decided where left_person_key is distinct from person_key
), named as (
    insert into patient_index.identifier (value, system, identity_key, patient_key)
    select * from unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[])
), numbered as (
    insert into patient_index.nhs_number (nhs_number, identity_key, patient_key)
    select * from unnest($6::text[], $7::bigint[], $8::bigint[])
    on conflict do nothing
), replaced as (
    insert into patient_index.earlier (patient_key, identity_key, until_at, nhs_number, nhs_number_verified, subject, said_at)
    select i.patient_key, i.identity_key, r.until_at, i.nhs_number, i.nhs_number_verified, i.subject, i.said_at
    from unnest($10::bigint[], $11::bigint[], $12::timestamptz[]) r (patient_key, identity_key, until_at)
    join patient_index.identity i on i.patient_key = r.patient_key and i.identity_key = r.identity_key
)
insert into patient_index.judgement (patient_key, identity_key, seq, at, from_person_key, to_person_key, rule, reasons,
                                     said_by, original_day, original_seq)
select n.patient_key, n.identity_key,
       coalesce((select max(j.seq) from patient_index.judgement j
                 where j.patient_key = n.patient_key and j.identity_key = n.identity_key), 0) + n.nth,
       n.at, n.from_person_key, n.to_person_key, n.rule, n.reasons, n.said_by, n.original_day, n.original_seq
from unnest($9::patient_index.judged[]) n

-- :name find_last_link
-- By which judgement an identity came to the person it is part of.
select j.from_person_key, j.rule
from patient_index.judgement j
where j.patient_key = $1 and j.identity_key = $2 and j.to_person_key = $3 and j.from_person_key is distinct from $3
order by j.seq desc limit 1

-- :name read_links
-- Who is one person with this identity, and by which judgement each of them came to be.
select i.person_key, i.identity_key, i.source, i.value, j.seq, j.at, j.rule, j.original_day, j.original_seq
from patient_index.identity known
join patient_index.member m on m.patient_key = known.person_key
join patient_index.identity i on i.patient_key = m.home_key and i.identity_key = m.identity_key
cross join lateral (select l.seq, l.at, l.rule, l.original_day, l.original_seq from patient_index.judgement l
                    where l.patient_key = i.patient_key and l.identity_key = i.identity_key
                        and l.to_person_key = i.person_key and l.from_person_key is distinct from i.person_key
                    order by l.seq desc limit 1) j
where known.patient_key = $1 and known.identity_key = $2
order by j.at, i.identity_key

-- :name read_ever_part
-- What is known now of every identity that was ever part of a person: theirs from the first, or joined from elsewhere.
with ever as (
    select patient_key, identity_key from patient_index.judgement where patient_key = $1 and to_person_key = $1
    union
    select patient_key, identity_key from patient_index.judgement
    where to_person_key = $1 and to_person_key <> patient_key
)
select i.patient_key, i.identity_key, i.source, i.nhs_number, i.nhs_number_verified, i.subject, i.said_at
from ever e
join patient_index.identity i on i.patient_key = e.patient_key and i.identity_key = e.identity_key
order by i.patient_key, i.identity_key

-- :name read_judgements
-- Every judgement about these identities, first to last.
select j.identity_key, j.seq, j.at, j.to_person_key, j.rule, j.original_day, j.original_seq
from unnest($1::bigint[], $2::bigint[]) n (patient_key, identity_key)
join patient_index.judgement j on j.patient_key = n.patient_key and j.identity_key = n.identity_key
order by j.identity_key, j.seq

-- :name read_earlier
-- What was known of these identities before, first to last, each until when.
select e.identity_key, e.until_at, e.nhs_number, e.nhs_number_verified, e.subject, e.said_at
from unnest($1::bigint[], $2::bigint[]) n (patient_key, identity_key)
join patient_index.earlier e on e.patient_key = n.patient_key and e.identity_key = n.identity_key
order by e.identity_key, e.seq

-- :name identities_of_person
-- What is held of everybody who is this person now, for a removal.
select i.patient_key, i.identity_key, i.person_key, i.source, i.value, i.nhs_number, i.subject, i.said_at
from patient_index.member m
join patient_index.identity i on i.patient_key = m.home_key and i.identity_key = m.identity_key
where m.patient_key = $1

-- :name identities_of_source
-- Every identity of a source; with a time, only those of whom it said nothing since. It reads the whole index.
select patient_key, identity_key, person_key, source, value, nhs_number, subject, said_at
from patient_index.identity
where source = $1 and ($2::timestamptz is null or said_at < $2)
order by patient_key, identity_key

-- :name identity_of_keys
-- One identity.
select patient_key, identity_key, person_key, source, value, nhs_number, subject, said_at
from patient_index.identity where patient_key = $1 and identity_key = $2

-- :name forget_identities
-- Everything that the index holds of these identities, under one key.
with gone as (
    delete from patient_index.identity where patient_key = $1 and identity_key = any ($2::bigint[])
    returning patient_key, identity_key, person_key
), named as (
    delete from patient_index.identifier f using gone g
    where f.patient_key = g.patient_key and f.identity_key = g.identity_key
), numbered as (
    delete from patient_index.nhs_number n using gone g
    where n.patient_key = g.patient_key and n.identity_key = g.identity_key
), departed as (
    delete from patient_index.member m using gone g where m.patient_key = g.person_key and m.identity_key = g.identity_key
), judged as (
    delete from patient_index.judgement j using gone g
    where j.patient_key = g.patient_key and j.identity_key = g.identity_key
), was as (
    delete from patient_index.earlier e using gone g
    where e.patient_key = g.patient_key and e.identity_key = g.identity_key
), involved as (
    delete from patient_index.relationship r using gone g
    where r.patient_key = g.patient_key and r.identity_key = g.identity_key
)
select count(*) from gone

-- :name forget_relationships
-- Who is involved by statements that are withdrawn.
delete from patient_index.relationship where patient_key = $1 and local_id = any ($2::text[])

-- :name take_back_subject
-- What a message changed of an identity's demographics is as it was before. Where others changed them since, what it said
-- stands among what was known earlier: there what was before it stays known for as long as both were.
with was as (
    select seq, subject, said_at from patient_index.earlier
    where patient_key = $1 and identity_key = $2 and until_at = $3 order by seq limit 1
), later as (
    select e.seq, e.until_at from patient_index.earlier e
    where e.patient_key = $1 and e.identity_key = $2 and e.until_at > $3 and exists (select from was)
    order by e.until_at, e.seq limit 1
), restored as (
    update patient_index.identity i set subject = w.subject, said_at = w.said_at
    from was w
    where i.patient_key = $1 and i.identity_key = $2 and not exists (select from later)
), lasted as (
    update patient_index.earlier e set subject = w.subject, said_at = w.said_at
    from was w, later l
    where e.patient_key = $1 and e.identity_key = $2 and e.seq = l.seq
)
delete from patient_index.earlier e using was w
where e.patient_key = $1 and e.identity_key = $2 and e.seq = w.seq
