"""Fields of forms, as they come."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from litestar import Request
from litestar.datastructures import UploadFile

LONGEST: Final = 10_000


async def form_of(request: Request[Any, Any, Any]) -> Callable[[str], str]:
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
