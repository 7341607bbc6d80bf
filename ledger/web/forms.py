"""Forms: their fields, as they come, and what follows once they are sent: done, or the page again with the refusal."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

from litestar import Request, Response
from litestar.datastructures import UploadFile
from litestar.response import Redirect

from ledger.core.errors import LedgerError, SchemaViolation
from ledger.present.messages import message
from ledger.store.position import MAX_INDEX
from ledger.web.render import PAGE_HEADERS

LONGEST: Final = 10_000
LONGEST_REASON: Final = 1000
LONGEST_REQUEST: Final = 100

Form = Callable[[str], str]
Done = TypeVar("Done")


async def form_of(request: Request[Any, Any, Any]) -> Form:
    """The fields of a form as text: empty where one is not there, is a file or is too long."""
    given: Mapping[str, Any] = await request.form()

    def field(name: str) -> str:
        value = given.get(name)
        return value if isinstance(value, str) and len(value) <= LONGEST and "\0" not in value else ""

    return field


async def file_of(request: Request[Any, Any, Any], name: str) -> bytes:
    """A file of a form; empty where there is none. How large it may be, the route says."""
    given = (await request.form()).get(name)
    return await given.read() if isinstance(given, UploadFile) else b""


def reason_of(form: Form) -> str:
    """The reason that a form gives; raises SchemaViolation where it gives none."""
    reason = form("reason").strip()[:LONGEST_REASON]
    if not reason:
        raise SchemaViolation("it takes a reason", advice="Say why; it stands in the entry.")
    return reason


def request_of(form: Form) -> str | None:
    """The change request that a form names; None where it names none."""
    return form("request").strip()[:LONGEST_REQUEST] or None


def entries_of(text: str, most: int) -> list[int]:
    """The entries that `12, 14-18` names; raises SchemaViolation for what names none, or for more than `most`."""
    found: list[int] = []
    for part in filter(None, text.replace(",", " ").split()):
        low, _, high = part.partition("-")
        ends = [low, high or low]
        if not all(one.isascii() and one.isdigit() and len(one) < 14 for one in ends):
            raise SchemaViolation(
                message("exclusion.entries.wrong", text=part[:40]), advice=message("exclusion.entries")
            )
        first, last = map(int, ends)
        if not first <= last <= MAX_INDEX or len(found) + last - first >= most:
            raise SchemaViolation(
                message("exclusion.entries.wrong", text=part[:40]), advice=message("exclusion.entries")
            )
        found += range(first, last + 1)
    return found


def before_of(request: Request[Any, Any, Any]) -> int | None:
    """The entry before which a list goes on, as its address names it; None: it begins with the newest."""
    text = request.query_params.get("before", "")
    return min(int(text), MAX_INDEX) if text.isascii() and text.isdigit() and len(text) < 20 else None


async def entered(
    context: Any,
    enter: Callable[[], Done],
    place: str | Callable[[Done], str],
    again: Callable[[LedgerError], Awaitable[Response[Any]]],
) -> Response[Any]:
    """Enters what a form asks for and goes to a place of this site, or answers `again` with what refused it."""
    try:
        done: Done = await context.lanes.append(enter)
    except LedgerError as error:
        return await again(error)
    return to(place if isinstance(place, str) else place(done))


def to(place: str) -> Response[Any]:
    """Goes on to another page of this site, by GET."""
    return Redirect(place, status_code=303, headers=PAGE_HEADERS)
