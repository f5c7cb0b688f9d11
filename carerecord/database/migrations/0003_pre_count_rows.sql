-- A backup proves itself by the count of every table; this counts one, by name, as the caller may.

create function carerecord.count_rows(p_table regclass) returns bigint
language plpgsql stable security invoker set search_path = '' as $$
declare
    counted bigint;
begin
    execute pg_catalog.format('select pg_catalog.count(*) from %s', p_table) into counted;
    return counted;
end $$;
revoke execute on function carerecord.count_rows(regclass) from public;
