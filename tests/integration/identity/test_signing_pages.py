"""Signing at the provider by pages, as a browser without scripts goes the way; and what does not sign."""

import re
from html import unescape
from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.core.workflow import RequestState, Stage, Step
from ledger.signing.requests import Opening
from tests.integration.identity.plant import Signing
from tests.integration.identity.site import OWN_PAGE, SESSION_COOKIE
from tests.integration.identity.test_pages import FROM_THERE, address_of


class Browser:
    """The reviewer's browser: it sends the session's cookie with what our own pages send, and with nothing else."""

    def __init__(self, signing: Signing) -> None:
        self.signing = signing
        self.client: TestClient[Any] = signing.client
        self.client.cookies.clear()

    def own(self, method: str, path: str, **form: str) -> Any:
        self.client.cookies.set(SESSION_COOKIE, self.signing.reviewer.session)
        try:
            return self.client.request(method, path, data=form or None, headers=OWN_PAGE, follow_redirects=False)
        finally:
            self.client.cookies.pop(SESSION_COOKIE)

    def prepared(self, record: int) -> tuple[str, dict[str, str]]:
        """The statement as it is shown for the provider: its page, and the form that goes there."""
        form = {"log": "records", "entries": str(record), "meaning": "record/reviewed", "reason": "routine"}
        shown = self.own("POST", "/sign", **form, mode="provider")
        assert shown.status_code == 200, shown.text
        ident = re.findall(r'action="/sign/([0-9a-f]+)/provider"', shown.text)[0]
        digest = unescape(re.findall(r'name="digest" value="([^"]+)"', shown.text)[0])
        return unescape(shown.text), {"ident": ident, "digest": digest}

    def sent(self, put: dict[str, str], user: str = "anna") -> dict[str, str]:
        """Authenticates at the provider, which sends the browser back with this."""
        going = self.own("POST", f"/sign/{put['ident']}/provider", digest=put["digest"])
        return self.signing.provider.authenticate(address_of(going), user)

    def back(self, returned: dict[str, str]) -> Any:
        """What the way back is answered with, and then the form of ours."""
        page = self.client.get("/sign-in/provider/callback", params=returned, headers=FROM_THERE)
        assert page.status_code == 200, page.text
        fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        assert fields == returned
        (action,) = re.findall(r'method="post" action="(/sign/[^"]+)"', page.text)
        return self.own("POST", action, **fields)


@pytest.fixture
def browser(signing: Signing) -> Browser:
    return Browser(signing)


def signatures(signing: Signing) -> int:
    return signing.plant.signatures()


@pytest.mark.requirement("R55")
def test_a_person_signs_at_the_provider_and_lands_on_the_signature(signing: Signing, browser: Browser) -> None:
    asked = browser.own("GET", f"/sign?log=records&entries={signing.records[8]}")
    assert '<option value="provider">At the identity provider</option>' in asked.text
    assert '<option value="passkey">' not in asked.text, "she has none"
    page, put = browser.prepared(signing.records[8])
    assert f"You sign by authenticating anew at {signing.provider.issuer.removeprefix('https://')}" in page
    assert "whoever controls it can sign for its people" in page
    going = browser.own("POST", f"/sign/{put['ident']}/provider", digest=put["digest"])
    address = address_of(going)
    assert "max_age=0" in address
    assert "acr_values=" in address
    cookie = next(one for one in going.headers.get_list("set-cookie") if "-page=" in one).lower()
    assert {"httponly", "secure", "samesite=lax"} <= {one.strip() for one in cookie.split(";")}
    done = browser.back(signing.provider.authenticate(address, "anna"))
    assert done.status_code == 303, done.text
    shown = unescape(browser.own("GET", done.headers["location"]).text)
    for words in ("valid: by a token of the site's identity provider", "Rita Reviewer", "Rests on the site's identity"):
        assert words in shown
    index = int(done.headers["location"].rpartition("/")[2])
    look = signing.client.get(f"/api/v1/signing/signatures/{index}", headers=session(signing)).json()
    assert (look["valid"], look["mode"], look["entries"]) == (True, "provider", [signing.records[8]])


@pytest.mark.requirement("R55")
def test_a_step_of_a_request_is_signed_at_the_provider_and_lands_on_the_request(
    signing: Signing, browser: Browser
) -> None:
    flows, authority = signing.plant.service.workflows, signing.reviewer.caller.authority
    stages = [Stage(steps=(Step(step="review", role="reviewer", meaning="reviewed"),))]
    flows.routes.define("one", "Review", stages, "as the SOP says", signing.plant.root)
    opening = Opening(title="Batch B-1", route="one", reason="done", entries=(signing.records[16],))
    request = flows.requests.open(opening, authority).request
    put = browser.own("POST", f"/tasks/{request}/steps/review", reason="routine", mode="provider")
    assert put.status_code == 200, put.text
    (ident,) = re.findall(r'action="/sign/([0-9a-f]+)/provider"', put.text)
    digest = unescape(re.findall(r'name="digest" value="([^"]+)"', put.text)[0])
    done = browser.back(browser.sent({"ident": ident, "digest": digest}))
    assert (done.status_code, done.headers.get("location")) == (303, f"/tasks/{request}"), done.text
    assert flows.requests.get(request).progress.state is RequestState.COMPLETED


def session(signing: Signing) -> dict[str, str]:
    return {"Cookie": f"{SESSION_COOKIE}={signing.reviewer.session}"}


def test_another_person_s_authentication_lands_on_the_refusal(signing: Signing, browser: Browser) -> None:
    _, put = browser.prepared(signing.records[9])
    before = signatures(signing)
    done = browser.back(browser.sent(put, "bert"))
    assert done.status_code == 409
    assert "Not signed" in done.text
    assert "another person than the signer" in unescape(done.text)
    assert signatures(signing) == before


def test_an_outage_on_either_way_says_so_and_offers_another(signing: Signing, browser: Browser) -> None:
    _, put = browser.prepared(signing.records[10])
    returned = browser.sent(put)
    before = signatures(signing)
    signing.provider.stop()
    try:
        back = browser.back(returned)
        form = {"log": "records", "entries": str(signing.records[10]), "meaning": "record/reviewed"}
        there = browser.own("POST", "/sign", **form, reason="routine", mode="provider")
        for told in (back, there):
            assert told.status_code == 503
            assert "sign-in service unreachable" in told.text
            assert "wrong password" not in told.text
            assert '<option value="sealed-key">By my sealed key</option>' in told.text
        sealed = browser.own("POST", "/sign", **form, reason="routine", mode="sealed-key")
        assert sealed.status_code == 200, "local components are still asked for"
        assert "Signing secret" in sealed.text
    finally:
        signing.provider.start()
    assert signatures(signing) == before


def test_what_was_begun_for_one_statement_signs_no_other(signing: Signing, browser: Browser) -> None:
    _, one = browser.prepared(signing.records[11])
    _, other = browser.prepared(signing.records[12])
    returned = browser.sent(one)
    before = signatures(signing)
    done = browser.own("POST", f"/sign/{other['ident']}/answer", **returned)
    assert done.status_code == 409
    assert "begun for something else" in unescape(done.text)
    again = browser.own("POST", f"/sign/{one['ident']}/answer", **returned)
    assert again.status_code == 409, "the answer was used up"
    assert signatures(signing) == before


def test_a_statement_that_was_not_shown_is_not_sent(signing: Signing, browser: Browser) -> None:
    _, put = browser.prepared(signing.records[13])
    told = browser.own("POST", f"/sign/{put['ident']}/provider", digest="A" * 43 + "=")
    assert told.status_code == 409
    assert "refresh" not in told.headers


def test_without_the_session_or_from_another_site_nothing_is_begun_or_ended(signing: Signing, browser: Browser) -> None:
    _, put = browser.prepared(signing.records[14])
    returned = browser.sent(put)
    before = signatures(signing)
    paths = (f"/sign/{put['ident']}/provider", f"/sign/{put['ident']}/answer")
    for path in paths:
        assert signing.client.post(path, data=returned, headers=OWN_PAGE).status_code == 401
        crossed = signing.client.post(path, data=returned, headers={**session(signing), **FROM_THERE})
        assert crossed.status_code == 403
        bare = signing.client.post(path, data=returned, headers=session(signing))
        assert bare.status_code == 403
    assert signatures(signing) == before
    signing.client.cookies.clear()
    lost = browser.own("POST", paths[1], **returned)
    assert lost.status_code == 409
    assert "not begun in this browser" in lost.text
    assert signatures(signing) == before


def test_a_statement_of_another_mode_or_person_is_not_found(signing: Signing, browser: Browser) -> None:
    _, put = browser.prepared(signing.records[15])
    quality = signing.plant.quality
    quality.sign_in("testclient")
    headers = {"Cookie": f"{SESSION_COOKIE}={quality.session}", **OWN_PAGE}
    path = f"/sign/{put['ident']}/provider"
    assert signing.client.post(path, data={"digest": put["digest"]}, headers=headers).status_code == 404
    assert browser.own("POST", f"/sign/{put['ident']}/passkey", passkey="e30").status_code == 404
    assert signing.client.get(f"/sign/{put['ident']}/passkey").status_code == 404
