"""The pages of tasks: plain forms, by which a step is opened, seen and signed; and what they say of who may not."""

from collections.abc import Iterator

import pytest

from ledger.core.workflow import Stage, Step
from ledger.people.roles import Role
from ledger.people.sessions import COOKIE
from ledger.signing.requests import Opening
from tests.support.browsing import Pages, hidden
from tests.support.founded import REVIEWER, founded
from tests.support.signers import Plant

HOSTILE = '<script>alert("x")</script>'


class TaskPages(Pages):
    """The pages with a reviewer, and a route of two steps."""

    def __init__(self, plant: Plant) -> None:
        super().__init__(plant)
        self.reviewer = plant.people["reviewer1"]
        self.reviewer.sign_in("testclient")
        steps = (
            Step(step="review", role="reviewer", meaning="reviewed", due_hours=8),
            Step(step="approve", role="approver", meaning="approved"),
        )
        stages = [Stage(steps=(step,)) for step in steps]
        self.flows = plant.service.workflows
        self.flows.routes.define("two", "Review", stages, "as the SOP says", plant.root)

    def open(self, count: int) -> tuple[str, list[int]]:
        records = self.plant.records(count)
        opening = Opening(title=f"Batch {HOSTILE}", route="two", reason="done", entries=tuple(records))
        return self.flows.requests.open(opening, self.reviewer.caller.authority).request, records


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TaskPages]:
    plant = founded(tmp_path_factory.mktemp("pages") / "ledger", REVIEWER)
    made = TaskPages(plant)
    with made.client:
        yield made
    plant.close()


def test_a_set_is_opened_seen_and_signed_by_plain_forms(pages: TaskPages) -> None:
    request, records = pages.open(2)
    rita, at = pages.reviewer, f"/tasks/{request}"
    listed = pages.ask(rita, "GET", "/tasks").text
    assert "Sign step review as reviewer: reviewed" in listed
    assert "2 to open" in listed
    shown = pages.ask(rita, "GET", at)
    assert HOSTILE not in shown.text
    assert "&lt;script&gt;" in shown.text
    assert "has not opened 2 entries" in shown.text
    refused = pages.ask(rita, "POST", f"{at}/steps/review", reason="routine")
    assert (refused.status_code, "has not opened 2 entries" in refused.text) == (409, True)
    for index in records:
        opened = pages.ask(rita, "POST", f"{at}/items/{index}")
        assert (opened.status_code, opened.headers["location"]) == (303, f"/entries/records/{index}")
    assert "you can sign this now" in pages.ask(rita, "GET", at).text
    put = pages.ask(rita, "POST", f"{at}/steps/review", reason="routine")
    assert "I reviewed what this request is about." in put.text
    assert "Rita Reviewer (reviewer1), reviewer" in put.text
    form = {"id": hidden(put.text, "id"), "digest": hidden(put.text, "digest")}
    wrong = pages.ask(
        rita, "POST", f"{at}/steps/review/signature", **form, code="000000", secret="no such secret at all"
    )
    assert wrong.status_code in (401, 409)
    assert "signed by" not in wrong.text.lower()
    put = pages.ask(rita, "POST", f"{at}/steps/review", reason="routine")
    fields = {"id": hidden(put.text, "id"), "digest": hidden(put.text, "digest")}
    for name, value in (("password", rita.password), ("code", ""), ("secret", rita.secret)):
        if f'name="{name}"' in put.text:
            fields[name] = value or rita.code()
    done = pages.ask(rita, "POST", f"{at}/steps/review/signature", **fields)
    assert (done.status_code, done.headers.get("location")) == (303, at), done.text
    entry = pages.ask(rita, "GET", f"/entries/records/{records[0]}").text
    assert f'signing request <a href="/tasks/{request}">' in entry
    after = pages.ask(pages.plant.quality, "GET", at).text
    assert "reviewer1</a>, reviewer, reviewed" in after
    assert "reviewer1 signed step review" in after
    assert "has not opened 2 entries" in after


def test_the_page_says_why_i_may_not_and_who_opened_it_withdraws_it(pages: TaskPages) -> None:
    request, _ = pages.open(1)
    at = f"/tasks/{request}"
    quality = pages.ask(pages.plant.quality, "GET", at).text
    assert "&#39;approve&#39; comes later: review is to be signed before it" in quality
    assert "Withdraw request" not in quality
    assert pages.ask(pages.plant.quality, "POST", f"{at}/withdrawal", reason="no").status_code == 409
    assert pages.ask(pages.reviewer, "POST", f"{at}/withdrawal", reason=" ").status_code == 409
    assert pages.ask(pages.reviewer, "POST", f"{at}/withdrawal", reason="wrong batch").status_code == 303
    assert "withdrawn" in pages.ask(pages.reviewer, "GET", at).text
    assert pages.ask(pages.reviewer, "GET", "/tasks/none").status_code == 404


def test_a_delegate_is_offered_the_step_in_the_place_of_who_lent_it(pages: TaskPages) -> None:
    plant = pages.plant
    second = plant.join("reviewer2", "Rolf Reviewer", Role.REVIEWER)
    second.sign_in("testclient")
    named = Step(step="review", role="reviewer", meaning="reviewed", accounts=("reviewer1",))
    pages.flows.routes.define("ritas", "Rita's", [Stage(steps=(named,))], "her line", plant.root)
    opening = Opening(title="Hers", route="ritas", reason="done", entries=tuple(plant.records(1)))
    request = pages.flows.requests.open(opening, plant.root).request
    before = pages.ask(second, "GET", f"/tasks/{request}").text
    assert "is for others: reviewer1" in before
    assert "See what you would sign" not in before
    now = plant.clock.now_us()
    by = pages.reviewer.caller.authority
    pages.flows.delegations.give("reviewer2", now, now + 3_600_000_000, "leave", by)
    assert "in the place of reviewer1" in pages.ask(second, "GET", "/tasks").text
    offered = pages.ask(second, "GET", f"/tasks/{request}").text
    assert 'name="on_behalf_of" value="reviewer1"' in offered
    put = pages.ask(second, "POST", f"/tasks/{request}/steps/review", reason="routine", on_behalf_of="reviewer1")
    assert "Rolf Reviewer (reviewer2), reviewer in the place of reviewer1" in put.text


def test_a_request_is_no_page_of_another_site(pages: TaskPages) -> None:
    request, _ = pages.open(1)
    headers = {"Cookie": f"{COOKIE}={pages.reviewer.session}", "Sec-Fetch-Site": "cross-site"}
    sent = pages.client.post(f"/tasks/{request}/withdrawal", headers=headers, data={"reason": "x"})
    assert sent.status_code == 403
    assert pages.flows.requests.get(request).progress.ended_us is None
