-- A fifth of a large table is too much to leave dead (the server's default): what churns is vacuumed in small portions.

-- every row is deleted once it is folded; who folds walks its key, and would walk past the dead
alter table record.log set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000,
                            autovacuum_analyze_scale_factor = 0.05);
-- the open part of a heading is written again with each fold, most of it out of line
alter table record.chunk set (autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_scale_factor = 0.05);
-- nearly every message of a hospital updates one row and no key: with room beside it, the index need not be told
alter table patient_index.identity set (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05);
