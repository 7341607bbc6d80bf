"""Errors as pages, in plain words: what happened, what was kept, what to do. Only this module knows their status."""

from typing import Any, Final

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from ledger.core.errors import (
    AccessDenied,
    Conflict,
    InvalidEntry,
    LedgerError,
    NotAuthenticated,
    NotFound,
    Overloaded,
    RateLimited,
    SignInUnreachable,
)
from ledger.present.inert import one_line
from ledger.present.messages import message
from ledger.web.render import page

_STATUS: Final[dict[type[LedgerError], int]] = {
    NotFound: 404,
    AccessDenied: 403,
    InvalidEntry: 400,
    RateLimited: 429,
    Conflict: 409,
    Overloaded: 503,
    SignInUnreachable: 503,
}


def ledger_error(request: Request[Any, Any, Any], error: LedgerError) -> Response[str]:
    """The page of an error of ours: its own words and advice."""
    if isinstance(error, NotAuthenticated) and not request.url.path.startswith("/sign-in/"):
        return _error(401, message("error.sign-in"), message("error.sign-in.advice"), error.code)
    if isinstance(error, NotAuthenticated):
        return _error(401, error.message, error.advice, error.code)
    status = next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), 500)
    return _error(status, error.message, error.advice, error.code)


def http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[str]:
    """The page of an error that the framework raised before or around a page."""
    if error.status_code == 404:
        return _error(404, message("error.no-page"), message("error.no-page.advice"), "not_found")
    if error.status_code >= 500:
        return _error(error.status_code, message("error.ours"), message("error.ours.advice"), "internal")
    return _error(error.status_code, one_line(error.detail, 200), message("error.request.advice"), "bad_request")


def unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[str]:
    """The page of a defect of ours: it names nothing that could tell a stranger more than that it is one."""
    structlog.get_logger("ledger.web").error("page failed", path=request.url.path, exc_info=error)
    return _error(500, message("error.ours"), message("error.ours.advice"), "internal")


def _error(status: int, what: str, advice: str, code: str) -> Response[str]:
    return page(
        "error.html", status=status, what=what, advice=advice, code=code, number_of=status, place="", viewer=None
    )
