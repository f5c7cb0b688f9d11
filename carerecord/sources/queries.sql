-- :name keep_heard
-- What one process heard since it last said so. Another process may have said more of the same hour.
insert into sources.heard as known (source, hour, messages, last_at, longest_quiet_seconds)
select * from unnest($1::text[], $2::timestamptz[], $3::bigint[], $4::timestamptz[], $5::int[])
on conflict (source, hour) do update
set messages = known.messages + excluded.messages,
    last_at = greatest(known.last_at, excluded.last_at),
    longest_quiet_seconds = greatest(known.longest_quiet_seconds, excluded.longest_quiet_seconds);

-- :name forget_heard
-- Hours too old to say anything about the rhythm of today.
delete from sources.heard where hour < $1;

-- :name read_last_heard
-- When each source was last heard.
select source, max(last_at) as last_at from sources.heard group by source;

-- :name read_heard
-- Every remembered hour of every source.
select source, hour, messages, last_at, longest_quiet_seconds from sources.heard where hour >= $1;
