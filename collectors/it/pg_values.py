"""PostgreSQL values that Python's own types cannot hold whole come as the server's text, whatever they are.

An interval's months, a time of infinity or of the year 10,000, the digits of a JSON number: each stays what it was.
"""

from psycopg import DataError
from psycopg.abc import AdaptContext, Buffer, Loader
from psycopg.adapt import AdaptersMap
from psycopg.types.datetime import DateLoader, TimeLoader, TimestampLoader, TimestamptzLoader, TimetzLoader
from psycopg.types.string import TextLoader

_AS_TEXT = (
    *("json", "jsonb", "interval", "record", "inet", "cidr"),
    *("int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange"),
    *("int4multirange", "int8multirange", "nummultirange", "datemultirange", "tsmultirange", "tstzmultirange"),
)


def as_text_where_needed(adapters: AdaptersMap) -> None:
    """Changes how one connection loads values; it then never fails on what a column holds."""
    for name in _AS_TEXT:
        adapters.register_loader(name, TextLoader)
    for name, loader in _TIMES.items():
        adapters.register_loader(name, loader)


def _or_text(kind: type[Loader]) -> type[Loader]:
    class OrText(kind):  # type: ignore[misc, valid-type]
        def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
            super().__init__(oid, context)
            self._text = TextLoader(oid, context)

        def load(self, data: Buffer) -> object:
            try:
                return super().load(data)
            except (DataError, ValueError, OverflowError):
                return self._text.load(data)

    return OrText


_TIMES = {
    "date": _or_text(DateLoader),
    "time": _or_text(TimeLoader),
    "timetz": _or_text(TimetzLoader),
    "timestamp": _or_text(TimestampLoader),
    "timestamptz": _or_text(TimestamptzLoader),
}
