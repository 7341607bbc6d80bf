"""A package says of its records that they were entered by hand, corrected or excluded, by entries that it proves."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pypdf
import pytest

from ledger import packages
from ledger.core.record import LinkKind
from ledger.people.roles import Role
from ledger.sources.hand_kinds import Evaluation, EvaluationSort, HandSort
from ledger.sources.hands import KnownHand
from ledger.store.question import Query
from ledger.trace.selection import ByBatch, BySearch
from reports import layout
from reports.verdict import ExitCode
from tests.integration.reports.test_origins import Lines, Told
from tests.support.by_hand import LOGBOOK, SCAN, register, seen
from tests.support.ledgers import AUTHORITY, SOURCE, Ledger, new_ledger, submission
from tests.support.staff import Staff

YIELD = Evaluation(sort=EvaluationSort.CALCULATION, name="yield of B-2026-00042")
WHY, AGAIN = "the balance was under calibration", "its calibration was found to hold"


class Site:
    """Two collected records; one is corrected and excluded, and was before; a checked page of paper."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, log, staff = ledger, ledger.service.record_log(), Staff(ledger.service)
        register(log)
        for account in ("anna", "ben"):
            staff.person(account, Role.REVIEWER)

        def enter(scan: bytes | None = None, **members: Any) -> KnownHand:
            return log.hands.enter(seen(**members), scan, staff.acting("anna"), {"records"})

        self.old, self.other = [one.index for one in ledger.submit([submission(1), submission(2)]).outcomes]
        self.origin = log.log.origin
        self.right = enter(sort=HandSort.CORRECTION, corrects=f"{self.origin}#{self.old}").index
        page = enter(SCAN, sort=HandSort.PAPER, paper=LOGBOOK)
        self.page = page.index
        log.hands.check(page.hand, True, "compared it with the page", staff.acting("ben"))
        once = log.exclusions.exclude([self.old], YIELD, WHY, staff.acting("ben"))
        self.once = once.excluded.entry
        log.exclusions.lift(once.exclusion, AGAIN, staff.acting("ben"))
        self.again = log.exclusions.exclude([self.old], YIELD, WHY, staff.acting("ben")).excluded.entry
        ledger.service.publisher.publish_all()

    def issue(self, selection: BySearch | ByBatch, path: Path) -> Told:
        packages.issue(self.ledger.service, self.ledger.service.log(), selection, path, AUTHORITY)
        return Told(self.ledger, path)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    ledger = new_ledger(tmp_path_factory.mktemp("marks") / "ledger")
    yield Site(ledger)
    ledger.close()


@pytest.fixture(scope="module")
def told(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The package of every record."""
    return site.issue(BySearch(query=Query()), tmp_path_factory.mktemp("marks") / "all.zip")


@pytest.mark.requirement("R07", "R68")
def test_each_record_s_line_and_the_report_say_how_it_is_marked(site: Site, told: Told) -> None:
    found = told.verdict()
    assert found.exit_code is ExitCode.HOLDS, found.lines()
    address = f"{site.origin}#{site.old}"
    assert {one["index"]: one.get("marks") for one in told.records} == {
        site.old: {"corrected_by": [site.right], "excluded": [site.once, site.again]},
        site.other: None,
        site.right: {"by_hand": "entered", "corrects": address},
        site.page: {"by_hand": "checked"},
    }
    assert len(told.role("by-hand")) == 3
    assert len(told.role("exclusion")) == 3
    pages = pypdf.PdfReader(io.BytesIO(told.files[layout.REPORT])).pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    for words in (
        f"corrected by {site.origin}#{site.right}",
        f"corrects {address}",
        "entered by hand, checked by a second person",
        f"excluded from the calculation {YIELD.name} because: {WHY}; counts there again because: {AGAIN}",
    ):
        assert words in text


def test_a_package_holds_the_marks_of_its_own_records_alone(site: Site, tmp_path: Path) -> None:
    """The correction belongs to no batch: it is not in the batch's package, and the record says by what it was."""
    batch = site.issue(ByBatch(kind=LinkKind.BATCH, id="B-2026-00042"), tmp_path / "batch.zip")
    assert batch.verdict().exit_code is ExitCode.HOLDS
    assert [one["index"] for one in batch.records] == [site.old, site.other]
    assert batch.records[0]["marks"]["corrected_by"] == [site.right]
    assert [one["body"]["record"] for one in batch.role("by-hand")] == [site.right]
    plain = site.issue(BySearch(query=Query(source=SOURCE, text="2")), tmp_path / "plain.zip")
    assert [one["index"] for one in plain.records if one["index"] == site.old] == []
    assert plain.role("by-hand") == plain.role("exclusion") == []


def unmarked(entries: Lines, records: Lines, _: dict[str, Any]) -> None:
    for one in records:
        one.pop("marks", None)


def unsaid(entries: Lines, records: Lines, description: dict[str, Any]) -> None:
    """All that says that anything was entered by hand is left out, and counted so."""
    unmarked(entries, records, description)
    entries[:] = [one for one in entries if one["role"] not in ("by-hand", "exclusion")]
    description.pop("marks")


def unchecked(entries: Lines, records: Lines, description: dict[str, Any]) -> None:
    """That a second person checked it is left out of the entries, and of nothing else."""
    entries[:] = [one for one in entries if one["body"].get("event") != "checked"]


def reordered(entries: Lines, records: Lines, _: dict[str, Any]) -> None:
    marks = [at for at, one in enumerate(entries) if one["role"] == "by-hand"]
    entries[marks[1]], entries[marks[2]] = entries[marks[2]], entries[marks[1]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (unmarked, "does not say that it was entered by hand, corrected or excluded"),
        (unsaid, "the entry that says who did is not there"),
        (unchecked, "does not hold the entries by hand and exclusions"),
        (reordered, "nothing was entered by hand as"),
    ],
)
def test_a_package_that_hides_a_mark_does_not_hold(
    told: Told, tmp_path: Path, change: Callable[[Lines, Lines, dict[str, Any]], None], words: str
) -> None:
    found = told.forged(tmp_path / "forged.zip", change)
    assert found.exit_code is ExitCode.WRONG
    assert any(words in line for line in found.lines()), found.lines()
