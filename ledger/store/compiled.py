"""Statements that were compiled once, for every engine of this process that speaks the same dialect.

To compile a statement takes longer than to run it. SQLAlchemy keeps what it compiled for each engine alone, as it
asks for it by the engine's own dialect object; the writer, the readers and every further ledger would begin anew.
"""

from typing import Any, Final

from sqlalchemy.util import LRUCache

_MOST: Final = 4000
"""Statements kept: more than the ledger has for both databases."""


class _Compiled(LRUCache[Any, Any]):
    """Asked by what of a dialect decides how a statement is compiled, not by which object it is."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_key(key), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_key(key), value)


def _key(key: tuple[Any, ...]) -> tuple[Any, ...]:
    dialect, *statement = key
    return dialect.name, dialect.driver, dialect.server_version_info, *statement


COMPILED: Final = _Compiled(_MOST)
"""For the execution option `compiled_cache`."""
