"""Projectors of the trace domain."""

from collections.abc import Iterable

from ledger.core.entry import Entry
from ledger.core.hashing import unb64
from ledger.core.projector import Projector, Row
from ledger.store.position import pos_of
from ledger.trace import tables
from ledger.trace.kinds import PackageIssued


class PackageIssuedProjector:
    """One row a package."""

    name = "package-issued"
    version = 1
    kinds = frozenset({"package-issued"})
    tables = (tables.package_issued.name,)

    def rows(self, entry: Entry) -> Iterable[Row]:
        issued: PackageIssued = entry.body
        yield (
            "package_issued",
            (
                pos_of(entry.log, entry.index),
                issued.package,
                unb64(issued.sha256, 32),
                issued.size,
                issued.records,
                issued.authority.actor,
            ),
        )


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """All projectors of this domain."""
    return (PackageIssuedProjector(),)
