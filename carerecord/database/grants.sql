-- One role per process, each with the least it needs. Run after every migration; idempotent.
-- carerecord_listen hears and appends; carerecord_work folds; carerecord_serve decides, witnesses and shows;
-- carerecord_operate is the operator's hand (inbox, links); carerecord_witness verifies.

grant usage on schema intake, record, patient_index to carerecord_listen;
grant select, insert on intake.original, intake.message_key, intake.replay to carerecord_listen;
grant usage on sequence intake.original_seq, record.log_seq to carerecord_listen;
grant insert on record.log to carerecord_listen;
grant select on record.dictionary to carerecord_listen;
grant select, insert, update on patient_index.identity to carerecord_listen;
grant select, insert on patient_index.identifier, patient_index.nhs_number, patient_index.judgement to carerecord_listen;
grant select, insert, delete on patient_index.member to carerecord_listen;
-- Programs push by the tokens that serve gave them; only their hashes are there.
grant usage on schema signin to carerecord_listen;
grant execute on function signin.find_token(bytea, timestamptz) to carerecord_listen;

grant usage on schema sources to carerecord_listen;
grant select, insert, update, delete on sources.heard to carerecord_listen;

grant carerecord_listen to carerecord_operate;

grant usage on schema record, intake to carerecord_work;
grant execute on function intake.make_partitions(date) to carerecord_work;
grant select on record.dictionary to carerecord_work;
grant select, delete on record.log to carerecord_work;
grant select, insert, update, delete on record.chunk to carerecord_work;

grant usage on schema record, intake, patient_index, audit, signin to carerecord_serve;
grant select on record.dictionary to carerecord_serve;
grant execute on function record.read_witnessed(bigint, int, bigint, bigint, bytea) to carerecord_serve;
grant execute on function intake.read_original_witnessed(bigint, int, bigint, date, bigint, bytea) to carerecord_serve;
grant select on patient_index.identifier, patient_index.nhs_number, patient_index.identity, patient_index.member to carerecord_serve;
grant insert on audit.event to carerecord_serve;
grant select (patient_key, stream, seq, hash) on audit.event to carerecord_serve;
grant select, insert, update on audit.stream to carerecord_serve;
grant select, insert, update, delete on signin.arrival, signin.login, signin.assertion, signin.emergency to carerecord_serve;
-- Sessions and tokens are found by the hash of their secret alone: whoever serves cannot list them.
grant insert, delete on signin.session, signin.token to carerecord_serve;
grant select (expires_at) on signin.session, signin.token to carerecord_serve;
grant execute on function signin.find_session(bytea, timestamptz, interval),
    signin.find_sessions(bytea[], timestamptz[], timestamptz, interval), signin.use_session(bytea, timestamptz),
    signin.give_reason(bytea, text), signin.close_session(bytea, timestamptz, text),
    signin.close_launch(text, text, timestamptz, text), signin.close_signed_in(text, text, timestamptz, text),
    signin.find_token(bytea, timestamptz) to carerecord_serve;

grant usage on schema sources to carerecord_serve;
grant select on sources.heard to carerecord_serve;

grant usage on schema audit to carerecord_witness;
grant select on audit.event, audit.entry, audit.text, audit.stream to carerecord_witness;
-- What is said often is kept once: written by whoever witnesses, and read within the events that say it.
grant insert on audit.text to carerecord_serve, carerecord_work, carerecord_steward, carerecord_remove;

-- Stewardship: serve is where the desks are; work runs the engine that watches the audit; steward is the hand of the
-- privacy and records desks on the command line.
grant usage on schema stewardship to carerecord_serve, carerecord_work, carerecord_steward;
grant select, insert, update on stewardship.privacy_case, stewardship.proposal, stewardship.objection
    to carerecord_serve, carerecord_steward;
grant select, insert on stewardship.case_note to carerecord_serve, carerecord_steward;
grant select, insert on stewardship.privacy_case to carerecord_work;
grant select, insert, update, delete on patient_index.relationship to carerecord_listen;
grant select on patient_index.relationship to carerecord_serve;

-- Objections, notices, opt-outs, what is cut, and what neighbours attest of their launches.
grant select, insert, update on stewardship.notice to carerecord_serve, carerecord_steward;
grant execute on function audit.find_recipients(bigint[]) to carerecord_serve, carerecord_steward;
grant select on stewardship.national_opt_out, stewardship.opt_out_list to carerecord_serve;
grant select, insert, delete on stewardship.national_opt_out to carerecord_steward;
grant select, insert, update on stewardship.opt_out_list to carerecord_steward;
grant select, insert, update on stewardship.attestation to carerecord_serve;
grant select, insert on stewardship.attestation_message to carerecord_serve;
grant select on stewardship.attestation, stewardship.reliance to carerecord_serve, carerecord_steward, carerecord_work;
grant insert, update on stewardship.reliance to carerecord_work;
grant select, insert, update on stewardship.followed to carerecord_work;
grant usage on schema audit, patient_index to carerecord_work;
grant select (patient_key, stream, seq, recorded_at, kind, staff, evidence, detail, route, session) on audit.event
    to carerecord_work;
grant select on audit.stream, patient_index.member, patient_index.relationship to carerecord_work;
grant usage on schema signin, audit, patient_index to carerecord_steward;
grant select on signin.switch to carerecord_listen;
grant select, insert, delete on signin.switch to carerecord_serve, carerecord_steward;
grant select on patient_index.identity, patient_index.nhs_number, patient_index.member to carerecord_steward;
grant insert on audit.event to carerecord_steward;
grant select (patient_key, stream, seq, hash) on audit.event to carerecord_steward;
grant select, insert, update on audit.stream to carerecord_steward;

-- The witness: whoever works seals what is in it, and makes its months ahead.
grant execute on function audit.make_partitions(date) to carerecord_work;
grant select on audit.event, audit.stream to carerecord_work;
grant select, insert on audit.seal to carerecord_work;
grant select on audit.seal to carerecord_serve, carerecord_witness;
grant select, insert, update on audit.policy to carerecord_serve;
grant execute on function audit.read_witnessed(int, bigint, bigint, timestamptz, timestamptz, text[], text, text,
                                               timestamptz, int, bigint, int) to carerecord_serve;

-- As it was: what demographics replace, and what a steward needs to make again what somebody saw and say who saw it.
grant insert on patient_index.earlier to carerecord_listen;
grant select, insert on audit.circumstance to carerecord_serve;
grant select on audit.circumstance, audit.event to carerecord_steward;
grant usage on schema record, intake to carerecord_steward;
grant select on record.dictionary, patient_index.judgement, patient_index.earlier to carerecord_steward;
grant execute on function record.read_examined(bigint, int, bigint, bigint) to carerecord_steward;
grant execute on function intake.read_original_examined(bigint, int, bigint, date, bigint) to carerecord_steward;
grant execute on function intake.list_recorded_later(date[], bigint[]) to carerecord_steward;
grant execute on function intake.find_whose(date, bigint) to carerecord_steward;

-- Removal. Who removes reads what is to go and withdraws it, on the command line and by the names of two; work takes it
-- out, and reads no original to do so. Whoever hears and whoever serves knows which removals there are.
grant usage on schema record, intake, patient_index, stewardship, audit to carerecord_remove;
grant select on record.log, record.chunk, record.dictionary, intake.original, intake.replay to carerecord_remove;
grant update (outcome, patient_key, identity_key, problems) on intake.original, intake.replay to carerecord_remove;
grant select, insert, update on record.withdrawal to carerecord_remove;
grant select, insert on intake.withdrawn, stewardship.removal to carerecord_remove;
grant select, delete on patient_index.identity, patient_index.nhs_number, patient_index.identifier, patient_index.member,
                        patient_index.judgement, patient_index.earlier, patient_index.relationship to carerecord_remove;
grant update (subject, said_at) on patient_index.identity, patient_index.earlier to carerecord_remove;
grant insert on audit.event to carerecord_remove;
grant select (patient_key, stream, seq, hash) on audit.event to carerecord_remove;
grant select, insert, update on audit.stream to carerecord_remove;
grant select on stewardship.removal to carerecord_steward;
grant usage on schema stewardship to carerecord_listen;
grant select (patient_key, id) on stewardship.removal to carerecord_listen, carerecord_serve;
grant select on intake.withdrawn to carerecord_listen;
grant select on record.withdrawal to carerecord_work;
grant select, update on stewardship.removal to carerecord_work;
grant insert on audit.event to carerecord_work;
grant insert, update on audit.stream to carerecord_work;
grant execute on function intake.remove_withdrawn(bigint) to carerecord_work;
grant execute on function intake.withdraw_returned(bigint, bigint, date[], bigint[]) to carerecord_work;
grant execute on function intake.find_removed(bigint, date, bigint) to carerecord_serve;
-- Who works takes its bytes off the disk, through functions that write nothing that stays.
grant execute on function stewardship.removable_tables(), stewardship.is_still_seen(timestamptz),
    stewardship.write_anew(text, bigint), stewardship.vacuum_soon(text, boolean),
    stewardship.overwrite_free(text, int, boolean, int) to carerecord_work;
grant select, insert, update on stewardship.written_anew to carerecord_work;
grant select on stewardship.written_anew, stewardship.proposal to carerecord_remove;
grant update (done_at, outcome) on stewardship.proposal to carerecord_remove;
grant select, insert on stewardship.removal_proof, stewardship.returned to carerecord_remove;

-- The watch reads who looked, and of whom they looked at what the rules ask; it opens cases and keeps its place.
grant usage on schema audit, patient_index to carerecord_work;
grant select on audit.event, audit.stream to carerecord_work;
grant select on patient_index.identity, patient_index.member, patient_index.relationship, stewardship.objection,
    stewardship.listed_person to carerecord_work;
grant select, insert, update on stewardship.watch_day to carerecord_work;
-- The list of people who draw the curious is read by the watch and by the privacy desk's own hand: whoever serves cannot.
grant select, insert, update on stewardship.listed_person to carerecord_steward;

-- A person's own ledger: read and asked about where pages are served, and held there by the privacy desk.
grant select, insert, update on stewardship.hold, stewardship.question to carerecord_serve;
grant select on stewardship.hold to carerecord_work;

-- Telling a person of emergency access: the notice in their own ledger.
grant select, insert on stewardship.notice to carerecord_work;

-- Subject access: the records desk's own hand; what was decided of an item is never changed.
grant select, insert, update on stewardship.subject_access to carerecord_steward;
grant select, insert on stewardship.redaction to carerecord_steward;
grant select, insert, update on stewardship.subject_access_file to carerecord_steward;
grant select on stewardship.hold to carerecord_steward;
-- Work makes the file that was asked for, of what it folds anyway, and takes it away again.
grant select on stewardship.redaction to carerecord_work;
grant select, update on stewardship.subject_access, stewardship.subject_access_file to carerecord_work;
grant execute on function record.read_examined(bigint, int, bigint, bigint) to carerecord_work;

-- What two people agreed and is in force: read by whoever decides, and by whoever explains; written by two functions.
grant select on stewardship.agreed to carerecord_serve, carerecord_work, carerecord_steward, carerecord_witness;
grant usage on schema stewardship to carerecord_witness;
grant execute on function stewardship.put_in_force(bigint, text, text, boolean, text),
    stewardship.close_route(text, text, text, text, timestamptz) to carerecord_serve;
grant select, insert, update on stewardship.key_use to carerecord_serve;

-- Labels follow their lists: this role alone both reads what is kept, with its originals, and says it again.
grant usage on schema record, intake to carerecord_relabel;
grant select on record.log, record.chunk, record.dictionary, record.withdrawal, intake.original, intake.replay
    to carerecord_relabel;
grant insert on record.log to carerecord_relabel;
grant usage on sequence record.log_seq to carerecord_relabel;
grant select, insert, update on intake.labelling to carerecord_relabel;
grant select, insert on intake.labelling to carerecord_listen;
