"""Every error of the API as one JSON shape: RFC 9457's problem details, with a stable `code`."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

log = structlog.get_logger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
_CODES: Final = {404: "no_such_path", 405: "method_not_allowed", 413: "body_too_long"}


class ProblemError(Exception):
    """What went wrong with a request. `retry_after` in seconds, where asking again may help.

    `more`: further members of the problem.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        retry_after: int | None = None,
        more: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.retry_after = status, code, detail, retry_after
        self.more = dict(more or {})


def json(value: object) -> Response:
    """A small answer that is no error."""
    return Response(orjson.dumps(value), media_type="application/json")


def problem(
    status: int, code: str, detail: str, headers: dict[str, str] | None = None, **more: Any
) -> Response:
    """An answer in the one shape of errors."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        **more,
    }
    # Or a cache between would go on answering with it.
    head = {"Cache-Control": "no-store", **(headers or {})}
    return Response(orjson.dumps(body), status, head, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Let the app answer all its errors in this shape."""
    app.add_exception_handler(ProblemError, _of_problem)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(Exception, _of_bug)


async def _of_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    wait = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    return problem(error.status, error.code, error.detail, wait, **error.more)


async def _of_validation(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    # The value itself is left out: it may be anything.
    wrong = [
        {"parameter": str(item["loc"][-1]), "message": str(item["msg"])} for item in error.errors()
    ]
    told = "; ".join(f"{each['parameter']}: {each['message']}" for each in wrong)
    return problem(422, "bad_parameter", told, errors=wrong)


async def _of_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _CODES.get(error.status_code, "http_error")
    return problem(error.status_code, code, str(error.detail), dict(error.headers or {}))


async def _of_bug(request: Request, error: Exception) -> Response:
    log.error("request_failed", path=request.url.path, error=repr(error)[:500])
    return problem(500, "internal_error", "The API failed; its log says why.")
