-- :name last_number
-- The newest of what two people agreed; asked every two seconds by each process that decides.
select coalesce(max(number), 0)::bigint from stewardship.agreed

-- :name read_standing
-- What stands, or stood at an instant: the newest of each kind and name, in the order in which it was agreed.
select number, kind, name, is_in_force, content, because, asked_by_name, agreed_by_name, proposal, at
from (select distinct on (kind, name) * from stewardship.agreed
      where $1::timestamptz is null or at <= $1 order by kind, name, number desc) newest
order by number

-- :name list_past
-- What was put in force and ended, newest first.
select number, kind, name, is_in_force, content, because, asked_by_name, agreed_by_name, proposal, at
from stewardship.agreed order by number desc limit $1

-- :name put_in_force
-- In the commit that agrees to this proposal.
select stewardship.put_in_force($1, $2, $3, $4, $5)

-- :name close_route
-- Shuts the route through a legal bar, by one person.
select stewardship.close_route($1, $2, $3, $4, $5)

-- :name note_key_uses
-- When keys were used last; what another process noted later stays.
insert into stewardship.key_use (whose, kid, last_at)
select * from unnest($1::text[], $2::text[], $3::timestamptz[])
on conflict (whose, kid) do update set last_at = greatest(stewardship.key_use.last_at, excluded.last_at)

-- :name list_key_uses
-- When each key was used last.
select whose, kid, last_at from stewardship.key_use

-- :name has_new_sealing_key
-- Whether some key sealed for the first time after that instant.
select exists (select from audit.seal
               group by split_part(signed, '.', 1) having min(at) > $1 and exists (select from audit.seal where at <= $1))
