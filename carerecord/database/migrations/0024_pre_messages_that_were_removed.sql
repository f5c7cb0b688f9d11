-- What else a removed message said stays in the record, and its page says when the message went: to those alone who read
-- of the person whose removal it was. It reads nothing of the message.
create function intake.find_removed(p_patient_key bigint, p_day date, p_seq bigint) returns timestamptz
language sql stable security definer set search_path = '' as $$
    select pg_catalog.min(r.withdrawn_at)
    from intake.withdrawn w
    join stewardship.removal r on r.id = w.removal
    where w.day = p_day and w.seq = p_seq
        and r.patient_key in (select m.home_key from patient_index.member m where m.patient_key = p_patient_key)
$$;
revoke execute on function intake.find_removed(bigint, date, bigint) from public;
