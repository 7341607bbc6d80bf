"""Copies of records outside of the database, as who operates them states: entries of the system log."""

from enum import StrEnum

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import Name, Text
from ledger.core.times import SafeInt
from ledger.retention.kinds import Day


class CopySort(StrEnum):
    """Where copies of disposed records may stand outside of the database's own tables."""

    BACKUP = "backup"
    REPLICA = "replica"
    WAL_ARCHIVE = "wal-archive"
    SPOOL = "spool"
    CACHE = "cache"
    PACKAGE = "package"
    INCIDENT = "incident"
    """The folder that keeps the evidence of an integrity incident."""


class CopyEntry(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="retention-copy/1"
):
    """There are copies of this ledger's records at `where`, and each is gone `keeps_days` days after it was made (0: it
    follows the database at once), or all of them on the day `expires`. `there` false: all of them are gone.

    A later entry of the same name replaces it. Of an integrity incident's evidence `where` is the case.
    """

    copy: Name
    sort: CopySort
    where: Name
    reason: Text
    authority: Authority
    there: bool = True
    keeps_days: SafeInt | None = None
    expires: Day | None = None


KINDS = (Kind("retention-copy", [CopyEntry]),)
