"""Answers as bytes: built once for a snapshot, with an ETag by their content, gzip where asked."""

import gzip
from collections import OrderedDict
from collections.abc import Hashable
from email.utils import formatdate
from hashlib import blake2b
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from lakehouse.api.columns import MICROS
from lakehouse.api.snapshot import State

_MOST_KEPT: Final = 256
_LEAST_PACKED: Final = 1_000
_LEVEL: Final = 1  # a tenth of the size already; more costs five times the time


class Body:
    """JSON as bytes, and what goes with it; packed when first asked for."""

    def __init__(self, value: Any) -> None:
        self.data = orjson.dumps(value)
        self.etag = f'"{blake2b(self.data, digest_size=8).hexdigest()}"'
        self._packed = b""

    @property
    def packed(self) -> bytes:
        """The same by gzip, without a time in it: equal data are equal bytes."""
        self._packed = self._packed or gzip.compress(self.data, _LEVEL, mtime=0)
        return self._packed


class Memo:
    """The bodies of one snapshot; a new snapshot clears it. For one thread, the event loop's."""

    def __init__(self) -> None:
        self._of: object = None
        self._bodies: OrderedDict[Hashable, Body] = OrderedDict()

    def find(self, of: object, key: Hashable) -> Body | None:
        """The body for a key, if it was kept for this snapshot."""
        return self._bodies.get(key) if self._of is of else None

    def keep(self, of: object, key: Hashable, value: Any) -> Body:
        """Make the body of a value, and keep it for as long as the snapshot is the newest."""
        if self._of is not of:
            self._of, self._bodies = of, OrderedDict()
        found = self._bodies[key] = Body(value)
        if len(self._bodies) > _MOST_KEPT:
            self._bodies.popitem(last=False)
        return found


def answer(request: Request, body: Body, state: State, now_micros: int) -> Response:
    """200 with the body, or 304 where the client has it already."""
    head = {
        "ETag": body.etag,
        "Cache-Control": "no-cache",
        "Vary": "Accept-Encoding",
        "X-Snapshot-Age": f"{max(0, now_micros - state.checked_micros) / MICROS:.1f}",
    }
    gold = state.snapshot.gold if state.snapshot else None
    if gold is not None:
        head["Last-Modified"] = formatdate(gold.committed_micros // MICROS, usegmt=True)
    if _has_it(request.headers.get("if-none-match", ""), body.etag):
        return Response(status_code=304, headers=head)
    if len(body.data) >= _LEAST_PACKED and _takes_gzip(request.headers.get("accept-encoding", "")):
        head["Content-Encoding"] = "gzip"
        return Response(body.packed, headers=head, media_type="application/json")
    return Response(body.data, headers=head, media_type="application/json")


def _has_it(if_none_match: str, etag: str) -> bool:
    held = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    return bool(held & {etag, "*"})


def _takes_gzip(accept_encoding: str) -> bool:
    for each in accept_encoding.split(","):
        name, _, weight = each.strip().partition(";")
        if name.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
