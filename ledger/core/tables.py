"""The four classes of tables; `verify` and the tamper tests hold every table to its class."""

from enum import StrEnum


class TableClass(StrEnum):
    """What a table is worth as evidence."""

    LOG = "log"
    """Append-only: leaves, tiles, checkpoints. Level 1 and 3 re-read it."""
    VAULT = "vault"
    """Values whose digest stands in an entry: verified, not rebuildable."""
    PROJECTION = "projection"
    """Equals a replay of the log: verified by replay, rebuilt by `trailseal rebuild`."""
    OPERATIONAL = "operational"
    """No evidential answer reads it: losing or forging it changes none."""


class EntryState(StrEnum):
    """What is still there of an entry: its leaf always is."""

    PRESENT = "present"
    DISPOSED = "disposed"
    ERASED = "erased"
    MISSING = "missing"
    """It is gone, and no entry says why."""
