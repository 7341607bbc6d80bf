"""Where an entry stands in the database: one integer that holds log and index.

`pos = log · 2^40 + index`. It is the primary key of every table with rows of entries, so that rows of a log lie
together in index order, a range of a log is a range of keys, and in SQLite it is the row id itself.
"""

from typing import Final

INDEX_BITS: Final = 40
SYSTEM_LOG: Final = 0
"""Number of the system log: Trailseal's own users, keys and configuration. Record logs follow from 1."""
MAX_INDEX: Final = (1 << INDEX_BITS) - 1
"""The last index a log can have: 10^12 entries."""


def pos_of(log: int, index: int) -> int:
    """The key of an entry."""
    return (log << INDEX_BITS) | index


def index_of(pos: int) -> int:
    """The entry's index in its log."""
    return pos & MAX_INDEX


def log_of(pos: int) -> int:
    """The number of the entry's log."""
    return pos >> INDEX_BITS
