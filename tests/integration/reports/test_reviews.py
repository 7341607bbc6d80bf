"""A package of a batch, or of records that name it, holds what was deferred and answered of its review, all proven."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pypdf
import pytest

from ledger import packages
from ledger.answering import answer
from ledger.core.clock import utc_text
from ledger.core.errors import IntegrityError
from ledger.core.parameters import ParameterName, Profile, written
from ledger.core.record import Change, Link, LinkBasis, LinkKind
from ledger.present.messages import message
from ledger.review.exceptions.reading import findings
from ledger.review.reviews.deferrals import NewDeferral
from ledger.sources.parameter_kinds import Parameter
from ledger.store.question import Query
from ledger.trace.selection import ByBatch, BySearch, Selection
from reports import layout
from reports.sections.scope import selection_text
from reports.verdict import ExitCode, Outcome
from tests.integration.reports.test_origins import Lines, Told
from tests.support.changing import ENGINEER, NOBODY, Desk
from tests.support.founded import APPROVER, REVIEWER, founded
from tests.support.ledgers import START_US, batch, submission
from tests.support.signers import Plant

BATCH = "B-2026-00042"
SECOND = "B-2026-00043"
BARE = "X2"
"""Changed by the one record that names no batch."""
DAY_US = 86_400 * 1_000_000
SCOPE, RISK = "the batch goes on to packaging", "a second system recorded the same value"


def naming(*batches: str) -> tuple[Link, ...]:
    """Links to batches, and to a lot of each."""
    named = [
        (kind, f"{before}{one}") for one in batches for kind, before in ((LinkKind.BATCH, ""), (LinkKind.LOT, "L-"))
    ]
    return tuple(Link(kind=kind, id=id_, basis=LinkBasis.READ) for kind, id_ in named)


def report(told: Told) -> str:
    """The text of a package's report."""
    pages = pypdf.PdfReader(io.BytesIO(told.files[layout.REPORT])).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


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
            submission(f"R-{at}", changes=(Change(attribute=f"X{at}", old="1", new="2"),), reason=None, links=links)
            for at, links in enumerate((naming(BATCH), naming(BATCH, SECOND), ()))
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
        self.answered, self.again, self.second, self.other = (
            answer(self.service, self.log, about, plant.root).entry for about in (BATCH, BATCH, SECOND, "B-other")
        )

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
    assert [one["index"] for one in told.role("review-answer")] == [site.answered, site.again]
    approved, asked = told.check(f"Deferral {site.approved}"), told.check(f"Deferral {site.asked}")
    assert (approved.outcome, asked.outcome) == (Outcome.HOLDS, Outcome.UNKNOWN)
    for words in (BATCH, site.until, "reviewer1", SCOPE, RISK, "approved by", "(approver1)"):
        assert words in approved.says
    assert "no other person who approves has signed it" in asked.says
    review = told.check("Audit trail review")
    assert (review.outcome, f"{BATCH} is open (no review of this batch was opened)" in review.says) == (
        Outcome.UNKNOWN, True,
    )  # fmt: skip
    text = report(told)
    approver = site.plant.people["approver1"]
    for words in (
        "Audit trail reviews of batches",
        f"Deferred until {site.until}",
        "Tablet 5 mg",
        SCOPE,
        RISK,
        f"{approver.name} ({approver.account})",
        "no approver who did not ask for it has signed it: it is not in force",
        f"(entry {site.answered})",
        f"(entry {site.again})",
    ):
        assert words in text, words


@pytest.mark.requirement("R63")
def test_a_package_of_a_search_says_so_of_the_batches_that_its_records_name(site: Site, tmp_path: Path) -> None:
    found = site.issue(BySearch(query=Query(source="erp")), tmp_path / "search.zip")
    assert found.verdict().exit_code is ExitCode.HOLDS, found.verdict().lines()
    assert [one["index"] for one in found.role("deferral")] == sorted((site.approved, site.asked))
    assert [one["index"] for one in found.role("review-answer")] == [site.answered, site.again, site.second]
    approved, asked = found.check(f"Deferral {site.approved}"), found.check(f"Deferral {site.asked}")
    assert (approved.outcome, asked.outcome) == (Outcome.HOLDS, Outcome.UNKNOWN)
    reviews = [one.says for one in found.verdict().checks if one.name == "Audit trail review"]
    assert [one.partition(";")[0] for one in reviews] == ["asked 2 times", "asked 1 times"]
    assert all(f"{about} is open" in one for one, about in zip(reviews, (BATCH, SECOND), strict=True))
    text = report(found)
    assert "what was decided of each of the 3 batches that its records name" in text
    assert f"{SECOND} is open" in text
    assert [f"(entry {one})" in text for one in (site.answered, site.again, site.second)] == [False, True, True]

    few = site.issue(BySearch(query=Query(attribute="X1")), tmp_path / "few.zip")
    without = site.issue(BySearch(query=Query(attribute=BARE)), tmp_path / "without.zip")
    for package in (few, without):
        assert package.verdict().exit_code is ExitCode.HOLDS, package.verdict().lines()
        assert len(package.records) == 1
    assert len(few.role("deferral")) == 2
    assert without.role("deferral") == without.role("review-answer") == []
    assert "of each of the 0 batches" in report(without)


def test_a_package_of_something_else_than_a_batch_goes_by_its_records_too(site: Site, tmp_path: Path) -> None:
    lot = site.issue(ByBatch(kind=LinkKind.LOT, id=f"L-{SECOND}"), tmp_path / "lot.zip")
    assert lot.verdict().exit_code is ExitCode.HOLDS, lot.verdict().lines()
    assert [one["index"] for one in lot.role("review-answer")] == [site.answered, site.again, site.second]


def test_what_was_decided_of_a_batch_that_no_record_names_does_not_hold(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "decisions", lambda *_: [site.other])
    with pytest.raises(IntegrityError, match=f"entry {site.other} in {layout.ENTRIES}: is about another batch than"):
        site.issue(BySearch(query=Query(source="erp")), tmp_path / "search.zip")
    assert not (tmp_path / "search.zip").exists()


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


@pytest.mark.parametrize("name", sorted(Query.__struct_fields__))
def test_a_report_says_what_was_searched_for_by_any_member(name: str) -> None:
    given: dict[str, Any] = {"text": "pump", "reasoned": True, "links": (("lot", "L-1"),)}
    usual: Any = START_US if name.endswith(("_from", "_to")) else {"link_kind": "lot"}.get(name, "update")
    member = {"outcome": "success"}.get(name, usual)
    query = msgspec.convert({name: given.get(name, member)}, Query)
    said = selection_text(msgspec.to_builtins(BySearch(query=query)))
    assert said.startswith(message(f"report.query.{name}"))
    assert utc_text(START_US) in said or not name.endswith(("_from", "_to"))
    assert ("“L-1”" in said, "yes" in said) == (name == "links", name == "reasoned")
