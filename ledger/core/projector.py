"""The contract of projectors: how an entry becomes rows of tables that answer questions.

A projector is deterministic: it reads the entry and its own projection, never a clock, settings or another log. It has
one of two shapes. *Facts*: rows are only ever inserted, each comes from one entry. *Validities*: a key's current row is
closed (`to_index`) when a later entry replaces it.
"""

from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

import msgspec

from ledger.core.entry import Entry

Row = tuple[str, tuple[Any, ...]]
"""A row of a facts table: the table's name, and the values in the order of its columns."""


class _Named(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def kinds(self) -> frozenset[str]: ...


@runtime_checkable
class FactsProjector(_Named, Protocol):
    """Rows of `tables`, each from one entry of one of `kinds`."""

    @property
    def tables(self) -> tuple[str, ...]: ...

    def rows(self, entry: Entry, /) -> Iterable[Row]: ...


class Valid(msgspec.Struct, frozen=True):
    """From this entry on, `key` has these `values` (None: it has none); the row before it is closed."""

    key: str
    values: tuple[Any, ...] | None


@runtime_checkable
class ValiditiesProjector(_Named, Protocol):
    """Rows `(log, key, from_index, to_index, …values)` of one table, from entries of `kinds`."""

    @property
    def table(self) -> str: ...

    def changes(self, entry: Entry, /) -> Iterable[Valid]: ...


Projector = FactsProjector | ValiditiesProjector
