-- A hold keeps somebody safe: only the desk that set it, and the one that leads, may read or lift it.

alter table stewardship.hold add column organisation text collate "C" not null default '';  -- '': the desk that leads
