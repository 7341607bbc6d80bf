"""What a key's compromise means for what it signed: what somebody independent dates before it stays valid.

An artefact's own words prove no time, nor does the log's clock: whoever has the key and the log writes both. What
counts is a checkpoint that holds its entry, dated by a witness or a time-stamp authority.
"""

from collections.abc import Callable
from enum import StrEnum

import msgspec

DatedBy = Callable[[int], int | None]
"""The earliest moment (µs) by which a witness or a time-stamp authority saw entry `index`; None where none did."""


class Standing(StrEnum):
    """How something stands that a key signed which may have been in other hands."""

    VALID = "valid"
    DISPUTED = "valid, disputed"
    """Dated before the key was doubtful, and its owner does not stand by it."""
    DOUBTFUL = "doubtful"


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """A key may have been in other hands from `since_us` on: entry `said` (an address), confirmed by two people.

    `what`: which key, for a person; `meaning`: what that means for what it signed, in words, where that was said.
    """

    key: str
    what: str
    since_us: int
    said: str
    meaning: str = ""


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """How an entry stands, and why: `doubt` (None: only repudiated), `dated_us` by whom is independent."""

    standing: Standing
    doubt: Doubt | None
    dated_us: int | None = None
    repudiated: str | None = None
    """The address of the owner's repudiation, where there is one."""


def judge(index: int, doubt: Doubt | None, repudiated: str | None, dated_by: DatedBy) -> Judged | None:
    """How entry `index` stands, signed by a key that is in doubt, or repudiated; None where the key is neither."""
    if doubt is None:
        if repudiated is None:
            return None
        return Judged(standing=Standing.DISPUTED, doubt=None, dated_us=dated_by(index), repudiated=repudiated)
    dated_us = dated_by(index)
    if dated_us is None or dated_us >= doubt.since_us:
        standing = Standing.DOUBTFUL
    else:
        standing = Standing.VALID if repudiated is None else Standing.DISPUTED
    return Judged(standing=standing, doubt=doubt, dated_us=dated_us, repudiated=repudiated)
