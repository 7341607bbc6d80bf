"""Memory of verifying a package does not grow with the number of its records; PostgreSQL gives the same evidence."""

import tracemalloc
from pathlib import Path

from ledger.store.question import Query
from ledger.trace.selection import BySearch
from reports import layout
from reports.verdict import ExitCode
from reports.verify import verify_package
from tests.integration.reports.plant import Plant, plant
from tests.integration.reports.repack import unpack

RECORDS = 1_000
LIMIT = 1 << 20
"""Bytes that a verification may hold at its peak, whatever the package: buffers of some files read side by side."""


def test_verifying_holds_buffers_never_the_package(tmp_path: Path) -> None:
    with plant(tmp_path / "ledger", RECORDS) as site:
        out, key = tmp_path / "p.zip", site.vkey
        site.package(out, BySearch(query=Query()), disclose=True)
    _, files = unpack(out)
    assert len(files[layout.RECORDS]) > 1.5 * LIMIT
    assert verify_package(out, [key]).exit_code is ExitCode.HOLDS
    tracemalloc.start()
    try:
        verify_package(out, [key])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < LIMIT


def test_a_package_from_postgresql_is_the_same_evidence(postgres_site: Plant, tmp_path: Path) -> None:
    issued = postgres_site.package(tmp_path / "pg.zip")
    assert verify_package(tmp_path / "pg.zip", [postgres_site.vkey]).exit_code is ExitCode.HOLDS
    with plant(tmp_path / "sqlite", 200) as other:
        assert other.package(tmp_path / "lite.zip").records == issued.records
