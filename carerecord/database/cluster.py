"""The embedded server's data directory: made once, configured at each start, and never taken from a living server."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from carerecord.database.address import PORT, ROLES, SUPERUSER
from carerecord.database.places import SOCKET_NAME, CannotStart, Places, ServerUser, our_name
from carerecord.database.programs import Programs
from carerecord.settings import Settings

SERVER_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PATH": "/usr/bin:/bin"}
ORPHAN_SECONDS_MAX = 60.0
_TELLING = ("FATAL:", "PANIC:", "invalid value", "unrecognized configuration")

# Why each differs from PostgreSQL's own: no network; no just-in-time compiler or parallel plan for look-ups; what
# is stored is compressed already; a lost program must not hold locks; no log line may carry a patient's detail.
_CONFIGURATION = {
    "listen_addresses": "",
    "unix_socket_permissions": "0777",
    "shared_buffers": "256MB",
    "wal_buffers": "16MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "off",
    "synchronous_commit": "on",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "random_page_cost": "1.1",
    "max_connections": "100",
    "idle_in_transaction_session_timeout": "60s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_line_prefix": "%m [%p] ",
}


async def make_cluster(programs: Programs, places: Places, user: ServerUser) -> None:
    """initdb beside its place and then a rename, so that an interrupted first start leaves nothing half made."""
    version = places.data / "PG_VERSION"
    if version.exists():
        if (owner := places.data.stat().st_uid) != user.uid:
            raise CannotStart(f"{places.data} belongs to user {owner}, not {user.name}: start as before, or chown it.")
        made_by = int(version.read_text().strip())
        if made_by != programs.major:
            raise CannotStart(
                f"{places.data} was made by PostgreSQL {made_by} and the programs are {programs.major}: "
                f"back up with a PostgreSQL {made_by}, move the folder away, then restore."
            )
        return
    if places.data.exists() and any(places.data.iterdir()):
        raise CannotStart(f"{places.data} is not a PostgreSQL data folder and is not empty: move it away.")
    unfinished = places.data.with_name("database.unfinished")
    if unfinished.exists():
        shutil.rmtree(unfinished)
    unfinished.mkdir(mode=0o700)
    if user.dropped:
        os.chown(unfinished, user.uid, user.gid)
    # The built-in C.UTF-8 sorts the same on every machine and for ever; before 17 the system's is the nearest.
    locale = ["--locale-provider=builtin", "--locale=C.UTF-8"] if programs.major >= 17 else ["--locale=C.UTF-8"]
    command: list[str | Path] = [
        programs.path("initdb"),
        "-D",
        unfinished,
        "-U",
        SUPERUSER,
        "-E",
        "UTF8",
        *locale,
        "--data-checksums",
    ]
    command += ["--auth-local=peer", "--auth-host=reject", "--no-instructions"]
    made = await asyncio.to_thread(_run_as, command, user)
    if made.returncode:
        reason = (made.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        raise CannotStart(f"PostgreSQL's initdb refused ({reason}): check the space and permissions of {places.state}.")
    if places.data.exists():
        places.data.rmdir()
    unfinished.rename(places.data)


def configure(settings: Settings, places: Places, user: ServerUser, tuning: Mapping[str, str]) -> None:
    """Written at each start, so that what is in force is always what this program says."""
    folder = places.configuration
    lines = {
        **_CONFIGURATION,
        "unix_socket_directories": str(places.sockets),
        "port": str(PORT),
        "hba_file": str(folder / "pg_hba.conf"),
        "ident_file": str(folder / "pg_ident.conf"),
        **tuning,
    }
    _write(folder / "postgresql.conf", "".join(f"{name} = {_quoted(value)}\n" for name, value in lines.items()), user)
    _write(folder / "pg_hba.conf", "local all all peer map=carerecord\n", user)
    _write(folder / "pg_ident.conf", _identities(settings), user)


def _identities(settings: Settings) -> str:
    """Each process user is its own role and no other; whoever supervises may be all of them."""
    ours = our_name()
    lines = [(ours, SUPERUSER), *((ours, f"carerecord_{role}") for role in ROLES)]
    for role, name in (("listen", settings.user_listen), ("work", settings.user_work), ("serve", settings.user_serve)):
        if not name or name == ours:
            continue
        try:
            pwd.getpwnam(name)
        except KeyError:
            raise CannotStart(
                f"CARERECORD_USER_{role.upper()} names {name}, who does not exist here: create or correct it."
            ) from None
        lines.append((name, f"carerecord_{role}"))
    return "".join(f'carerecord "{system}" {role}\n' for system, role in lines)


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _write(path: Path, text: str, user: ServerUser) -> None:
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_text(text, encoding="utf-8")
    if user.dropped:
        os.chown(unfinished, 0, user.gid)
    unfinished.chmod(0o640 if user.dropped else 0o600)
    unfinished.replace(path)


async def clear_stale_lock(places: Places) -> None:
    """A pid file outlives its server when both are killed. It is removed only if no server of this folder lives; an
    orphan that is still shutting down is asked again and waited for."""
    pid_file = places.data / "postmaster.pid"
    patience_ends_at = time.monotonic() + ORPHAN_SECONDS_MAX
    asked = False
    while (pid := _pid_in(pid_file)) is not None and _is_server_of(pid, places.data):
        if not asked:
            _signal(pid, signal.SIGINT)
            asked = True
        if time.monotonic() > patience_ends_at:
            raise CannotStart(
                f"An earlier PostgreSQL (process {pid}) still uses {places.data}: stop it, then start again."
            )
        await asyncio.sleep(0.02)
    # PostgreSQL clears the files of the dead itself, with more care than we could; but it takes a zombie, or a stranger
    # who got the number since, for a living server and refuses.
    for file in (pid_file, places.sockets / f"{SOCKET_NAME}.lock"):
        if (pid := _pid_in(file)) is not None and _exists(pid):
            file.unlink()


def is_ready(places: Places, pid: int) -> bool:
    """PostgreSQL writes its state in the eighth line of its pid file, as pg_ctl reads it."""
    try:
        lines = (places.data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def log_length(places: Places) -> int:
    return places.log.stat().st_size if places.log.exists() else 0


def last_words(places: Places, *, since: int) -> str:
    """The reason in what the server's log gained, for a sentence; our log settings keep patients out of it."""
    try:
        with places.log.open("rb") as log:
            log.seek(since)
            lines = log.read().decode(errors="replace").splitlines()
    except OSError:
        return "it left no log"
    telling = [line for line in lines if any(sign in line for sign in _TELLING)]
    return (telling or lines[-1:] or ["it left no word"])[0].rpartition(":  ")[2].strip()


def _pid_in(pid_file: Path) -> int | None:
    try:
        return abs(int(pid_file.read_text().splitlines()[0]))
    except (OSError, ValueError, IndexError):
        return None


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _is_server_of(pid: int, data: Path) -> bool:
    if not _exists(pid):
        return False
    process = Path(f"/proc/{pid}")
    if not process.exists():  # Not Linux: the pid file's word is all there is.
        return not Path("/proc/self").exists()
    try:
        if (process / "stat").read_text().rpartition(")")[2].split()[0] in ("Z", "X"):
            return False
        words = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    # A dying process has no command line any more but still holds its memory: it counts as living until it is gone.
    return words == [b""] or (b"postgres" in words[0] and os.fsencode(data) in words)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def _run_as(command: list[str | Path], user: ServerUser) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        command, cwd="/", env=SERVER_ENVIRONMENT, capture_output=True, text=True, check=False, **user.ids()
    )
