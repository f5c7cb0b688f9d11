"""The one place the environment is read; every knob with its reason."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting is one environment variable, `CARERECORD_` and the field's name in capitals. REASONS says why."""

    home: Path = Path(".carerecord")
    region: Path = Path("demo/region/region.toml")
    database: str = ""
    database_listen: str = ""
    database_work: str = ""
    database_serve: str = ""
    postgres_bin: str = ""
    listen_host: str = "127.0.0.1"
    listen_port: int = 2575
    listen_fhir_port: int = 0
    listen_tls_certificate: str = ""
    listen_tls_key: str = ""
    listen_tls_client_authority: str = ""
    listen_connections_max: int = 512
    listen_message_bytes_max: int = 16_777_216
    listen_idle_seconds_max: int = 3600
    listen_bytes_held_max: int = 268_435_456
    listen_bytes_per_second_min: int = 8192
    listen_slow_seconds_max: int = 5
    drop_folder: str = ""
    translate_seconds_max: int = 5
    serve_host: str = "127.0.0.1"
    serve_port: int = 8400
    public_url: str = "http://127.0.0.1:8400"
    user_listen: str = ""
    user_work: str = ""
    user_serve: str = ""
    session_seconds_max: int = 3600
    session_idle_seconds_max: int = 900
    session_requests_per_second_max: int = 50
    user_requests_per_second_max: int = 20
    program_requests_per_second_max: int = 100
    organisation_requests_per_second_max: int = 500
    address_requests_per_second_max: int = 100
    serve_processes: int = 1
    serve_behind_proxy: bool = False
    witness_seals: str = ""
    witness_keys: str = ""
    witness_signer: str = ""
    witness_seal_seconds: int = 30
    live: bool = False
    policy_narrowing: str = ""
    removal_ledger: str = ""
    removal_hours: str = "1-4"
    removal_lock_mebibytes_max: int = 128
    removal_by_names: bool = False
    retention_guardian: str = ""
    staff_registers: str = ""
    notices: str = ""


REASONS = {
    "home": "Folder of this installation: the embedded database and its sockets. Private (0700; as root 0711).",
    "region": "The region: organisations, sources, neighbours and their keys, as one TOML file.",
    "database": "DSN of a PostgreSQL 15 to 18 to use instead of the embedded one, as its owner.",
    "database_listen": "DSN for the listening process; default: the owner's, with SET ROLE carerecord_listen.",
    "database_work": "DSN for the folding process; default: the owner's, with SET ROLE carerecord_work.",
    "database_serve": "DSN for the serving process; default: the owner's, with SET ROLE carerecord_serve.",
    "postgres_bin": "Folder of PostgreSQL's programs, if not those of the installed wheel.",
    "listen_host": "Address on which HL7 v2 over MLLP is heard. Loopback unless the network is trusted or TLS is set.",
    "listen_port": "Port on which HL7 v2 over MLLP is heard.",
    "listen_fhir_port": "Port on which FHIR pushes are heard; 0: none are. The same host, TLS and sizes as for HL7 v2.",
    "listen_tls_certificate": "Certificate file (PEM). Set it to hear MLLP and FHIR pushes over TLS.",
    "listen_tls_key": "Key file (PEM) of that certificate.",
    "listen_tls_client_authority": "Authority file (PEM). Set it to require a client certificate.",
    "listen_connections_max": "Connections heard at once; more are refused, so that memory stays bounded.",
    "listen_message_bytes_max": "Largest message in bytes; a larger one is refused with AR and the connection closed.",
    "listen_idle_seconds_max": "Seconds without a byte after which a connection is closed.",
    "listen_bytes_held_max": "Bytes of pushed bodies held at once, half of them of one program; others wait unread.",
    "listen_bytes_per_second_min": "Bytes a second with which a pushed body must come; a slower one is refused (408).",
    "listen_slow_seconds_max": "Seconds that a pushed body may be slower than that. None takes more than a minute.",
    "drop_folder": "Folder with one folder for each source, by its id, in which it drops documents; none if not set.",
    "translate_seconds_max": "Seconds a translation may take; a slower one is parked, kept and answered AE.",
    "serve_host": "Address on which the record is served.",
    "serve_port": "Port on which the record is served.",
    "public_url": "The record's own address as browsers and clients see it.",
    "user_listen": "Operating system user for the listening process when started as root.",
    "user_work": "Operating system user for the folding process when started as root.",
    "user_serve": "Operating system user for the serving process when started as root.",
    "session_seconds_max": "Seconds after which a session ends, however busy.",
    "session_idle_seconds_max": "Seconds without use by a person after which a session ends; a page that asks for "
    "itself again is not used by that.",
    "session_requests_per_second_max": "Requests a second of one session or token, saved for 20 s; a search counts 10.",
    "user_requests_per_second_max": "Requests a second of one member of staff, in all sessions together; a reader asks "
    "about 1. Saved for 20 s; a search counts 10.",
    "program_requests_per_second_max": "Requests a second of one program, by all its tokens. Saved for 20 s; a search "
    "counts 10.",
    "organisation_requests_per_second_max": "Requests a second of everybody at one organisation, programs too, beyond "
    "what each alone is refused; 10,000 staff ask some hundreds. Saved for 20 s; a search counts 10.",
    "address_requests_per_second_max": "Requests a second of one address to what needs no session, saved for 20 s; a "
    "refused one counts ten more. A neighbour launches from one address: leave room for its busiest hour.",
    "serve_behind_proxy": "True: an address is the last of X-Forwarded-For, as the proxy before the web port adds it.",
    "serve_processes": "How many processes serve behind one address. Each counts by itself and for its share: every "
    "limit of requests is divided by it.",
    "witness_seals": "Folder of the seals that prove the audit: put it on another machine. In home if not set.",
    "witness_keys": "Folder of the keys that sign seals, readable by the working process alone. In home if not set.",
    "witness_signer": "`command:/path` of what signs seals instead of the files of that folder, as in front of an HSM.",
    "witness_seal_seconds": "Seconds between two seals: what is older than this and changed afterwards is found.",
    "policy_narrowing": "Folder of what this region takes from the shipped policies (narrowing.toml, *.cedar). "
    "Refused at the start if any decision would show more. Empty: nothing is taken.",
    "live": "True: real patients; NHS numbers for testing (9xx) and messages for training (MSH-11) are refused.",
    "removal_ledger": "Ledger of removals outside the database; default: removal-ledger.jsonl in home. Copy it.",
    "removal_hours": "Hours of UTC in which removed bytes are taken off the disk; after 18 hours any. Empty: any.",
    "removal_lock_mebibytes_max": "Largest table that is locked and written anew for it; the free room of a larger one "
    "is overwritten without a lock.",
    "removal_by_names": "True: no desk is staffed, and two names typed on the command line are taken for two people. "
    "It is said in every removal's ledger and to the audit. False: two people agree at the desk, as they signed in.",
    "retention_guardian": "Caldicott Guardian who agrees beforehand to removals whose time is over. Empty: ask.",
    "staff_registers": "Folder of staff registers (*.jsonl), read by the watch alone. Empty: it knows names only.",
    "notices": "Folder of notices to organisations, a file each, naming nobody. Empty: in the database alone.",
}


def read() -> Settings:
    """Settings from the environment. Raises msgspec.ValidationError naming the variable that does not fit."""
    raw = {
        field: os.environ[name]
        for field in Settings.__struct_fields__
        if (name := f"CARERECORD_{field.upper()}") in os.environ
    }
    try:
        return msgspec.convert(raw, Settings, strict=False, dec_hook=lambda kind, value: kind(value))
    except msgspec.ValidationError as wrong:
        said, _, field = str(wrong).partition(" - at `$.")
        raise msgspec.ValidationError(f"CARERECORD_{field.rstrip('`').upper()}: {said}.") from wrong


def environment(**changes: str) -> dict[str, str]:
    """The environment for a child process: ours, with these settings changed."""
    return {**os.environ, **{f"CARERECORD_{field.upper()}": value for field, value in changes.items()}}


def variables() -> list[str]:
    return [f"CARERECORD_{field.upper()}" for field in Settings.__struct_fields__]
