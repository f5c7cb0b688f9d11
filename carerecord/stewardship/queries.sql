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

-- :name reopen_case
-- A case that was closed is open again, and nothing is found yet.
update stewardship.privacy_case set closed_at = null, disposition = null
where patient_key = $1 and id = $2 and closed_at is not null
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

-- :name keep_removal
-- A removal in the ledger; the same twice is one.
insert into stewardship.removal (patient_key, id, authority, target, source, reason, asked_by, agreed_by, withdrawn_at,
                                 what, counts)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
on conflict (patient_key, id) do nothing

-- :name known_removals
-- Which of these removals the database knows.
select r.patient_key, r.id
from unnest($1::bigint[], $2::bigint[]) g (patient_key, id)
join stewardship.removal r on r.patient_key = g.patient_key and r.id = g.id

-- :name open_removals
-- Removals that are withdrawn and not yet taken out, oldest first.
select patient_key, id, authority, target, source, reason, asked_by, agreed_by, withdrawn_at, completed_at, scrubbed_at,
       what, counts
from stewardship.removal where completed_at is null order by withdrawn_at limit $1

-- :name complete_removal
-- A removal is taken out; by what its bytes would be found in files is added.
update stewardship.removal set completed_at = $3, what = $4 where patient_key = $1 and id = $2 and completed_at is null

-- :name list_removals
-- The ledger of removals, newest first: all, one decision's, or one key's.
select patient_key, id, authority, target, source, reason, asked_by, agreed_by, withdrawn_at, completed_at, scrubbed_at,
       what, counts
from stewardship.removal
where ($1::bigint is null or id = $1) and ($2::bigint is null or patient_key = $2)
order by withdrawn_at desc, id, patient_key

-- :name last_removal
-- The newest removal under a key.
select id from stewardship.removal where patient_key = $1 order by withdrawn_at desc limit 1

-- :name withdraw_returned
-- Originals that brought back what was removed: nobody is given them.
select intake.withdraw_returned($1, $2, $3::date[], $4::bigint[])

-- :name removable_tables
-- The tables that may hold the bytes of what was removed, with their size.
select name, bytes from stewardship.removable_tables()

-- :name unscrubbed_removals
-- Removals that are taken out and whose bytes may stand in the free room of files, oldest first.
select patient_key, id, authority, target, source, reason, asked_by, agreed_by, withdrawn_at, completed_at, scrubbed_at,
       what, counts
from stewardship.removal where completed_at is not null and scrubbed_at is null order by completed_at limit $1

-- :name list_written_anew
-- When each table's files were written anew, or their free room overwritten, and how long nobody could read it.
select name, began_at, how, bytes, locked_ms from stewardship.written_anew order by name

-- :name is_still_seen
-- Whether a transaction is open that began before a moment.
select stewardship.is_still_seen($1)

-- :name write_anew
-- Writes a table anew unless it is too large; for how many milliseconds nobody could read it.
select stewardship.write_anew($1, $2)

-- :name is_vacuumed
-- Whether the room that was free at a moment is known to be free, in the table and out of line.
select coalesce(greatest(s.last_vacuum, s.last_autovacuum) > $2, false)
    and (t.relid is null or coalesce(greatest(t.last_vacuum, t.last_autovacuum) > $2,
                                     t.n_dead_tup = 0 and t.n_tup_del = 0)) as is_vacuumed
from pg_catalog.pg_class c
join pg_catalog.pg_stat_all_tables s on s.relid = c.oid
left join pg_catalog.pg_stat_all_tables t on t.relid = c.reltoastrelid
where c.oid = $1::text::regclass

-- :name vacuum_soon
-- Asks the server's vacuum to come within its minute, or as it used to.
select stewardship.vacuum_soon($1, $2)

-- :name overwrite_free
-- Overwrites free room with rows of nothing, which are undone.
select stewardship.overwrite_free($1, $2, $3, $4)

-- :name keep_written_anew
-- A table's files hold nothing of what was taken out before a moment.
insert into stewardship.written_anew (name, began_at, how, bytes, locked_ms, until_lsn)
values ($1, $2, $3, $4, $5, pg_catalog.pg_current_wal_insert_lsn())
on conflict (name) do update set began_at = excluded.began_at, how = excluded.how, bytes = excluded.bytes,
    locked_ms = excluded.locked_ms, until_lsn = excluded.until_lsn

-- :name written_to_disk
-- Tables whose files on the disk are so: an old file is gone at once, a page is written by the next checkpoint.
select w.name, w.began_at from stewardship.written_anew w
where w.how <> 'overwritten' or w.until_lsn <= (select c.redo_lsn from pg_catalog.pg_control_checkpoint() c)

-- :name off_disk
-- Removals whose bytes are in no file of the database.
update stewardship.removal r set scrubbed_at = $3
from unnest($1::bigint[], $2::bigint[]) g (patient_key, id)
where r.patient_key = g.patient_key and r.id = g.id and r.scrubbed_at is null

-- :name keep_removal_proof
-- What a proof of a removal found, and of what it was made; 0: of all removals.
insert into stewardship.removal_proof (removal, at, of, by, holds, proof) values ($1, $2, $3, $4, $5, $6)
on conflict (removal, at) do nothing

-- :name list_removal_proofs
-- Proofs, newest first.
select removal, at, of, by, holds, proof from stewardship.removal_proof order by at desc, removal limit $1

-- :name keep_return
-- Everything that a source sent was returned to it.
insert into stewardship.returned (source, at, manifest) values ($1, $2, $3) on conflict (source, at) do nothing

-- :name list_departures
-- Sources that were given back what they sent, or whose leaving removed it.
select coalesce(g.source, r.source) as source, g.at as returned_at, r.at as destroyed_at
from (select source, max(at) as at from stewardship.returned group by source) g
full join (select source, max(withdrawn_at) as at from stewardship.removal
           where authority = 'source-left' and source <> '' group by source) r on r.source = g.source
order by 1

-- :name bytes_to_decode
-- How large the tables are that a proof decodes.
select (pg_total_relation_size('record.chunk') + pg_total_relation_size('record.log')
        + (select coalesce(sum(pg_total_relation_size(t.relid)), 0) from pg_partition_tree('intake.original') t))::bigint

-- :name vacuum
-- Lets the space of rows that were removed be used again; its bytes stay until it is.
vacuum (analyze)

-- :name scrub
-- Writes the files of tables anew, without anything that was removed. Each is locked meanwhile.
vacuum (full, analyze)

-- :name scrubbed
-- Removals whose files are written anew.
update stewardship.removal set scrubbed_at = $1 where completed_at <= $1 and scrubbed_at is null

-- :name list_privacy_cases
-- Cases of the privacy desk that this organisation may see (null: all): those of its own readers, and those shared with
-- it. What is due first stands first; of what is closed, the newest.
select patient_key, id, desk, kind, rule, organisation, staff, sentence, detail, about_stream, about_seq, opened_at,
       due_at, closed_at, disposition
from stewardship.privacy_case c
where desk = 'privacy'
    and ($1::text is null or organisation = $1 or exists (
        select from stewardship.notice n
        where n.patient_key = c.patient_key and n.organisation = $1 and n.about = 'case ' || c.id))
    and $2 = (closed_at is null) and ($3 = '' or kind = $3) and ($4 = '' or rule = $4) and ($5 = '' or organisation = $5)
order by closed_at desc nulls first, due_at nulls last, opened_at, id
limit $6

-- :name count_privacy_cases
-- How many cases there are to choose from, by kind, rule and organisation; how many are late, and how many are new.
select kind, rule, organisation, count(*) filter (where $2 = (closed_at is null)) as chosen,
       count(*) filter (where closed_at is null) as open,
       count(*) filter (where closed_at is null and due_at < $3) as late,
       count(*) filter (where opened_at > $3 - interval '1 day') as new
from stewardship.privacy_case c
where desk = 'privacy'
    and ($1::text is null or organisation = $1 or exists (
        select from stewardship.notice n
        where n.patient_key = c.patient_key and n.organisation = $1 and n.about = 'case ' || c.id))
group by kind, rule, organisation
order by kind, rule, organisation

-- :name read_case_notes
-- What was written on a case, in order.
select seq, at, by_name, organisation, words from stewardship.case_note
where patient_key = $1 and case_id = $2 order by seq

-- :name add_case_note
-- One more note on a case.
insert into stewardship.case_note (patient_key, case_id, seq, at, by_user, by_name, organisation, words)
select $1, $2, coalesce(max(seq), 0) + 1, $3, $4, $5, $6, $7
from stewardship.case_note where patient_key = $1 and case_id = $2

-- :name read_case_shares
-- Which organisations were told of a case, and when they read it.
select organisation, created_at, read_at from stewardship.notice
where patient_key = $1 and about = $2 order by created_at, organisation

-- :name read_events_of_reader
-- What one reader did around an event, newest first, if it was written down in this minute that it is read.
select patient_key, stream, seq, recorded_at, kind, staff, purpose, evidence, decision, about_seq, snapshot, detail,
       route, session, hash, asked_at, about_stream
from audit.read_witnessed($1, $2, 0, $3, $4, null, $5, null, null, null, null, $6)

-- :name count_dispositions
-- What came of the cases, by rule and month.
select rule, date_trunc('month', opened_at at time zone 'Europe/London')::date as month,
       count(*) as raised, count(*) filter (where closed_at is not null) as closed,
       count(*) filter (where disposition = 'inappropriate') as inappropriate,
       count(*) filter (where disposition = 'training') as training,
       count(*) filter (where disposition = 'appropriate') as appropriate,
       count(*) filter (where disposition = 'inconclusive') as inconclusive,
       count(*) filter (where disposition = 'duplicate') as duplicate
from stewardship.privacy_case
where desk = 'privacy' and ($1::text is null or organisation = $1) and opened_at >= $2
group by rule, month
order by rule, month

-- :name count_weeks
-- Cases raised in each week, and how many of them were found inappropriate.
select date_trunc('week', opened_at at time zone 'Europe/London')::date as monday, count(*) as raised,
       count(*) filter (where disposition = 'inappropriate') as inappropriate
from stewardship.privacy_case
where desk = 'privacy' and ($1::text is null or organisation = $1) and opened_at >= $2
group by monday order by monday

-- :name median_to_close
-- Hours from raising a case to closing it, the middle one.
select percentile_cont(0.5) within group (order by extract(epoch from closed_at - opened_at) / 3600)
from stewardship.privacy_case
where desk = 'privacy' and ($1::text is null or organisation = $1) and opened_at >= $2 and closed_at is not null

-- :name columns
-- Every column of the record's tables that holds text or bytes.
select c.oid::regclass::text as name, quote_ident(a.attname) as column_name
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where n.nspowner = (select oid from pg_catalog.pg_roles where rolname = 'carerecord_owner')
    and c.relkind in ('r', 'p') and not c.relispartition and a.atttypid in ('text'::regtype, 'bytea'::regtype)
    and pg_catalog.has_column_privilege(c.oid, a.attnum, 'select')
order by 1, a.attnum

-- :name unread_tables
-- Tables of the record that whoever asks may not read whole.
select c.oid::regclass::text as name
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspowner = (select oid from pg_catalog.pg_roles where rolname = 'carerecord_owner')
    and c.relkind in ('r', 'p') and not c.relispartition and not pg_catalog.has_table_privilege(c.oid, 'select')
order by 1

-- :name every_value
-- Every such column of one table, which the catalogue named.
select :columns from :table

-- :name find_recipients
-- Which organisations were shown or sent something of this person, under any of their keys.
select organisation, last_at from audit.find_recipients($1::bigint[])

-- :name receive_objection
-- An objection, restricting at once.
insert into stewardship.objection (patient_key, id, scope, value, state, received_at, received_by)
values ($1, $2, $3, $4, 'weighed', $5, $6)
returning id

-- :name change_objection
-- What became of an objection, and why; no row comes back where it is not any more as it was when this was decided.
update stewardship.objection set state = $3, decided_at = $4, decided_by = $5, reason = $6
where patient_key = $1 and id = $2 and state = $7
returning id

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

-- :name ask_proposal
-- What one person asks for.
insert into stewardship.proposal (id, kind, content, because, asked_by, asked_by_name, asked_at)
values ($1, $2, $3, $4, $5, $6, $7)

-- :name agree_proposal
-- A second person agrees, while it waits; no row comes back otherwise, nor for the one who asked.
update stewardship.proposal set agreed_by = $2, agreed_by_name = $3, agreed_at = $4
where id = $1 and asked_by <> $2 and agreed_at is null and withdrawn_at is null and asked_at > $5
returning id

-- :name carry_out_proposal
-- What two people agreed is done.
update stewardship.proposal set done_at = $2, outcome = $3
where id = $1 and agreed_at is not null and done_at is null and withdrawn_at is null

-- :name withdraw_proposal
-- It is not to be done after all; no row comes back where it was done or withdrawn meanwhile.
update stewardship.proposal set withdrawn_at = $2 where id = $1 and done_at is null and withdrawn_at is null
returning id

-- :name find_proposal
-- One proposal by its number.
select id, kind, content, because, asked_by, asked_by_name, asked_at, agreed_by, agreed_by_name, agreed_at, withdrawn_at,
       done_at, outcome
from stewardship.proposal where id = $1

-- :name list_proposals
-- Proposals of these kinds, newest first: those that still wait for a person or for their doing, or all.
select id, kind, content, because, asked_by, asked_by_name, asked_at, agreed_by, agreed_by_name, agreed_at, withdrawn_at,
       done_at, outcome
from stewardship.proposal
where kind = any ($1::text[])
    and (not $2::boolean or (withdrawn_at is null and done_at is null and (agreed_at is not null or asked_at > $3)))
order by asked_at desc, id
limit $4

-- :name is_listed
-- Whether any of these keys is on the list of people whose record is likely to draw the curious.
select exists (select from stewardship.listed_person
               where patient_key = any ($1::bigint[]) and (until is null or until > $2))

-- :name list_person
-- Puts a person on that list for one organisation; again changes why and until when.
insert into stewardship.listed_person (patient_key, organisation, id, because, added_by, added_at, until)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (patient_key, organisation) do update set because = excluded.because, added_by = excluded.added_by,
    added_at = excluded.added_at, until = excluded.until, ended_because = '', ended_by = ''
returning id

-- :name unlist_person
-- Takes a person off it.
update stewardship.listed_person set until = $3, ended_by = $4, ended_because = $5
where patient_key = $1 and id = $2 and (until is null or until > $3)
returning true

-- :name find_listed
-- One entry of that list by its number.
select patient_key, organisation, id, because, added_by, added_at, until
from stewardship.listed_person where id = $1 and (until is null or until > $2)

-- :name read_listed
-- Who is on it for one organisation, or for all: those that end first stand first.
select patient_key, organisation, id, because, added_by, added_at, until
from stewardship.listed_person
where ($1::text is null or organisation = $1) and (until is null or until > $2)
order by until nulls last, added_at, id limit 1000

-- :name read_watch_marks
-- How far an engine has followed each stream.
select stream, seq from stewardship.followed where engine = $1

-- :name keep_watch_marks
-- How far it has followed now; never back.
insert into stewardship.followed (engine, stream, seq) select $1, * from unnest($2::int[], $3::bigint[])
on conflict (engine, stream) do update set seq = greatest(followed.seq, excluded.seq)

-- :name read_watch_days
-- How many people each reader of a role opened on each day, oldest first.
select role, array_agg(count order by day) as counts
from stewardship.watch_day, lateral (select value::int as count from json_array_elements_text(counts::json)) each
where day >= $1 group by role

-- :name keep_watch_day
-- One day of every role.
insert into stewardship.watch_day (day, role, counts) select $1, * from unnest($2::text[], $3::text[])
on conflict (day, role) do update set counts = excluded.counts

-- :name read_rule_findings
-- Of each rule, how many cases were judged, and how many of these found inappropriate.
select rule, count(*)::int as closed, (count(*) filter (where disposition = 'inappropriate'))::int as inappropriate
from stewardship.privacy_case
where kind = $1 and disposition in ('inappropriate', 'appropriate', 'training') group by rule

-- :name knows_attestation
-- Whether this message was taken before.
select exists (select from stewardship.attestation_message where issuer = $1 and jti = $2)

-- :name keep_attestation_message
-- A message of a neighbour, once.
insert into stewardship.attestation_message (issuer, jti, day, said_at, received_at, launches)
values ($1, $2, $3, $4, $5, $6)
on conflict (issuer, jti) do nothing
returning true

-- :name keep_attestations
-- What a neighbour says of its launches; what it said later stays.
insert into stewardship.attestation (issuer, claim, holds, said_at)
select $1, claim, holds, $4 from unnest($2::text[], $3::boolean[]) as said (claim, holds) order by claim
on conflict (issuer, claim) do update set holds = excluded.holds, said_at = excluded.said_at
    where stewardship.attestation.said_at < excluded.said_at

-- :name read_followed
-- How far an engine has followed the audit.
select stream, seq from stewardship.followed where engine = $1

-- :name mark_followed
-- How far an engine has followed the audit now.
insert into stewardship.followed (engine, stream, seq) select $1, * from unnest($2::int[], $3::bigint[])
on conflict (engine, stream) do update set seq = excluded.seq

-- :name rely
-- A launch that arrived, or opened a record: whichever is heard of first, and its first opening.
insert into stewardship.reliance as r
    (patient_key, session, issuer, jti, organisation, staff, evidence_kind, evidence_id, stream, seq, opened_at, opens)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, case when $10::bigint is null then 0 else 1 end)
on conflict (patient_key, session) do update set
    issuer = case when excluded.issuer <> '' then excluded.issuer else r.issuer end,
    jti = case when excluded.jti <> '' then excluded.jti else r.jti end,
    -- What the launch named stays, whatever its reader declared later.
    evidence_kind = case when excluded.jti <> '' then excluded.evidence_kind else r.evidence_kind end,
    evidence_id = case when excluded.jti <> '' then excluded.evidence_id else r.evidence_id end,
    stream = coalesce(r.stream, excluded.stream),
    seq = coalesce(r.seq, excluded.seq),
    opened_at = coalesce(r.opened_at, excluded.opened_at),
    opens = r.opens + excluded.opens

-- :name settle_by_attestation
-- What neighbours attested of launches that wait, were given up, or were settled otherwise before: by jti, or by the
-- evidence that was named. Said too late it is noted and no match.
update stewardship.reliance r
set state = case when not said.holds then 'denied'
                 when said.said_at <= r.opened_at + $2::interval then 'matched'
                 else 'late' end,
    matched_by = case when said.holds then 'attestation' else '' end,
    settled_at = $1
from (
    select o.patient_key, o.session, a.holds, a.said_at,
           row_number() over (partition by o.patient_key, o.session order by a.claim not like 'jti %') as nth
    from stewardship.reliance o
    join stewardship.attestation a
        on a.issuer = o.issuer and a.claim in ('jti ' || o.jti, o.evidence_kind || ' ' || o.evidence_id)
    where o.opened_at > $1::timestamptz - interval '31 days' and (o.settled_at is null or a.said_at > o.settled_at)
) said
where said.nth = 1 and r.patient_key = said.patient_key and r.session = said.session

-- :name waiting_with_relationships
-- Launches that wait, with what the record knows of their organisation's involvement in that person's care.
select r.patient_key, r.session, r.opened_at,
       json_agg(json_build_object('kind', k.kind, 'source', k.source, 'local_id', k.local_id, 'since', k.since,
                                  'until', k.until, 'standing', k.standing, 'said_at', k.said_at))::text as relationships
from stewardship.reliance r
join patient_index.member m on m.patient_key = r.patient_key
join patient_index.relationship k
    on k.patient_key = m.home_key and k.identity_key = m.identity_key and k.organisation = r.organisation
where r.state = 'waiting' and r.opened_at is not null
group by r.patient_key, r.session, r.opened_at

-- :name settle_by_record
-- Launches that the record itself bears out.
update stewardship.reliance r set state = 'matched', matched_by = 'feed', settled_at = $1
from unnest($2::bigint[], $3::text[]) as found (patient_key, session)
where r.patient_key = found.patient_key and r.session = found.session and r.state = 'waiting'

-- :name settle_too_late
-- Launches that nothing has borne out in time.
update stewardship.reliance set state = 'unmatched', settled_at = $1 where state = 'waiting' and opened_at <= $2

-- :name reliances_for_cases
-- Launches that need a case: nothing bore them out, or their own organisation says that it holds nothing of the kind.
select patient_key, session, organisation, staff, evidence_kind, stream, seq, opened_at, opens, state
from stewardship.reliance r
where state in ('unmatched', 'denied') and opened_at is not null and not exists (
    select from stewardship.privacy_case c
    where c.patient_key = r.patient_key and c.about_stream = r.stream and c.about_seq = r.seq
        and c.rule = case r.state when 'unmatched' then ($1::text[])[1] else ($1::text[])[2] end)
order by opened_at
limit 1000

-- :name matched_shares
-- What became of each neighbour's launches that opened a record in a month.
select organisation, count(*) as launches, sum(opens) as opens,
       count(*) filter (where state = 'matched') as matched, count(*) filter (where state = 'denied') as denied,
       count(*) filter (where state in ('unmatched', 'late')) as unmatched,
       count(*) filter (where state = 'waiting') as waiting
from stewardship.reliance
where opened_at >= $1 and opened_at < $2
group by organisation

-- :name find_last_seal
-- The newest seal of the audit.
select number, at, size, signed from audit.seal order by number desc limit 1

-- :name count_objections
-- Objections by what became of them.
select state, count(*)::int as number from stewardship.objection group by state

-- :name count_emergencies
-- Declarations of emergency access, by month, organisation and role of the reader.
select date_trunc('month', opened_at at time zone 'Europe/London')::date as month, organisation,
       detail::json ->> 'role' as role, count(*)::int as declared,
       (count(*) filter (where closed_at is null))::int as open,
       (count(*) filter (where disposition = 'inappropriate'))::int as inappropriate
from stewardship.privacy_case
where kind = 'break-glass' and ($1::text is null or organisation = $1) and opened_at >= $2
group by 1, 2, 3
order by 1 desc, 2, 3

-- :name list_sealing_keys
-- Which keys sealed the audit, by the head of what they signed, the oldest first.
select split_part(signed, '.', 1) || '..' as head, min(at) as first_at, max(at) as last_at
from audit.seal where at >= $1 group by 1 order by 2

-- :name read_holds
-- What is, or was, kept from the ledgers of these people (0: of members of staff, whoever they looked at).
select patient_key, id, kind, value, because, set_by, set_at, lifted_at, organisation
from stewardship.hold where patient_key = any ($1::bigint[]) order by set_at, id

-- :name list_holds
-- Every hold that stands and that this desk set (null: any desk), newest first.
select patient_key, id, kind, value, because, set_by, set_at, lifted_at, organisation
from stewardship.hold where lifted_at is null and ($1::text is null or organisation = $1)
order by set_at desc, id limit 500

-- :name find_hold
-- One hold by its number.
select patient_key, id, kind, value, because, set_by, set_at, lifted_at, organisation
from stewardship.hold where id = $1

-- :name set_hold
-- Keep something from a ledger.
insert into stewardship.hold (patient_key, id, kind, value, because, set_by, set_at, organisation)
values ($1, $2, $3, $4, $5, $6, $7, $8)

-- :name lift_hold
-- It is kept no longer.
update stewardship.hold set lifted_at = $3, lifted_by = $4, lifted_because = $5
where patient_key = $1 and id = $2 and lifted_at is null

-- :name ask_question
-- A person asks about one look; the same look asked about twice is one question.
insert into stewardship.question (patient_key, id, look, organisation, words, asked_at) values ($1, $2, $3, $4, $5, $6)
on conflict (patient_key, look) do nothing

-- :name read_questions
-- What one person asked, under any of their keys.
select look, words, asked_at, answered_at, answer, answered_by
from stewardship.question where patient_key = any ($1::bigint[])

-- :name list_questions
-- Questions to one organisation, or to all; those that wait stand first.
select id, organisation, words, asked_at, answered_at, answer
from stewardship.question where $1::text is null or organisation = $1
order by answered_at nulls first, asked_at limit 200

-- :name find_question
-- One question by its number, which is that of its case.
select patient_key, id, organisation, answered_at from stewardship.question where id = $1

-- :name answer_question
-- The answer, once.
update stewardship.question set answer = $3, answered_at = $4, answered_by = $5
where patient_key = $1 and id = $2 and answered_at is null

-- :name emergencies_to_tell
-- Declarations of emergency access, old enough that their person is told and not told yet, from a place on, oldest first.
select patient_key, id, desk, kind, rule, organisation, staff, sentence, detail, about_stream, about_seq, opened_at,
       due_at, closed_at, disposition
from stewardship.privacy_case c
where kind = 'break-glass' and opened_at <= $1 and (opened_at, id) > ($2, $3) and not exists (
    select from stewardship.notice n
    where n.patient_key = c.patient_key and n.organisation = '' and n.about = 'emergency ' || c.id)
order by opened_at, id
limit $4

-- :name looked_into
-- Open cases that the watch raised of this reader at this person.
select patient_key, id, desk, kind, rule, organisation, staff, sentence, detail, about_stream, about_seq, opened_at,
       due_at, closed_at, disposition
from stewardship.privacy_case
where patient_key = any ($1::bigint[]) and staff = $2 and kind = 'misuse' and closed_at is null

-- :name find_told
-- When a person was told of one emergency, and when they read it.
select created_at, read_at from stewardship.notice where patient_key = $1 and organisation = '' and about = $2

-- :name read_told
-- When a person was told of each emergency, by the event that it was declared by.
select c.about_stream, c.about_seq, n.created_at, n.patient_key, n.id, n.read_at
from stewardship.notice n
join stewardship.privacy_case c on c.patient_key = n.patient_key and n.about = 'emergency ' || c.id
where n.patient_key = any ($1::bigint[]) and n.organisation = '' and n.kind = 'person'
