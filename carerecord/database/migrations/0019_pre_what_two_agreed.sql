-- What two people agreed and is in force: routes through legal bars, what is hidden here, roles, keys. Append-only: the
-- newest row of a kind and name stands, and one that is not in force ends it. Nothing is written here but by the two
-- functions below, and they write only what the proposals say that two people agreed.

create table stewardship.agreed (
    number bigint primary key,  -- committed in this order
    kind text collate "C" not null check (kind in ('legal-bar', 'policy', 'role', 'key')),
    name text collate "C" not null,  -- the bar, the narrowing's reference, the national code, or whose key and which
    is_in_force boolean not null,  -- false: what stood under this name has ended
    content text not null,  -- JSON
    because text not null,
    asked_by text collate "C" not null,
    asked_by_name text not null,
    agreed_by text collate "C",  -- null: closed by one person
    agreed_by_name text not null,
    proposal bigint,  -- null: as above
    at timestamptz not null,
    check (agreed_by <> asked_by),
    check ((proposal is null) = (agreed_by is null)),
    check (proposal is not null or (kind = 'legal-bar' and not is_in_force))
);
create index agreed_by_name on stewardship.agreed (kind, name, number desc);

-- When each key of a neighbour or a program was used last, within a minute or so.
create table stewardship.key_use (
    whose text collate "C" not null,
    kid text collate "C" not null,
    last_at timestamptz not null,
    primary key (whose, kid)
);

-- In the commit that agrees, and for no other proposal.
create function stewardship.put_in_force(
    p_proposal bigint, p_kind text, p_name text, p_is_in_force boolean, p_content text)
returns bigint
language plpgsql security definer set search_path = '' set lock_timeout = '5s' as $$
declare
    asked stewardship.proposal%rowtype;
    placed bigint;
begin
    lock table stewardship.agreed in share row exclusive mode;  -- one at a time, so that no lower number comes later
    select * into asked from stewardship.proposal p
    where p.id = p_proposal and p.kind = p_kind and p.agreed_by is not null and p.agreed_at is not null
        and p.withdrawn_at is null and p.done_at is null;
    if not found then
        raise exception using errcode = 'insufficient_privilege',
            message = 'Only what two people agreed, and is not done yet, is put in force.';
    end if;
    select coalesce(max(a.number), 0) + 1 into placed from stewardship.agreed a;
    insert into stewardship.agreed
        (number, kind, name, is_in_force, content, because, asked_by, asked_by_name, agreed_by, agreed_by_name,
         proposal, at)
    values (placed, p_kind, p_name, p_is_in_force, p_content, asked.because, asked.asked_by, asked.asked_by_name,
            asked.agreed_by, asked.agreed_by_name, asked.id, asked.agreed_at);
    return placed;
end $$;
revoke execute on function stewardship.put_in_force(bigint, text, text, boolean, text) from public;

-- A route through a legal bar is shut by one person: to cut is safer than to open.
create function stewardship.close_route(p_bar text, p_because text, p_by text, p_by_name text, p_at timestamptz)
returns bigint
language plpgsql security definer set search_path = '' set lock_timeout = '5s' as $$
declare
    placed bigint;
begin
    lock table stewardship.agreed in share row exclusive mode;
    select coalesce(max(a.number), 0) + 1 into placed from stewardship.agreed a;
    insert into stewardship.agreed
        (number, kind, name, is_in_force, content, because, asked_by, asked_by_name, agreed_by, agreed_by_name,
         proposal, at)
    values (placed, 'legal-bar', p_bar, false, '{}', p_because, p_by, p_by_name, null, '', null, p_at);
    return placed;
end $$;
revoke execute on function stewardship.close_route(text, text, text, text, timestamptz) from public;
