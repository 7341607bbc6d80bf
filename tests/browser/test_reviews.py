"""Reviews in a real Chromium: opened, judged and looked at there; accessible, and on a narrow screen."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from ledger.core.disposition import Deferral, Deviation
from ledger.core.entry import draft
from ledger.core.hashing import b64
from ledger.core.record import Change
from ledger.core.review import ContributingList, Depth, PlanScope, ReviewPlan
from ledger.core.review_answer import AnswerState, Reason, ReviewAnswer
from ledger.core.source import SourceConfig
from tests.browser.conftest import follow
from tests.browser.test_by_hand import LONG, clean
from tests.browser.test_papers import Served
from tests.support.ledgers import AUTHORITY, RECORDS, batch, submission

WHY = "compared with the paper of the batch"
BATCH = "B-2026-00042"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Served]:
    made = Served(tmp_path_factory.mktemp("reviews") / "ledger", browser)
    service = made.plant.service
    service.sources.register(SourceConfig(id=LONG, type="test", title="ERP"), AUTHORITY)
    steps = (("X", "1", "2"), ("X", "9", "3"), ("Y", "1", "2"))
    told = [
        submission(at, LONG, changes=(Change(attribute=name, old=old, new=new),))
        for at, (name, old, new) in enumerate(steps, start=1)
    ]
    service.ingest.submit(batch(told, LONG, ended_at="2027-01-01T00:00:00.000000Z"), AUTHORITY)
    service.quality.rules.run(service.record_log().log, AUTHORITY)
    plan = ReviewPlan(
        plan="batch",
        title="Batch",
        scope=PlanScope.BATCH,
        route="none",
        samples=(Depth(from_risk=1, records=1),),
        reason="SOP 7",
        authority=AUTHORITY,
    )
    service.store.append_one(RECORDS, draft(plan))
    yield made
    made.close()


def test_a_review_is_opened_judged_and_looked_at(served: Served) -> None:
    page = served.page(served.rita, script=True)
    page.goto(f"{served.address}/reviews/records")
    clean(page)
    page.get_by_label("Batch").fill(BATCH)
    page.get_by_label("Why").fill(WHY)
    follow(page.get_by_role("button", name="Open a review"))
    assert page.get_by_role("heading", level=1).inner_text() == f"batch {BATCH}"
    clean(page)
    page.get_by_role("checkbox").check()
    page.locator("#judgement").select_option("confirmed")
    page.locator("#case").fill(LONG)
    page.locator("#deviation").fill("DEV-7")
    page.locator("#reason-judge").fill(WHY)
    follow(page.get_by_role("button", name="Judge findings"))
    assert page.get_by_text("deviation DEV-7").is_visible()
    page.locator("#reason-look").fill(WHY)
    follow(page.get_by_role("button", name="I looked at these"))
    assert page.get_by_text("All of it was looked at").is_visible()
    page.locator("#reason-conclude").fill(WHY)
    follow(page.get_by_role("button", name="Conclude the review"))
    assert "no signing route" in page.get_by_role("alert").inner_text()
    clean(page)
    page.get_by_text("Defer findings").first.click()
    page.get_by_text("Raise a deviation").first.click()
    clean(page)
    page.get_by_role("checkbox").check()
    for field, text in (("scope", WHY), ("risk", WHY), ("until", "2099-01-01 08:00"), ("product", LONG)):
        page.locator(f"#{field}").fill(text)
    follow(page.get_by_role("button", name="Defer findings"))
    assert "is critical: it cannot be deferred" in page.get_by_role("alert").inner_text()
    follow(page.get_by_role("link", name="Audit trail reviews"))
    clean(page)


def test_what_is_decided_beside_reviews_is_listed(served: Served) -> None:
    store, digest = served.plant.service.store, b64(bytes(32))
    key, until = b64(b"1" * 32), "2099-01-01T00:00:00.000000Z"
    for body in (
        Deferral(findings=(key,), batch=LONG, scope=WHY, risk=WHY, expires_at=until, authority=AUTHORITY, product=LONG),
        Deviation(findings=(key,), source="qms", number=LONG, title=LONG, authority=AUTHORITY, case=LONG),
        ContributingList(systems=(LONG, "MES"), reason="SOP 7", authority=AUTHORITY, product=LONG),
        ReviewAnswer(
            batch=LONG, state=AnswerState.OPEN, reasons=(Reason(code="no-review", what=LONG),), size=1, review=None,
            sha256=digest, authority=AUTHORITY,
        ),
    ):  # fmt: skip
        store.append_one(RECORDS, draft(body))
    page = served.page(served.rita, script=True)
    for name in ("Review plans", "Deferrals", "Deviations", "Answers about batches"):
        page.goto(f"{served.address}/reviews/records")
        follow(page.get_by_role("link", name=name))
        assert page.get_by_role("heading", level=1).inner_text() == name
        assert page.locator("table.rows tbody tr").count() >= 1
        clean(page)
    page.get_by_label("Batch").fill(BATCH)
    follow(page.get_by_role("button", name="Answer for this batch"))
    assert "is not concluded" in page.locator("table.rows tbody tr").first.inner_text()
    page.goto(f"{served.address}/deferrals/records")
    follow(page.get_by_role("link", name="Sign deferral"))
    assert "/sign?" in page.url
