"""Errors as problem details (RFC 9457). Only this module knows which status an error has.

`code` is stable and is the last part of `type`; `detail` names the thing; `advice` says what to do. An answer never
holds a stack trace, a path or a secret: what is not an error of ours is answered as `internal`, and logged.
"""

from functools import cache
from http import HTTPStatus
from typing import Any, Final, Self

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.openapi.datastructures import ResponseSpec
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ledger.core import errors as tree
from ledger.store.trouble import trouble_of

MEDIA_TYPE: Final = "application/problem+json"
RETRY_SECONDS: Final = 60

_STATUS: Final[dict[type[tree.LedgerError], int]] = {
    tree.LedgerError: 500,
    tree.InvalidEntry: 400,
    tree.ClockOutOfBounds: 503,
    tree.CollectorError: 502,
    tree.SigningError: 403,
    tree.RecordChangedSinceReview: 409,
    tree.AccessDenied: 403,
    tree.NotAuthenticated: 401,
    tree.RateLimited: 429,
    tree.SignInUnreachable: 503,
    tree.Unreachable: 503,
    tree.NotFound: 404,
    tree.Conflict: 409,
    tree.NotLeader: 503,
    tree.Overloaded: 503,
    tree.StorageTrouble: 503,
    tree.StorageDamaged: 500,
}
"""By the nearest class of the tree; what is not under any of these is the ledger's own fault: 500."""

_FRAMEWORK: Final[dict[int, tuple[str, str]]] = {
    400: (
        tree.SchemaViolation.code,
        "Compare the request with the interface description, correct it and send it again.",
    ),
    404: (tree.NotFound.code, "Check the address; the interface description lists every one."),
    405: ("method_not_allowed", "Use one of the methods that the Allow header names."),
    413: ("too_large", "Send less at once: split the batch."),
    415: ("unsupported_media_type", "Send `application/json`."),
}
"""Code and advice for what Litestar itself refuses."""


_UNAVAILABLE: Final = (
    "unavailable",
    "The ledger's database does not answer.",
    "Try again in a minute; if it stays so, ask the operator to run `trailseal doctor`.",
)
_INTERNAL: Final = ("internal", "The service failed on this request.", tree.LedgerError.default_advice)


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong in one place of a list that was sent; `column` is null where it is the whole row."""

    line: int
    column: str | None
    what: str


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong (RFC 9457), with a stable `code` and an `advice` a person can act on.

    `faults` stands there where a list was refused (`rows_refused`): each wrong place of it, up to a hundred.
    """

    type: str
    title: str
    status: int
    code: str
    detail: str
    advice: str
    faults: tuple[Fault, ...] = ()


class _Shared(ResponseSpec):
    """The same for all routes: an application copies its routes when it is made, and each names a dozen of these."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


@cache
def _problem(status: int) -> ResponseSpec:
    phrase = HTTPStatus(status).phrase
    return _Shared(data_container=Problem, description=phrase, media_type=MEDIA_TYPE, generate_examples=False)


def declared(*statuses: int) -> dict[int, ResponseSpec]:
    """What a route declares of its errors, besides those that every route can give."""
    return {status: _problem(status) for status in sorted({*statuses, *_EVERYWHERE})}


_EVERYWHERE: Final = (400, 401, 403, 404, 405, 429, 500, 503)


def ledger_error(request: Request[Any, Any, Any], error: tree.LedgerError) -> Response[bytes]:
    """The answer to an error of ours."""
    status = next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
    if status >= 500:
        _log(request, error)
    found = error.faults if isinstance(error, tree.RowsRefused) else ()
    faults = tuple(Fault(line=one.line, column=one.column, what=_clean(one.what)) for one in found)
    return _answer(status, error.code, error.message, error.advice, faults=faults)


def problem_of(error: Exception) -> Problem:
    """What any error is answered with, where no HTTP carries it; what is no error of the tree is logged."""
    if isinstance(error, tree.LedgerError):
        status = next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
        return _problem_details(status, error.code, error.message, error.advice)
    structlog.get_logger("ledger.api").error("call failed", exc_info=error)
    known = trouble_of(error)
    if known is not None:
        return problem_of(known)
    if isinstance(error, OperationalError | PoolTimeout):
        return _problem_details(503, *_UNAVAILABLE)
    return _problem_details(500, *_INTERNAL)


def framework_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """The answer to what Litestar refuses: unknown routes, methods, sizes, parameters."""
    if error.status_code >= 500:
        return unexpected(request, error)
    code, advice = _FRAMEWORK.get(error.status_code, ("bad_request", _FRAMEWORK[400][1]))
    return _answer(error.status_code, code, _detail(error), advice, dict(error.headers or {}))


def database_error(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The answer while the database can't be reached, is too busy, or has no room."""
    known = trouble_of(error)
    if known is not None:
        return ledger_error(request, known)
    _log(request, error)
    return _answer(503, *_UNAVAILABLE)


def too_deep(request: Request[Any, Any, Any], error: RecursionError) -> Response[bytes]:
    """The answer to JSON of more levels than are read; any other recursion without end is a defect of ours."""
    if "serializing an object" not in str(error):  # msgspec's words, of reading and of writing
        return unexpected(request, error)
    return _answer(400, tree.SchemaViolation.code, "the body is nested too deeply", _FRAMEWORK[400][1])


def unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The answer to a disk that is full or damaged, or to a defect of ours: it tells only that it is one."""
    known = trouble_of(error)
    if known is not None:
        return ledger_error(request, known)
    _log(request, error)
    return _answer(500, *_INTERNAL)


HANDLERS: Final[dict[int | type[Exception], Any]] = {
    tree.LedgerError: ledger_error,
    HTTPException: framework_error,
    OperationalError: database_error,
    PoolTimeout: database_error,
    RecursionError: too_deep,
    Exception: unexpected,
}


def _answer(
    status: int,
    code: str,
    detail: str,
    advice: str,
    headers: dict[str, str] | None = None,
    faults: tuple[Fault, ...] = (),
) -> Response[bytes]:
    problem = _problem_details(status, code, detail, advice, faults)
    extra = {"Cache-Control": "no-store", **(headers or {})}
    if status == HTTPStatus.UNAUTHORIZED:
        extra["WWW-Authenticate"] = 'Bearer realm="trailseal"'
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        extra["Retry-After"] = str(RETRY_SECONDS)
    return Response(msgspec.json.encode(problem), status_code=status, media_type=MEDIA_TYPE, headers=extra)


def _problem_details(status: int, code: str, detail: str, advice: str, faults: tuple[Fault, ...] = ()) -> Problem:
    return Problem(
        type=f"urn:trailseal:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        code=code,
        detail=_clean(detail),
        advice=_clean(advice),
        faults=faults,
    )


def _detail(error: HTTPException) -> str:
    """Litestar's words, with the parameters that it found wrong."""
    found = error.extra if isinstance(error.extra, list) else []
    parts = [f"{_where(one)}: {one.get('message', '')}" for one in found if isinstance(one, dict)]
    return "; ".join(parts) or error.detail


def _where(one: dict[str, Any]) -> str:
    source = getattr(one.get("source"), "value", one.get("source"))
    return " ".join(str(part) for part in (source, one.get("key")) if part) or "request"


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _log(request: Request[Any, Any, Any], error: Exception) -> None:
    structlog.get_logger("ledger.api").error(
        "request failed", method=request.method, path=request.url.path, exc_info=error
    )
