"""Signatures by hand over the API and on pages: looked up, entered with a scan, checked, shown beside the record."""

import base64
import html
import re
from collections.abc import Iterator
from typing import Any

import pytest

from ledger.core.binding import short_fingerprint
from ledger.core.hashing import leaf_hash
from ledger.people.roles import Role
from ledger.people.sessions import COOKIE
from tests.support.browsing import Pages
from tests.support.founded import founded
from tests.support.people import OWN_PAGE
from tests.support.signers import Signer

SCAN = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\nstartxref\n9\n%%EOF\n"
WORDS = {
    "meaning": "Checked in the night shift",
    "name": "Paul <b>Operator</b>",
    "signed_on": "2026-11-20",
    "kept_at": "binder 7",
    "reason": "terminal was down",
}


class Site:
    def __init__(self, pages: Pages) -> None:
        self.pages, self.plant = pages, pages.plant
        self.rita: Signer = self.plant.person(
            "rita", "Rita Reviewer", Role.REVIEWER, self.plant.officer.sign_in().authority
        )
        self.rita.sign_in("testclient")
        self.entries = iter(self.plant.records(12))

    def ask(self, who: Signer, method: str, path: str, scan: bytes | None = None, **form: str) -> Any:
        """A page, as this person's browser asks for it."""
        headers = {"Cookie": f"{COOKIE}={who.session}", **OWN_PAGE}
        files = None if scan is None else {"scan": ("scan.pdf", scan)}
        client = self.pages.client
        return client.request(method, path, headers=headers, data=form or None, files=files, follow_redirects=False)

    def api(self, who: Signer, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"Cookie": f"{COOKIE}={who.session}", **OWN_PAGE}
        return self.pages.client.request(method, f"/api/v1{path}", headers=headers, json=body)

    def fingerprint(self, index: int) -> str:
        with self.plant.service.store.reader(1) as reader:
            return short_fingerprint(leaf_hash(reader.entry(index).leaf))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    plant = founded(tmp_path_factory.mktemp("papers") / "ledger")
    pages = Pages(plant)
    with pages.client:
        yield Site(pages)
    plant.close()


def test_the_api_tells_what_a_fingerprint_is_of_and_takes_a_scan(site: Site) -> None:
    index = next(site.entries)
    found = site.api(site.rita, "GET", f"/papers/versions/{site.fingerprint(index)}")
    assert found.status_code == 200, found.text
    assert found.json()["printed"]["address"] == f"plant.example/signed/records#{index}"
    nothing = site.api(site.rita, "GET", f"/papers/versions/{'0' * 32}")
    assert (nothing.status_code, "of no version" in nothing.json()["detail"]) == (404, True)
    body = {"fingerprint": site.fingerprint(index), "scan": base64.b64encode(SCAN).decode(), **WORDS}
    made = site.api(site.rita, "POST", "/papers", body)
    assert made.status_code == 201, made.text
    known = made.json()
    assert known["kind"] == "hand-written, scan on file; no electronic signature"
    wrong = site.api(site.rita, "POST", "/papers", {**body, "scan": base64.b64encode(b"<svg/>").decode()})
    assert (wrong.status_code, "PDF, PNG or JPEG" in wrong.json()["detail"]) == (400, True)
    scan = site.api(site.rita, "GET", f"/papers/{known['paper']}/scan")
    assert scan.content == SCAN
    assert scan.headers["content-disposition"].startswith("attachment")
    own = site.api(site.rita, "POST", f"/papers/{known['paper']}/check", {"reason": "mine"})
    assert own.status_code == 403
    other = site.api(site.plant.quality, "POST", f"/papers/{known['paper']}/check", {"reason": "compared"})
    assert (other.status_code, other.json()["state"]) == (201, "checked")
    assert known["paper"] in {one["paper"] for one in site.api(site.rita, "GET", "/papers").json()}
    here = site.api(site.rita, "GET", f"/papers?log=records&index={index}").json()
    assert [one["paper"] for one in here] == [known["paper"]]
    assert site.api(site.rita, "GET", f"/papers?log=records&index={index + 1}").json() == []
    assert site.api(site.rita, "GET", "/papers?log=records").json() == here
    assert site.api(site.rita, "GET", "/papers?log=system").json() == []
    gone = site.api(site.rita, "POST", f"/papers/{known['paper']}/withdrawal", {"reason": "wrong scan"})
    assert gone.json()["state"] == "withdrawn"
    assert known["paper"] not in {one["paper"] for one in site.api(site.rita, "GET", "/papers").json()}


@pytest.mark.requirement("R64")
def test_the_page_takes_a_scan_and_every_page_shows_it_as_hand_written(site: Site) -> None:
    index = next(site.entries)
    entry = html.unescape(site.ask(site.rita, "GET", f"/entries/records/{index}").text)
    assert site.fingerprint(index) in entry, "a print of the page bears the fingerprint"
    looked = site.ask(site.rita, "GET", f"/papers?fingerprint={site.fingerprint(index)}")
    assert "as it stands now" in looked.text
    assert 'enctype="multipart/form-data"' in looked.text
    form = {"fingerprint": site.fingerprint(index), **WORDS}
    wrong = site.ask(site.rita, "POST", "/papers", scan=b"MZ not a scan", **form)
    assert (wrong.status_code, "no whole PDF, PNG or JPEG" in wrong.text) == (409, True)
    done = site.ask(site.rita, "POST", "/papers", scan=SCAN, **form)
    assert done.status_code == 303, done.text
    paper = done.headers["location"].removeprefix("/papers#paper-")
    shown = site.ask(site.rita, "GET", "/papers").text
    assert "<b>Operator" not in shown
    assert f'action="/papers/{paper}/check"' not in shown, "who entered it does not check it"
    entry = html.unescape(site.ask(site.rita, "GET", f"/entries/records/{index}").text)
    section = entry[entry.index('id="signatures"') : entry.index('id="proof"')]
    assert "No electronic signature names this entry." in section
    assert "signed by hand on 2026-11-20" in section
    assert "hand-written, scan on file; no electronic signature" in section
    quality = site.plant.quality
    assert f'action="/papers/{paper}/check"' in site.ask(quality, "GET", "/papers").text
    refused = site.ask(quality, "POST", f"/papers/{paper}/check", reason=" ")
    assert (refused.status_code, "reason has to be said" in refused.text) == (409, True)
    assert site.ask(quality, "POST", f"/papers/{paper}/check", reason="compared").status_code == 303
    assert "checked by quality1" in site.ask(quality, "GET", "/papers").text
    assert site.ask(quality, "GET", f"/papers/{paper}/scan").content == SCAN


def test_a_fingerprint_of_nothing_is_told_on_the_page(site: Site) -> None:
    for typed in ("0" * 32, "nonsense"):
        answer = site.ask(site.rita, "GET", f"/papers?fingerprint={typed}")
        assert answer.status_code in (404, 409)
        assert 'name="scan"' not in answer.text
    assert re.search(r"of no version", site.ask(site.rita, "GET", f"/papers?fingerprint={'0' * 32}").text)


def test_the_page_of_an_electronic_signature_shows_ink_on_its_print(site: Site) -> None:
    quality = site.plant.quality
    quality.sign_in("testclient")
    done = quality.sign(next(site.entries))
    page = html.unescape(site.ask(quality, "GET", f"/signatures/{done.index}").text)
    shown = re.search(r"((?:[0-9a-f]{4} ){7}[0-9a-f]{4})<br>", page)
    assert shown is not None
    form = {"fingerprint": shown[1], **WORDS}
    assert site.ask(site.rita, "POST", "/papers", scan=SCAN, **form).status_code == 303
    page = html.unescape(site.ask(quality, "GET", f"/signatures/{done.index}").text)
    assert "hand-written, scan on file; no electronic signature" in page
