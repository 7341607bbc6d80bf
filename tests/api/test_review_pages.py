"""The pages of reviews: opened, judged, looked at and concluded by who may, and what was refused."""

import html
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.core.disposition import Deferral, Deviation
from ledger.core.entry import draft
from ledger.core.hashing import b64
from ledger.core.parameters import ParameterName, Profile, written
from ledger.core.record import Change, Link, LinkBasis, LinkKind
from ledger.core.review import ContributingList, Depth, PlanScope, ReviewPlan
from ledger.core.review_answer import AnswerState, ReviewAnswer
from ledger.people.sessions import COOKIE
from ledger.sources.parameter_kinds import Parameter
from ledger.web import decisions
from tests.api.test_dispositions import WHY, Site
from tests.api.world import SOURCE, World
from tests.support.application import app_of
from tests.support.ledgers import AUTHORITY, RECORDS, batch, submission
from tests.support.people import OWN_PAGE

BATCH, MINOR = "B-2026-00042", "B-minor"
PERIOD: dict[str, Any] = {"from": "2026-01-01 08:00", "to": "2026-01-02 08:00"}
HOSTILE = '"><script>alert(1)</script>'


class Pages(Site):
    """The site with its pages, and a plan."""

    def __init__(self, world: World, client: TestClient[Any]) -> None:
        super().__init__(world, client)
        clear = [submission(at, SOURCE, changes=(Change(attribute=f"Y{at}", old="1", new="2"),)) for at in (9, 10)]
        other = (Link(kind=LinkKind.BATCH, id=MINOR, basis=LinkBasis.READ),)
        bare = (Change(attribute="Y11", old="1", new="2"),)
        clear.append(submission(11, SOURCE, reason=None, links=other, changes=bare))
        profile = written(Profile(old=True, new=True, reason=True))
        told = Parameter(
            name=ParameterName.PROFILE, source=SOURCE, type=None, value=profile, reason="SOP 7", authority=AUTHORITY
        )
        world.service.record_log().parameters.put(RECORDS, [told])
        world.service.ingest.submit(batch(clear, SOURCE, ended_at="2027-01-02T00:00:00.000000Z"), AUTHORITY)
        world.service.quality.rules.run(world.service.record_log().log, AUTHORITY)
        assert "No review was opened" in self.page("rev", "/reviews/records")
        assert "No plan is set yet" in self.page("rev", "/reviews/records")
        plan = ReviewPlan(
            plan="batch",
            title="Batch",
            scope=PlanScope.BATCH,
            route="none",
            samples=(Depth(from_risk=1, records=1),),
            reason="SOP 7",
            authority=AUTHORITY,
        )
        for body in (plan, ContributingList(systems=("MES",), reason="SOP 7", authority=AUTHORITY)):
            world.service.store.append_one(RECORDS, draft(body))

    def minor(self) -> str:
        """The finding about a record of another batch, which has no reason."""
        return str(self.read("/rules/findings", rule="D10")["findings"][0]["key"])

    def headers(self, who: str) -> dict[str, str]:
        return {"Cookie": f"{COOKIE}={self.sessions[who]}", **OWN_PAGE}

    def page(self, who: str, path: str, status: int = 200) -> str:
        answer = self.client.get(path, headers=self.headers(who))
        assert answer.status_code == status, answer.text
        return str(answer.text)

    def send(self, who: str, path: str, status: int = 303, **form: Any) -> Any:
        answer = self.client.post(path, headers=self.headers(who), data=form, follow_redirects=False)
        assert answer.status_code == status, answer.text
        return answer


@pytest.fixture(scope="module")
def pages(shared_world: World) -> Iterator[Pages]:
    with TestClient(app_of(shared_world.service, "Europe/Berlin")) as client:
        yield Pages(shared_world, client)


def test_a_review_is_opened_and_worked_on_to_what_still_lacks(pages: Pages) -> None:
    base = "/reviews/records"
    empty = pages.send("rev", base, 409, plan="batch", batch=HOSTILE, reason=WHY)
    assert ("there is nothing to review" in empty.text, "<script>alert" in empty.text) == (True, False)
    assert "the plan is for batches" in pages.send("rev", base, 409, plan="batch", reason=WHY, **PERIOD).text
    place = pages.send("rev", base, plan="batch", batch=BATCH, reason=WHY).headers["location"]
    page = pages.page("aud", place)
    assert f"batch {BATCH}" in page
    assert "<form" not in page.partition("<main")[2].partition("</main")[0], "who only reads is shown no form"
    page = pages.page("rev", place)
    assert page.count('name="finding"') == 2
    assert "nobody has judged it" in page
    assert "no rule: none is validated here, so each record is looked at" in page
    listed = re.search(r"To be looked at: (.*)</p>", page)
    sample = [int(one) for one in re.findall(r">(\d+)</a>", listed[1] if listed else "")]
    assert len(sample) == 2
    assert "2 of them as no validated rule can judge them" in page

    none = pages.send("rev", f"{place}/judge", 409, judgement="confirmed", reason=WHY)
    assert "disposition" in none.text
    both: dict[str, Any] = {"finding": [pages.first, pages.second]}
    assert (
        "says too little" in pages.send("rev", f"{place}/judge", 409, judgement="confirmed", reason="ok", **both).text
    )
    told: dict[str, Any] = {"judgement": "confirmed", "reason": WHY, "case": HOSTILE, "deviation": "DEV-7"}
    pages.send("rev", f"{place}/judge", **both, **told)
    page = pages.page("rev", place)
    assert page.count("deviation DEV-7") == 2
    assert ("nobody has judged it" in page, "<script>alert" in page) == (False, False)
    assert "nobody has looked at" in pages.send("rev", f"{place}/conclude", 409, reason=WHY).text
    wrong = pages.send("rev", f"{place}/miss", 409, record="none", reason=WHY)
    assert "is not of the sample" in wrong.text
    other = (f"{sample[1] + 1}", "not of the sample")
    for text, said in ((HOSTILE, "names no entries"), (f"0-{10**13}", "names no entries"), other):
        none = pages.send("rev", f"{place}/look", 409, entries=text, reason=WHY)
        assert (said in none.text, "<script>alert" in none.text) == (True, False)
    pages.send("rev", f"{place}/look", entries=f" {sample[0]}-{sample[0]},", reason=WHY)
    assert f'To be looked at: <a href="/entries/records/{sample[1]}">{sample[1]}</a></p>' in pages.page("rev", place)
    pages.send("rev", f"{place}/miss", record=sample[1], rule="D10", reason="it names no recipe")
    page = pages.page("rev", place)
    assert ("it names no recipe" in page, "All of it was looked at" in page) == (True, True)
    assert "MES contributed nothing" in pages.send("rev", f"{place}/conclude", 409, reason=WHY).text
    pages.send("rev", f"{place}/system", system="MES", reason="this route has no such step")
    assert "this route has no such step" in pages.page("rev", place)
    assert "no signing route" in pages.send("rev", f"{place}/conclude", 409, reason=WHY).text
    assert "not concluded" in pages.page("rev", place), "nothing was entered"
    assert "nothing puts this review" in pages.send("rev", f"{place}/reconsider", 409, reason=WHY).text
    assert "a review has no step" in pages.send("rev", f"{place}/release", 409, reason=WHY).text
    assert place in pages.page("aud", base)


def test_what_is_decided_beside_reviews_is_listed_and_deferrals_are_asked_for_and_signed(pages: Pages) -> None:
    for path, empty in (
        ("deferrals", "Nothing is deferred."),
        ("deviations", "No deviation was raised from here."),
        ("review-answers", "Nothing was answered here."),
    ):
        assert empty in pages.page("aud", f"/{path}/records")
    page = pages.page("aud", "/review-plans/records")
    assert ("batches of every product" in page, "from risk 1 1 records" in page, "MES" in page) == (True, True, True)

    place = pages.send("rev", "/reviews/records", plan="batch", batch=MINOR, reason=WHY).headers["location"]
    wait: dict[str, Any] = {"scope": WHY, "risk": WHY, "until": "2099-01-01 08:00", "product": HOSTILE}
    refused = pages.send("rev", f"{place}/defer", 409, finding=[pages.first], **wait)
    assert "is critical: it cannot be deferred" in refused.text
    never = pages.send("rev", f"{place}/defer", 409, finding=[pages.minor()], **wait | {"until": "x"})
    assert "is no instant" in never.text
    pages.send("rev", f"{place}/defer", finding=[pages.minor()], **wait)
    page = pages.page("rev", "/deferrals/records")
    assert ("not in force: an approver has to sign it" in page, "<script>alert" in page) == (True, False)
    (entry,) = re.findall(r'href="/sign\?log=records&amp;entries=(\d+)"', page)
    assert f"entries={entry}" not in pages.page("aud", "/deferrals/records?batch=B-none")
    raised = {"finding": [pages.minor()], "title": "Changed unseen", "description": WHY}
    assert "no quality system is set" in pages.send("rev", f"{place}/raise", 409, **raised).text

    assert "it takes a batch" in pages.send("aud", "/review-answers/records", 409, batch=" ").text
    pages.send("aud", "/review-answers/records", batch=HOSTILE)
    there = pages.send("aud", "/review-answers/records", batch=MINOR).headers["location"]
    page = pages.page("aud", "/review-answers/records")
    assert (f'id="{there.partition("#")[2]}"' in page, "<script>alert" in page) == (True, False)
    assert ("there is no record of batch" in page, "is not concluded" in page) == (True, True)
    assert "there is no record of batch" not in pages.page("aud", f"/review-answers/records?batch={MINOR}")
    assert "<form" not in pages.page("aud", "/deferrals/records").partition("<main")[2].partition("</main")[0]


@pytest.mark.parametrize("path", ["deferrals", "deviations", "review-answers"])
def test_a_list_goes_on_where_it_is_long(pages: Pages, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decisions, "ROWS", 2)
    digest = b64(bytes(32))

    def about(at: int) -> str:
        return "B-long" if at else "B-short"

    kinds: dict[str, Callable[[int], Any]] = {
        "deferrals": lambda at: Deferral(
            findings=(b64(bytes([at]) * 32),), batch=about(at), scope=WHY, risk=WHY, authority=AUTHORITY,
            expires_at="2099-01-01T00:00:00.000000Z",
        ),
        "deviations": lambda at: Deviation(
            findings=(b64(bytes([at]) * 32),), source="qms", number=f"{at}", title=WHY, authority=AUTHORITY
        ),
        "review-answers": lambda at: ReviewAnswer(
            batch=about(at), state=AnswerState.OPEN, reasons=(), size=1, review=None, sha256=digest, authority=AUTHORITY
        ),
    }  # fmt: skip
    first = path == "deviations"  # they are of no batch
    store = pages.world.service.store
    entries = [store.append_one(RECORDS, draft(kinds[path](at))).index for at in range(first, 6)][not first :]
    seen, place = list[int](), f"/{path}/records?batch=B-long"
    for _ in range(3):
        page = pages.page("aud", place)
        seen += map(int, re.findall(r'<tr id="[a-z]+-(\d+)">', page))
        older = re.search(r'href="([^"]+)" rel="next"', page)
        place = "" if older is None else html.unescape(older[1])
    assert (seen, place) == (entries[::-1], "")


def test_who_only_reads_does_nothing_and_what_is_not_there_is_told(pages: Pages) -> None:
    assert "<form" not in pages.page("aud", "/reviews/records").partition("<main")[2].partition("</main")[0]
    pages.send("aud", "/reviews/records", 403, plan="batch", batch=BATCH, reason=WHY)
    for path in ("/reviews/none", "/reviews/system", "/reviews/records/none"):
        pages.page("aud", path, 404)
    home = pages.page("aud", "/")
    assert 'href="/reviews/records"' in home
