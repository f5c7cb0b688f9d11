"""The page's own files, each under a name that holds the hash of its content, so that a browser may keep it."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import Response

FOLDER = Path(__file__).parent / "static"
_KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


class Asset(msgspec.Struct, frozen=True):
    name: str  # "carerecord.3f1c2ab4d5e6.css"
    kind: str
    content: bytes
    packed: bytes


def _read(folder: Path) -> dict[str, Asset]:
    found = {}
    for path in sorted(folder.iterdir()):
        if kind := _KINDS.get(path.suffix):
            content = path.read_bytes()
            name = f"{path.stem}.{hashlib.sha256(content).hexdigest()[:12]}{path.suffix}"
            found[path.name] = Asset(name, kind, content, gzip.compress(content, 6, mtime=0))
    return found


_ASSETS = _read(FOLDER)
_BY_NAME = {asset.name: asset for asset in _ASSETS.values()}


def address(file: str) -> str:
    """Where a template finds `file`. Raises KeyError for a file that is not there: no page lacks its style."""
    return f"/static/{_ASSETS[file].name}"


async def show(request: Request) -> Response:
    asset = _BY_NAME.get(request.path_params["name"])
    if asset is None:
        return Response("There is no such file.", status_code=404, media_type="text/plain")
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.packed, headers={**headers, "Content-Encoding": "gzip"}, media_type=asset.kind)
    return Response(asset.content, headers=headers, media_type=asset.kind)
