"""The parameters that several routes share, with their bounds."""

from typing import Annotated

import msgspec
from litestar.params import PathParameter, QueryParameter

from ledger.core.errors import SchemaViolation
from ledger.store.position import MAX_INDEX

LogName = Annotated[str, PathParameter(description="A log's name, as /api/v1/logs lists it.", max_length=200)]
Index = Annotated[int, PathParameter(description="Index of an entry in its log.", ge=0, le=MAX_INDEX)]
Size = Annotated[int, PathParameter(description="A tree size.", ge=0, le=MAX_INDEX)]
SourceId = Annotated[str, PathParameter(description="Id of a registered source.", max_length=512)]
Word = Annotated[str | None, QueryParameter(max_length=512)]
Instant = Annotated[
    str | None, QueryParameter(description="An instant, as 2026-11-25T07:10:06.123456Z.", max_length=40)
]

Zone = Annotated[
    str | None,
    QueryParameter(
        description="An IANA zone, such as Europe/Berlin or UTC, in which times without an offset are read.",
        max_length=100,
    ),
]


def no_nul_in(body: msgspec.Struct) -> None:
    """Raises SchemaViolation for a body of a request in which any text holds U+0000."""
    if b"\\u0000" in msgspec.json.encode(body).replace(b"\\\\", b""):
        raise SchemaViolation("a text of the request holds U+0000, which no stored text does")


def without_nul(**values: str | None) -> None:
    """Raises SchemaViolation for a text that holds U+0000: no stored text does, and not every database takes it."""
    for name, value in values.items():
        if value is not None and "\0" in value:
            raise SchemaViolation(f"{name} holds U+0000, which no stored text does")
