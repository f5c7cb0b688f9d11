-- Originals are partitioned by month, so that a month can be moved or removed whole. Whoever folds calls this daily; an
-- original whose month has no partition yet waits in the default partition and is moved when the month is made.

create function intake.make_partitions(p_on date default null) returns int
language plpgsql security definer set search_path = '' set lock_timeout = '5s' as $$
declare
    first_on date := pg_catalog.date_trunc('month', coalesce(p_on, (pg_catalog.now() at time zone 'UTC')::date));
    since date;
    until date;
    name text;
    made int := 0;
begin
    perform pg_catalog.pg_advisory_xact_lock(4137260719);
    for ahead in 0..2 loop
        since := (first_on + pg_catalog.make_interval(months => ahead))::date;
        until := (first_on + pg_catalog.make_interval(months => ahead + 1))::date;
        name := 'original_' || pg_catalog.to_char(since, 'YYYY_MM');
        if pg_catalog.to_regclass('intake.' || name) is not null then
            continue;
        end if;
        -- Taken before the parent's lock, in the order in which an insert takes them, so that neither waits for ever.
        lock table intake.original_default in access exclusive mode;
        execute pg_catalog.format('create table intake.%I (like intake.original including defaults including constraints '
                                  'including storage)', name);
        execute pg_catalog.format('with moved as (delete from intake.original_default where day >= %L and day < %L returning *) '
                                  'insert into intake.%I select * from moved', since, until, name);
        execute pg_catalog.format('alter table intake.original attach partition intake.%I for values from (%L) to (%L)',
                                  name, since, until);
        made := made + 1;
    end loop;
    return made;
end $$;
revoke execute on function intake.make_partitions(date) from public;
