"""Files that were dropped and delivered lie in `done` or `refused`: what is lawfully removed is removed there too."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256
from pathlib import Path

from carerecord.sources.drop_folder import DONE, REFUSED


def remove_dropped(folder: Path, source: str, hashes: Collection[str]) -> int:
    """Removes each file of a source whose bytes have one of these SHA-256 hashes, and why it was refused, where it
    was. Returns how many. Raises PermissionError where this process may not: then the removal is not complete."""
    removed = 0
    for to in (folder / source / DONE, folder / source / REFUSED):
        if not to.is_dir():
            continue
        for path in sorted(to.iterdir()):
            if path.is_symlink() or not path.is_file() or path.name.endswith(".why.txt"):
                continue
            if _hash(path) in hashes:
                path.unlink()
                removed += 1
                if path.suffix == ".json":
                    path.with_name(f"{path.name.removesuffix('.json')}.why.txt").unlink(missing_ok=True)
    return removed


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        digest = sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
