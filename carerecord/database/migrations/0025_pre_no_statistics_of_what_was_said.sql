-- The planner's statistics are copies: of a column that is analysed the server keeps values in its own catalogue, where no
-- removal reaches. What a source said of a person is not sampled; keys, sources and kinds still are.
alter table intake.original alter control_id set statistics 0, alter content set statistics 0, alter problems set statistics 0;
alter table intake.replay alter problems set statistics 0;
alter table record.log alter header set statistics 0, alter body set statistics 0;
alter table record.chunk alter header set statistics 0, alter body set statistics 0;
alter table patient_index.identity alter value set statistics 0, alter nhs_number set statistics 0,
    alter subject set statistics 0;
alter table patient_index.identifier alter value set statistics 0;
alter table patient_index.nhs_number alter nhs_number set statistics 0;
alter table patient_index.earlier alter nhs_number set statistics 0, alter subject set statistics 0;
alter table patient_index.judgement alter reasons set statistics 0;
alter table patient_index.relationship alter local_id set statistics 0;

-- Samples that are kept already go: a column that is given its own type again has none, and no row is written anew.
do $$
declare
    sampled record;
begin
    for sampled in
        select a.attrelid::pg_catalog.regclass as name, a.attname, a.attstorage,
            pg_catalog.format_type(a.atttypid, a.atttypmod)
                || coalesce(' collate ' || pg_catalog.quote_ident(l.collname), '') as type
        from pg_catalog.pg_attribute a
        join pg_catalog.pg_class c on c.oid = a.attrelid
        left join pg_catalog.pg_collation l on l.oid = a.attcollation and l.collname <> 'default'
        where a.attstattarget = 0 and a.attnum > 0 and c.relkind in ('r', 'p') and not c.relispartition
            and c.relnamespace::pg_catalog.regnamespace::text in ('intake', 'record', 'patient_index')
    loop
        execute pg_catalog.format('alter table %s alter %I type %s', sampled.name, sampled.attname, sampled.type);
        if sampled.attstorage = 'e' then
            execute pg_catalog.format('alter table %s alter %I set storage external', sampled.name, sampled.attname);
        end if;
    end loop;
end $$;

-- A month to come is made like its parent, which does not hand down what is sampled.
create or replace function intake.make_partitions(p_on date default null) returns int
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
        execute pg_catalog.format('alter table intake.%I alter control_id set statistics 0, alter content set statistics 0, '
                                  'alter problems set statistics 0', name);
        execute pg_catalog.format('with moved as (delete from intake.original_default where day >= %L and day < %L returning *) '
                                  'insert into intake.%I select * from moved', since, until, name);
        execute pg_catalog.format('alter table intake.original attach partition intake.%I for values from (%L) to (%L)',
                                  name, since, until);
        made := made + 1;
    end loop;
    return made;
end $$;
