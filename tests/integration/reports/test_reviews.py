"""The package of a batch holds what was deferred and answered of its review, by entries and signatures it proves."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pypdf
import pytest

from ledger import packages
from ledger.answering import answer
from ledger.core.clock import utc_text
from ledger.core.parameters import ParameterName, Profile, written
from ledger.core.record import Change, LinkKind
from ledger.review.exceptions.reading import findings
from ledger.review.reviews.deferrals import NewDeferral
from ledger.sources.parameter_kinds import Parameter
from ledger.store.question import Query
from ledger.trace.selection import ByBatch, BySearch, Selection
from reports import layout
from reports.verdict import ExitCode, Outcome
from tests.integration.reports.test_origins import Lines, Told
from tests.support.changing import ENGINEER, NOBODY, Desk
from tests.support.founded import APPROVER, REVIEWER, founded
from tests.support.ledgers import batch, submission
from tests.support.signers import Plant

BATCH = "B-2026-00042"
DAY_US = 86_400 * 1_000_000
SCOPE, RISK = "the batch goes on to packaging", "a second system recorded the same value"


class Site:
    """Findings about a batch: one is deferred and approved, another asked for alone; and what an MES was answered."""

    def __init__(self, plant: Plant) -> None:
        self.plant, self.service = plant, plant.service
        self.log = self.service.log("records")
        plant.records(1)
        profile = written(Profile(old=True, new=True, reason=True))
        told = Parameter(
            name=ParameterName.PROFILE, source="erp", type=None, value=profile, reason="SOP 7", authority=NOBODY
        )
        Desk(plant).change(told)
        bare = [
            submission(f"R-{at}", changes=(Change(attribute=f"X{at}", old="1", new="2"),), reason=None)
            for at in range(3)
        ]
        state = self.service.ingest.state("erp")
        self.service.ingest.submit(batch(bare, cursor_from=state.cursor), plant.root)
        self.service.quality.rules.run(self.log, plant.root)
        with self.service.store.reader(self.log.number) as reader:
            found = findings(reader.connection, self.log.number, reader.head().size, "D10", limit=3, at_us=0)
        self.until = utc_text(self.service.clock.now_us() + DAY_US)
        self.approved, self.asked, _ = (
            self.defer(one.key, about) for one, about in zip(found, (BATCH, BATCH, "B-other"), strict=True)
        )
        plant.publish()
        approver = plant.people["approver1"]
        approver.sign_in()
        approver.sign(self.approved, action="review")
        reviewer = plant.people["reviewer1"]
        reviewer.sign_in()
        reviewer.sign(self.asked, action="review", meaning="reviewed")
        self.answered = answer(self.service, self.log, BATCH, plant.root).entry

    def defer(self, key: str, about: str) -> int:
        new = NewDeferral(
            findings=(key,), batch=about, product="Tablet 5 mg", scope=SCOPE, risk=RISK, expires_at=self.until
        )
        by = self.plant.people["reviewer1"].sign_in().authority
        return self.service.quality.deferrals.ask(self.log, new, by).entry

    def issue(self, selection: Selection, path: Path) -> Told:
        packages.issue(self.service, self.log, selection, path, self.plant.root)
        return Told(self, path)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    plant = founded(tmp_path_factory.mktemp("reviewed") / "ledger", REVIEWER, APPROVER, ENGINEER)
    yield Site(plant)
    plant.close()


@pytest.fixture(scope="module")
def told(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Told:
    return site.issue(ByBatch(kind=LinkKind.BATCH, id=BATCH), tmp_path_factory.mktemp("reviewed") / "batch.zip")


@pytest.mark.requirement("R63")
def test_a_package_of_a_batch_says_what_is_deferred_and_what_was_answered(site: Site, told: Told) -> None:
    found = told.verdict()
    assert found.exit_code is ExitCode.HOLDS, found.lines()
    assert [one["index"] for one in told.role("deferral")] == sorted((site.approved, site.asked))
    assert [one["index"] for one in told.role("review-answer")] == [site.answered]
    approved, asked = told.check(f"Deferral {site.approved}"), told.check(f"Deferral {site.asked}")
    assert (approved.outcome, asked.outcome) == (Outcome.HOLDS, Outcome.UNKNOWN)
    for words in (BATCH, site.until, "reviewer1", SCOPE, RISK, "approved by", "(approver1)"):
        assert words in approved.says
    assert "no other person who approves has signed it" in asked.says
    review = told.check("Audit trail review")
    assert (review.outcome, f"{BATCH} is open (no review of this batch was opened)" in review.says) == (
        Outcome.UNKNOWN, True,
    )  # fmt: skip
    pages = pypdf.PdfReader(io.BytesIO(told.files[layout.REPORT])).pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    approver = site.plant.people["approver1"]
    for words in (
        "Review of the batch",
        f"Deferred until {site.until}",
        "Tablet 5 mg",
        SCOPE,
        RISK,
        f"{approver.name} ({approver.account})",
        "no approver who did not ask for it has signed it: it is not in force",
        f"(entry {site.answered})",
    ):
        assert words in text, words


def test_a_package_of_a_search_says_that_it_is_of_no_batch(site: Site, tmp_path: Path) -> None:
    plain = site.issue(BySearch(query=Query(source="erp")), tmp_path / "plain.zip")
    assert plain.verdict().exit_code is ExitCode.HOLDS
    assert plain.role("deferral") == plain.role("review-answer") == []


def unsaid(entries: Lines, _: Lines, description: dict[str, Any]) -> None:
    entries[:] = [one for one in entries if one["role"] != "deferral"]


def of_another(entries: Lines, _: Lines, description: dict[str, Any]) -> None:
    description["selection"]["id"] = "B-other"


def as_another(entries: Lines, _: Lines, description: dict[str, Any]) -> None:
    next(one for one in entries if one["role"] == "deferral")["role"] = "review-answer"


def altered(entries: Lines, _: Lines, description: dict[str, Any]) -> None:
    next(one for one in entries if one["role"] == "deferral")["body"]["risk"] = "there is none"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (unsaid, "does not hold the deferrals and answers"),
        (of_another, "is about another batch than the package's"),
        (as_another, "is of kind deferral, not what a review-answer entry is"),
        (altered, "entry {entry} in data/entries.jsonl"),
    ],
)
def test_a_package_that_says_otherwise_does_not_hold(
    site: Site, told: Told, tmp_path: Path, change: Callable[[Lines, Lines, dict[str, Any]], None], words: str
) -> None:
    found = told.forged(tmp_path / "forged.zip", change)
    assert found.exit_code is ExitCode.WRONG
    assert any(words.format(entry=site.approved) in line for line in found.lines()), found.lines()
