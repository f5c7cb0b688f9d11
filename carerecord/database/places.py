"""Where the embedded database lives and as whom: folders and operating system users, without touching anyone else's."""

from __future__ import annotations

import hashlib
import os
import pwd
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from carerecord import logs
from carerecord.settings import Settings

SERVER_USERS = ("carerecord", "postgres", "nobody")
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_BYTES_MAX = 103  # Linux allows 107, macOS 103.
STATE_OF_ROOT = Path("/var/lib/carerecord")


class CannotStart(Exception):
    """The embedded database cannot start; the sentence says why and what to do."""


class ServerUser(msgspec.Struct, frozen=True):
    """As whom PostgreSQL runs: root's choice of an unprivileged account, or whoever we are."""

    name: str
    uid: int
    gid: int
    dropped: bool

    def ids(self) -> dict[str, Any]:
        """Arguments for subprocess: drops to this user if we are root."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.dropped else {}


class Places(msgspec.Struct, frozen=True):
    """Folders of one embedded server. `state` is home, unless the server's user cannot reach home."""

    state: Path
    data: Path
    configuration: Path
    sockets: Path
    log: Path


def our_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise CannotStart(
            f"The operating system user {os.geteuid()} has no name: add it to /etc/passwd, or give CARERECORD_DATABASE."
        ) from None


def server_user() -> ServerUser:
    if os.geteuid():
        return ServerUser(our_name(), os.geteuid(), os.getegid(), dropped=False)
    for name in SERVER_USERS:
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        return ServerUser(name, account.pw_uid, account.pw_gid, dropped=True)
    raise CannotStart("PostgreSQL must not run as root and no account for it was found: create one named carerecord.")


def can_reach(path: Path, user: ServerUser, *, to: str = "-x") -> bool:
    """Asked of the system as that user, so that every kind of permission counts."""
    if not user.dropped:
        return True
    asked = subprocess.run(["/usr/bin/test", to, str(path)], cwd="/", check=False, **user.ids())  # noqa: S603
    return not asked.returncode


def home_of(settings: Settings) -> Path:
    return Path(os.path.abspath(settings.home))


def socket_folder(settings: Settings) -> Path:
    """Where a client finds the socket: the first of our possible folders that has one and belongs to us or to root."""
    for folder in _socket_folders(settings):
        try:
            if (folder / SOCKET_NAME).exists() and folder.stat().st_uid in (0, os.geteuid()):
                return folder
        except OSError:
            continue
    return _socket_folders(settings)[0]


def _mark(settings: Settings) -> str:
    return hashlib.blake2b(os.fsencode(home_of(settings)), digest_size=6).hexdigest()


def _state_elsewhere(settings: Settings) -> Path:
    return STATE_OF_ROOT / _mark(settings)


def _socket_folders(settings: Settings) -> tuple[Path, ...]:
    near = tuple(
        folder for folder in (home_of(settings) / "sockets", _state_elsewhere(settings) / "sockets") if _fits(folder)
    )
    return (*near, Path(f"/run/carerecord-{_mark(settings)}"), _private_temporary(settings))


def _private_temporary(settings: Settings) -> Path:
    return Path(tempfile.gettempdir()) / f"carerecord-{os.geteuid()}-{_mark(settings)}"


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder / SOCKET_NAME)) <= SOCKET_PATH_BYTES_MAX


def prepare(settings: Settings, user: ServerUser) -> Places:
    """Makes our own folders. As root, others can pass through home but not list it; no parent's permissions change."""
    home = home_of(settings)
    home.mkdir(parents=True, exist_ok=True)
    if user.dropped:
        home.chmod(0o711)
    elif home.stat().st_uid == os.geteuid():
        home.chmod(0o700)
    state = home
    if not can_reach(home, user):
        state = _state_elsewhere(settings)
        state.mkdir(parents=True, exist_ok=True, mode=0o711)
        if not can_reach(state, user):
            raise CannotStart(
                f"The user {user.name} can reach neither {home} nor {state}: let it pass, or move CARERECORD_HOME."
            )
        _tie(home, state)
    sockets = _make_socket_folder(settings, state, user)
    if sockets.parent != home:
        logs.say(logs.Line.DATABASE_ELSEWHERE, state=str(state), sockets=str(sockets))
    return Places(
        state=state,
        data=state / "database",
        configuration=_make_configuration_folder(state, user),
        sockets=sockets,
        log=state / "postgres.log",
    )


def _tie(home: Path, state: Path) -> None:
    """Each names the other, so that a home that was removed and made anew does not go on with the patients of the old:
    its keys, its seals and its ledger of removals are gone, and what is sent to it may be of other people."""
    there, here = state / "home", home / "elsewhere"
    if there.exists() and not here.exists() and (state / "database").exists():
        raise CannotStart(
            f"{state} holds the database of an earlier {home}, which was removed or moved: bring that folder back, or "
            f"remove {state} to begin anew."
        )
    here.write_text(f"{state}\n", encoding="utf-8")
    there.write_text(f"{home}\n", encoding="utf-8")


def _make_socket_folder(settings: Settings, state: Path, user: ServerUser) -> Path:
    folder = state / "sockets"
    if not _fits(folder):
        folder = Path(f"/run/carerecord-{_mark(settings)}") if user.dropped else _private_temporary(settings)
    folder.mkdir(exist_ok=True, mode=0o700)
    found = folder.lstat()
    if found.st_uid != os.geteuid() or folder.is_symlink():
        raise CannotStart(f"{folder} belongs to someone else: remove it, or choose another CARERECORD_HOME.")
    if user.dropped:
        # Root owns it, so that no one can pass off another server as ours; the server writes by group; processes pass.
        os.chown(folder, 0, user.gid)
        folder.chmod(0o771)
    else:
        folder.chmod(0o700)
    return folder


def _make_configuration_folder(state: Path, user: ServerUser) -> Path:
    """Outside the data folder: the server reads who may come in as whom, and cannot write it."""
    folder = state / "configuration"
    folder.mkdir(exist_ok=True, mode=0o700)
    if user.dropped:
        os.chown(folder, 0, user.gid)
        folder.chmod(0o750)
    return folder
