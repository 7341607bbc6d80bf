"""`trailseal source reconcile`: a real database is read anew; rows that were removed, altered or smuggled in show."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import SOURCE, Site, filled
from tests.cli.terminal import Answer

TABLE = """
CREATE TABLE audit_trail (
    id INTEGER PRIMARY KEY, changed_at TEXT, changed_by TEXT, action TEXT, table_name TEXT, record_id TEXT,
    field_name TEXT, old_value TEXT, new_value TEXT, reason TEXT
)
"""
ROW = "INSERT INTO audit_trail VALUES (?, ?, 'analyst1', 'UPDATE', 'sample', 'S-1', 'result', '1', '2', 'typo')"
DAY = ("--from", "2026-03-01T00:00:00Z", "--to", "2026-03-02T00:00:00Z", "--reason", "review")


class Lims:
    """An audit table in SQLite, with rows of three days, and the ledger that collects it."""

    def __init__(self, place: Path) -> None:
        self.file = place / "lims.db"
        self.run(TABLE)
        for number in range(1, 10):
            self.row(number, f"2026-0{2 + number // 4}-01T10:00:00Z")
        self.site = filled(place)
        url = ("--option", f"url=sqlite:///{self.file}", "--option", "table=audit_trail")
        added = self.site("source", "add", "lims", "--mapping", "audit-table", *url, "--yes")
        assert added.code == 0, added.err
        assert self.site("collect", "lims").code == 0

    def run(self, statement: str, *values: object) -> None:
        with closing(sqlite3.connect(self.file)) as database, database:
            database.execute(statement, values)

    def row(self, number: int, at: str) -> None:
        self.run(ROW, number, at)

    def reconcile(self, *more: str) -> Answer:
        return self.site("source", "reconcile", "lims", *DAY, *more)


@pytest.fixture(scope="module")
def lims(tmp_path_factory: pytest.TempPathFactory) -> Lims:
    return Lims(tmp_path_factory.mktemp("lims"))


@pytest.mark.requirement("C08")
def test_a_real_database_is_read_anew_and_each_difference_named(lims: Lims) -> None:
    assert "never reconciled" in lims.site("source", "reconciliations", "lims").out
    lims.row(20, "2026-04-01T11:00:00Z")  # of another day, and not collected yet
    agrees = lims.reconcile()
    assert (agrees.code, "at the source 4, in the log 4" in agrees.out) == (0, True), agrees.out + agrees.err
    lims.run("DELETE FROM audit_trail WHERE id = 5")
    lims.run("UPDATE audit_trail SET id = 66 WHERE id = 6")
    lims.row(70, "2026-03-01T23:59:59.999Z")
    differs = lims.reconcile("--json")
    assert differs.code == 1
    found = differs.json()["reconciliation"]
    assert (found["holds"], found["there"]["count"], found["here"]["count"]) == (False, 4, 4)
    assert (found["lacking"], found["gone"]) == (["66", "70"], ["5", "6"])
    assert lims.reconcile("--count", "4").code == 0, "a number alone shows less"
    assert lims.reconcile("--count", "5").code == 1
    told = lims.site("source", "reconciliations", "lims")
    assert told.out.count("DOES NOT HOLD") == 2
    assert "reconciliation-broken" in lims.site("show", str(differs.json()["entry"] + 1)).out
    assert lims.site("verify").code == 0


def test_what_cannot_be_counted_is_told(lims: Lims) -> None:
    site: Site = lims.site
    pushed = site("source", "reconcile", SOURCE, *DAY)
    assert (pushed.code, "--count" in pushed.err) == (1, True)
    early = site("source", "reconcile", "lims", *DAY[:2], "--to", "2100-01-01T00:00:00Z", *DAY[4:])
    assert (early.code, "not up to" in early.err) == (1, True)
    assert site("source", "reconcile", "none", *DAY).code == 1
    lims.file.rename(lims.file.with_suffix(".away"))
    away = lims.reconcile()
    assert (away.code, away.out) == (1, "")
    lims.file.with_suffix(".away").rename(lims.file)
