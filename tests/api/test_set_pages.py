"""A set too large to be listed, by the pages and by the API: opened page by page, signed, and shown page by page."""

from collections.abc import Iterator
from typing import Any

import pytest

from ledger.core.progress import MAX_SHOWN
from ledger.core.signature import MAX_ENTRIES
from ledger.core.workflow import Stage, Step
from ledger.people.roles import Role
from ledger.people.sessions import COOKIE
from ledger.signing.requests import Opening
from ledger.store.question import Query
from ledger.web.views.items import PAGE
from tests.support.browsing import Pages, hidden
from tests.support.founded import REVIEWER, founded
from tests.support.people import OWN_PAGE
from tests.support.signers import Plant, Signer

COUNT = MAX_ENTRIES + 50
PEER = "testclient"


class SetPages(Pages):
    """The pages with two reviewers, and one request over a set."""

    def __init__(self, plant: Plant) -> None:
        super().__init__(plant)
        self.rita = plant.people["reviewer1"]
        self.rolf = plant.join("reviewer2", "Rolf Reviewer", Role.REVIEWER)
        for one in (self.rita, self.rolf):
            one.sign_in(PEER)
        self.flows = plant.service.workflows
        step = Step(step="review", role="reviewer", meaning="reviewed", needed=2)
        self.flows.routes.define("pair", "Review", [Stage(steps=(step,))], "as the SOP says", plant.root)
        self.records = plant.records(COUNT)
        opening = Opening(title="All of it", route="pair", reason="done", query=Query(source="erp"))
        self.request = self.flows.requests.open(opening, plant.root).request

    def call(self, who: Signer, method: str, path: str, data: object = None) -> Any:
        headers = {"Cookie": f"{COOKIE}={who.session}", **OWN_PAGE}
        return self.client.request(method, f"/api/v1/signing/{path}", headers=headers, json=data)

    def sign(self, who: Signer) -> Any:
        at = f"/tasks/{self.request}/steps/review"
        put = self.ask(who, "POST", at, reason="routine").text
        fields = {"id": hidden(put, "id"), "digest": hidden(put, "digest")}
        for name, value in (("password", who.password), ("code", ""), ("secret", who.secret)):
            if f'name="{name}"' in put:
                fields[name] = value or who.code()
        return self.ask(who, "POST", f"{at}/signature", **fields)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SetPages]:
    plant = founded(tmp_path_factory.mktemp("sets") / "ledger", REVIEWER)
    made = SetPages(plant)
    with made.client:
        yield made
    plant.close()


def test_a_set_is_shown_page_by_page_and_signed_then(pages: SetPages) -> None:
    rita, at = pages.rita, f"/tasks/{pages.request}"
    first = pages.ask(rita, "GET", at).text
    assert f"A set of {COUNT} entries" in first
    assert "Open entry" not in first
    refused = pages.ask(rita, "POST", f"{at}/steps/review", reason="routine")
    assert (refused.status_code, f"has not opened {COUNT} entries" in refused.text) == (409, True)
    listed = pages.ask(rita, "GET", f"{at}/items").text
    assert listed.count("operator1") == PAGE, "each entry has its sentence"
    assert f"/entries/records/{pages.records[0]}" in listed
    assert f"/entries/records/{pages.records[PAGE]}" not in listed
    assert f"{at}/items?begin={pages.records[PAGE]}" in listed
    place, seen = f"{at}/items", 0
    while place.startswith(f"{at}/items"):
        text = pages.ask(rita, "GET", place).text
        done = pages.ask(rita, "POST", f"{at}/items", first=hidden(text, "first"), last=hidden(text, "last"))
        assert done.status_code == 303
        place, seen = done.headers["location"], seen + 1
    assert (place, seen) == (at, -(-COUNT // PAGE))
    last = pages.ask(rita, "GET", f"{at}/items?begin={pages.records[-1]}").text
    assert "opened" in last
    assert "I was shown these entries" not in last, "nothing is left to be said of it"
    assert "Page before" in last
    signed = pages.sign(rita)
    assert (signed.status_code, signed.headers.get("location")) == (303, at), signed.text


def test_more_than_a_page_at_a_time_or_of_another_set_is_refused(pages: SetPages) -> None:
    at, first = f"/tasks/{pages.request}/items", pages.records[0]
    for low, high in ((first, first + MAX_SHOWN), (first - 1, first), (first + 1, first)):
        assert pages.ask(pages.rolf, "POST", at, first=str(low), last=str(high)).status_code in (400, 422)
    assert pages.ask(pages.rolf, "POST", at, first="x", last="1").status_code in (400, 422)
    assert pages.ask(pages.rolf, "GET", f"{at}?begin=x").status_code in (400, 422)
    assert pages.flows.requests.get(pages.request).progress.unopened("reviewer2") == COUNT


def test_the_api_shows_pages_of_a_set_and_enters_each(pages: SetPages) -> None:
    rolf, at = pages.rolf, f"requests/{pages.request}"
    shown = pages.call(rolf, "GET", at).json()
    assert (shown["entries"], shown["count"], shown["to_open"]) == ([], COUNT, COUNT)
    assert len(shown["unopened"]) == MAX_ENTRIES
    page = pages.call(rolf, "GET", f"{at}/items?begin={pages.records[10]}&limit=3").json()
    assert (page["entries"], page["count"], page["next_from"]) == (pages.records[10:13], COUNT, pages.records[13])
    assert pages.call(rolf, "POST", f"{at}/openings", {"most": MAX_SHOWN + 1}).status_code == 400
    begin: int | None = 0
    found: list[int] = []
    while begin is not None:
        answer = pages.call(rolf, "POST", f"{at}/openings", {"begin": begin, "most": MAX_SHOWN})
        assert answer.status_code == 201, answer.text
        items = answer.json()
        assert items["items"][0]["body"]["record"]["actor"]["account"] == "operator1"
        found += [one["index"] for one in items["items"]]
        begin = items["next_from"]
    assert found == pages.records
    assert pages.call(rolf, "GET", at).json()["to_open"] == 0
    assert pages.call(rolf, "POST", f"{at}/openings", {"begin": pages.records[-1] + 1}).status_code == 404


def test_the_signature_shows_what_it_is_over_page_by_page(pages: SetPages) -> None:
    assert pages.sign(pages.rolf).status_code == 303
    given = pages.flows.requests.get(pages.request).progress.steps[0].given[-1].signature
    page = pages.ask(pages.rolf, "GET", f"/signatures/{given}").text
    assert f"/signatures/{given}/entries" in page
    assert "valid: " in page
    listed = pages.ask(pages.rolf, "GET", f"/signatures/{given}/entries?begin={pages.records[PAGE]}").text
    assert f"/entries/records/{pages.records[PAGE]}" in listed
    assert "I was shown" not in listed
    assert pages.ask(pages.rolf, "GET", "/signatures/1/entries").status_code == 404
    assert pages.ask(pages.rolf, "GET", "/signatures/999999/entries").status_code == 404
    told = pages.call(pages.rolf, "GET", f"signatures/{given}/entries?begin={pages.records[-1]}").json()
    assert (told["entries"], told["next_from"], told["count"]) == ([pages.records[-1]], None, COUNT)
    entry = pages.ask(pages.rolf, "GET", f"/entries/records/{pages.records[700]}").text
    assert f"/signatures/{given}" in entry
    assert f"/tasks/{pages.request}" in entry
