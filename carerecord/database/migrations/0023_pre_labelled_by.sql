-- By which lists statements were labelled (decision record "Labels follow their lists"). One row whenever intake begins with other
-- lists than before, and one for each pass that labelled again what came earlier: a statement that a pass said again was
-- received at the very moment of that pass, so no statement bears a byte for this.
create table intake.labelling (
    at timestamptz not null primary key,
    lists text collate "C" not null,
    is_pass boolean not null,
    lowers boolean not null default false,
    up_to bigint,  -- of a pass under way: the key that was done last
    finished_at timestamptz,
    counts text
);
-- What came before this was noted, was labelled by lists that nobody wrote down.
insert into intake.labelling (at, lists, is_pass)
select now(), 'unknown', false where exists (select from intake.original);
