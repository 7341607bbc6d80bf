"""The words of a full-text index of SQLite, as temporary tables; the database itself is not written."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def vocabulary(raw: Any, index: str, *forms: str) -> Iterator[None]:
    """Has `temp.words_<form>` read the FTS5 table `index` over this connection of the driver (FTS5, 7)."""
    ((read_only,),) = raw.execute("PRAGMA query_only").fetchall()
    raw.execute("PRAGMA query_only = OFF")
    for form in forms:
        raw.execute(f"CREATE VIRTUAL TABLE temp.words_{form} USING fts5vocab(main, {index}, {form})")
    raw.execute(f"PRAGMA query_only = {read_only}")
    try:
        yield
    finally:
        raw.execute("PRAGMA query_only = OFF")
        for form in forms:
            raw.execute(f"DROP TABLE temp.words_{form}")
        raw.execute(f"PRAGMA query_only = {read_only}")
