"""The page at `/`: a few files of ours, read once, served with everything foreign forbidden."""

from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple

from fastapi import APIRouter, Request, Response

from lakehouse.api.problems import ProblemError

FOLDER: Final = Path(__file__).with_name("page")
# Nothing from elsewhere, nothing inline, in nobody's frame.
POLICY: Final = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; object-src 'none'"
)
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_HEAD: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Asked each time, and sent only where it has changed: after an upgrade no old part is left.
    "Cache-Control": "no-cache",
}


class PageFile(NamedTuple):
    """One file of the page as it is sent."""

    data: bytes
    media_type: str
    etag: str


def page_files() -> dict[str, PageFile]:
    """Every file by its name; only these are ever served, whatever path is asked."""
    found = sorted(path for path in FOLDER.iterdir() if path.suffix in _TYPES)
    return {path.name: _read(path) for path in found}


def page_router() -> APIRouter:
    """`/` and `/page/<name>`."""
    made, files = APIRouter(include_in_schema=False), page_files()

    @made.get("/")
    async def index(request: Request) -> Response:
        return _answer(request, files["index.html"])

    @made.get("/page/{name}")
    async def part(request: Request, name: str) -> Response:
        if name not in files:
            raise ProblemError(404, "no_such_path", "The page has no such file.")
        return _answer(request, files[name])

    return made


def _read(path: Path) -> PageFile:
    data = path.read_bytes()
    etag = f'"{blake2b(data, digest_size=8).hexdigest()}"'
    return PageFile(data, _TYPES[path.suffix], etag)


def _answer(request: Request, file: PageFile) -> Response:
    head = {**_HEAD, "ETag": file.etag}
    if file.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=head)
    return Response(file.data, headers=head, media_type=file.media_type)
