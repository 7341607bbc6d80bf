"""Memory of writing and verifying a package does not grow with the number of its records."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

from ledger.store.search import Query
from ledger.trace.selection import BySearch
from reports.verdict import ExitCode
from reports.verify import verify_package
from tests.integration.reports.plant import Plant, plant

FEW, MANY = 200, 800
PER_RECORD = 250
"""Bytes a further record may cost at the peak: a tenth of what a record takes as a line of the package."""


def _peak(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_verifying_four_times_the_records_takes_no_more_memory(tmp_path: Path) -> None:
    peaks = []
    for records in (FEW, MANY):
        with plant(tmp_path / f"{records}", records) as site:
            site.package(tmp_path / f"{records}.zip", BySearch(query=Query()), disclose=True)
            path, key = tmp_path / f"{records}.zip", site.vkey

            def verify(path: Path = path, key: str = key) -> None:
                assert verify_package(path, [key]).exit_code is ExitCode.HOLDS

            verify()
            peaks.append(_peak(verify))
    assert peaks[1] - peaks[0] < PER_RECORD * (MANY - FEW), peaks


def test_a_package_from_postgresql_is_the_same_evidence(postgres_site: Plant, tmp_path: Path) -> None:
    issued = postgres_site.package(tmp_path / "pg.zip")
    assert verify_package(tmp_path / "pg.zip", [postgres_site.vkey]).exit_code is ExitCode.HOLDS
    with plant(tmp_path / "sqlite", 200) as other:
        assert other.package(tmp_path / "lite.zip").records == issued.records
