-- sources: when each feed was heard, hour by hour, so that a late one is told from a quiet one by its own rhythm.
-- Small: one row a source an hour, kept for five weeks.

create schema sources;

create table sources.heard (
    source text collate "C" not null,
    hour timestamptz not null,
    messages bigint not null,
    last_at timestamptz not null,
    longest_quiet_seconds int not null,  -- of the silences that began in this hour and are over
    primary key (source, hour)
);
