"""The site's few static files and the block's: no build step, no server beside this one."""

from __future__ import annotations

import hashlib
import mimetypes
from functools import lru_cache
from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified

import engage_xblock

STATIC = Path(__file__).with_name("static")
BLOCK_PUBLIC = Path(engage_xblock.__file__).with_name("public")


def static(request: HttpRequest, path: str) -> HttpResponse:
    """A file of the site's own."""
    return _answer(request, _inside(STATIC, path))


def block_resource(request: HttpRequest, path: str) -> HttpResponse:
    """A file of the block's `public` folder, and no other."""
    return _answer(request, _inside(BLOCK_PUBLIC, path.removeprefix("public/")))


def _inside(root: Path, path: str) -> Path:
    """The file at `path` below `root`; Http404 where there is none, or where it lies elsewhere."""
    file = (root / path).resolve()
    if not file.is_relative_to(root.resolve()) or not file.is_file():
        raise Http404(path)
    return file


def _answer(request: HttpRequest, file: Path) -> HttpResponse:
    """The file, which a browser keeps and asks about: a new bundle shows at the next load."""
    body, etag = _read(file, file.stat().st_mtime_ns)
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if request.headers.get("If-None-Match", "").removeprefix("W/") == etag:
        return HttpResponseNotModified(headers=headers)
    return HttpResponse(body, content_type=mimetypes.guess_type(file.name)[0], headers=headers)


@lru_cache(maxsize=64)
def _read(file: Path, changed: int) -> tuple[bytes, str]:
    body = file.read_bytes()
    return body, f'"{hashlib.blake2b(body, digest_size=8).hexdigest()}"'
