-- :name insert_session
-- Keep a session, of its token only the hash; with what is cut.
insert into signin.session
    (token_hash, id, staff, patient_key, evidence, purpose, route, created_at, expires_at, parent_id, issuer, used_at,
     launch, provider_session)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $8, $12, $13)
returning array(select s.kind || ' ' || s.name from signin.switch s) as cuts;

-- :name find_session
-- The open session that this token belongs to, with the emergency access to its person that its reader has declared, and
-- with what is cut.
select token_hash, id, staff, patient_key, evidence, purpose, route, created_at, expires_at, used_at, parent_id, issuer,
       emergency, emergency_until, cuts
from signin.find_session($1, $2, $3);

-- :name replace_evidence
-- The reader gave a reason: it stands in place of weak evidence.
select signin.give_reason($1, $2);

-- :name use_session
-- A person used it, and the staff session that it was opened from.
select signin.use_session($1, $2);

-- :name begin_emergency
-- A reader declared emergency access to one person: it stands for whichever session of theirs opens that person.
insert into signin.emergency (patient_key, user_id, organisation, role, evidence, declared_at, until)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (patient_key, user_id, organisation, role) do update
    set evidence = excluded.evidence, declared_at = excluded.declared_at, until = excluded.until, ended_at = null;

-- :name end_emergency
-- The reader ended it before its time.
update signin.emergency set ended_at = $5
where patient_key = $1 and user_id = $2 and organisation = $3 and role = $4 and ended_at is null and until > $5
returning true;

-- :name close_session
-- End one session, and every chart that was opened from it.
select signin.close_session($1, $2, $3);

-- :name close_launch
-- End what one launch opened.
select id, staff, patient_key from signin.close_launch($1, $2, $3, $4);

-- :name close_signed_in
-- End what somebody opened after signing in, by the provider's session or by who they are.
select id, staff from signin.close_signed_in($1, $2, $3, $4);

-- :name insert_login
-- Keep what a sign-in needs until its answer comes back, under the hash of a secret.
insert into signin.login (state_hash, content, created_at, expires_at) values ($1, $2, $3, $4)
on conflict (state_hash) do update
    set content = excluded.content, created_at = excluded.created_at, expires_at = excluded.expires_at;

-- :name take_login
-- A sign-in that waits, once: the second to ask finds nothing.
delete from signin.login where state_hash = $1 returning content, expires_at;

-- :name find_login
-- A sign-in that waits for a role to be chosen.
select content from signin.login where state_hash = $1 and expires_at > $2;

-- :name insert_arrival
-- Keep a verified launch under its code, with what is cut; no row comes back when this launch was seen before.
insert into signin.arrival (code_hash, issuer, jti, content, created_at, expires_at) values ($1, $2, $3, $4, $5, $6)
on conflict (issuer, jti) do nothing
returning array(select s.kind || ' ' || s.name from signin.switch s) as cuts;

-- :name redeem_arrival
-- Use a code, once: whoever comes second, even at the same moment, gets no row. What it held is emptied.
update signin.arrival a set used_at = $2, content = ''
from (select w.code_hash, w.content from signin.arrival w
      where w.code_hash = $1 and w.used_at is null and w.expires_at > $2 for update) waiting
where a.code_hash = waiting.code_hash and a.used_at is null
returning waiting.content;

-- :name find_arrival
-- Why a code was not redeemed.
select issuer, used_at from signin.arrival where code_hash = $1;

-- :name insert_assertion
-- Remember a client assertion; no row comes back when it was used before.
insert into signin.assertion (issuer, jti, expires_at) values ($1, $2, $3)
on conflict (issuer, jti) do nothing
returning jti;

-- :name insert_token
-- Keep a program's access token by its hash; with what is cut.
insert into signin.token (token_hash, staff, scope, created_at, expires_at) values ($1, $2, $3, $4, $5)
returning array(select s.kind || ' ' || s.name from signin.switch s) as cuts;

-- :name find_token
-- The program that this access token belongs to, with what is cut.
select staff, scope, expires_at, cuts from signin.find_token($1, $2);

-- :name sweep_sessions
-- Forget sessions that ended long ago: the audit keeps who looked.
delete from signin.session where expires_at < $1;

-- :name sweep_emergencies
-- Forget emergency access that is over: the audit keeps who declared it, and the privacy desk its case.
delete from signin.emergency where until < $1;

-- :name sweep_logins
-- Forget sign-ins that were never finished.
delete from signin.login where expires_at < $1;

-- :name sweep_arrivals
-- Forget launches that can no longer be replayed, because their own time has passed.
delete from signin.arrival where expires_at < $1;

-- :name empty_arrivals
-- A launch that can no longer be used keeps nothing of its patient.
update signin.arrival set content = '' where expires_at <= $1 and content <> '';

-- :name sweep_tokens
-- Forget access tokens that have ended.
delete from signin.token where expires_at < $1;

-- :name sweep_assertions
-- Forget client assertions that can no longer be replayed.
delete from signin.assertion where expires_at < $1;

-- :name list_switches
-- What is cut now.
select kind, name, because, cut_by, cut_at from signin.switch order by cut_at desc, kind, name;

-- :name cut_switch
-- Cut something; no row comes back when it was cut before.
insert into signin.switch (kind, name, because, cut_by, cut_at) values ($1, $2, $3, $4, $5)
on conflict (kind, name) do nothing
returning true;

-- :name restore_switch
-- Restore something; no row comes back when it was not cut.
delete from signin.switch where kind = $1 and name = $2 returning true;

-- :name find_sessions
-- Which of these sessions are open, what is cut, and whether an objection restricts their person since the page was drawn.
select token_hash, staff, route, issuer, cuts, is_restricted from signin.find_sessions($1, $2, $3, $4);
