-- The roles of the spine. Idempotent. Run by `carerecord migrate` when its user may create roles; otherwise a database
-- administrator runs it once in the record's database, as it stands, and grants carerecord_owner to the DSN's user.
do $$
declare
    wanted text;
begin
    foreach wanted in array array['carerecord_owner', 'carerecord_listen', 'carerecord_work', 'carerecord_serve',
                                  'carerecord_operate', 'carerecord_witness', 'carerecord_steward',
                                  'carerecord_remove', 'carerecord_relabel'] loop
        if not exists (select from pg_catalog.pg_roles where rolname = wanted) then
            begin
                execute format('create role %I nologin', wanted);
            exception when duplicate_object or unique_violation then
                null;  -- Another database of the same server was migrated in the same moment.
            end;
            -- Since PostgreSQL 16 the creator may administer a role but not yet become it.
            execute format('grant %I to current_user', wanted);
        end if;
        if wanted <> 'carerecord_owner' and not exists (
            select from pg_catalog.pg_auth_members
            where roleid = wanted::regrole and member = 'carerecord_owner'::regrole and admin_option
        ) then
            execute format('grant %I to carerecord_owner with admin option', wanted);
        end if;
    end loop;
    if not pg_has_role(current_user, 'carerecord_owner', 'member') then
        execute 'grant carerecord_owner to current_user';
    end if;
    -- The embedded server makes its roles from the database postgres, before there is a record.
    if current_database() <> 'postgres' and not has_database_privilege('carerecord_owner', current_database(), 'create') then
        execute format('grant create on database %I to carerecord_owner', current_database());
    end if;
end $$;
