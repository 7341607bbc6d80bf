"""Signing elsewhere by pages: a certificate bound with its two vouchers, bytes taken out, a signature brought back."""

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.core.workflow import RequestState, Step
from ledger.people.roles import Role
from ledger.people.sessions import COOKIE
from ledger.signing.requests import Opening
from tests.api.test_external import BEHIND_S, PEER
from tests.support.application import app_of
from tests.support.browsing import hidden
from tests.support.changing import set_route
from tests.support.founded import APPROVER, founded
from tests.support.outside import DAY, NOW, Holder, Outside
from tests.support.people import OWN_PAGE
from tests.support.revocations import response
from tests.support.signers import Signer


class Site:
    """A founded plant that takes signatures of a trust service, and its pages; Anna has a certificate."""

    def __init__(self, folder: Any) -> None:
        self.trust = Outside(folder / "trust")
        self.plant = plant = founded(folder / "ledger", APPROVER, ahead_s=BEHIND_S)
        set_route(plant, "one", Step(step="approve", role="approver", meaning="approved"))
        self.second = plant.person("officer2", "Otto Officer", Role.SECURITY_OFFICER, plant.officer.sign_in().authority)
        self.anna: Signer = plant.people["approver1"]
        self.holder: Holder = self.trust.person("Anna Approver", "PNODE-1")
        self.stranger: Holder = self.trust.person("Anna Approver", "PNODE-2")
        officer = plant.officer.sign_in(PEER).authority
        plant.service.people.profiles.set("signing_modes", ["sealed-key", "external"], "agreed", officer)
        self.client: TestClient[Any] = TestClient(app_of(plant.service, "Europe/Berlin"))

    def let_in(self) -> None:
        """Two administrators let the trust service's authority in."""
        officer, given = self.plant.officer, {"certificate": self.trust.root}
        wrong = self.ask(officer, "POST", "/anchors", {"certificate": self.holder.pem}, reason="no authority")
        assert (wrong.status_code, 'role="alert"' in wrong.text) == (409, True)
        assert self.ask(self.anna, "POST", "/anchors", given, reason="mine").status_code == 403
        proposed = self.ask(officer, "POST", "/anchors", given, reason="our trust service")
        assert proposed.status_code == 303, proposed.text
        at = proposed.headers["location"].replace("#", "/") + "/confirmation"
        shown = self.ask(officer, "GET", "/anchors").text
        assert ("proposed by officer1" in shown, f'action="{at}"' in shown) == (True, False), "not by who proposed it"
        mine = self.ask(officer, "POST", at, None, reason="me too")
        assert (mine.status_code, "a second administrator" in mine.text) == (409, True)
        self.second.sign_in(PEER)
        assert f'action="{at}"' in self.ask(self.second, "GET", "/anchors").text
        assert self.ask(self.second, "POST", at, None, reason="looked").status_code == 303
        assert "confirmed by officer2" in self.ask(officer, "GET", "/anchors").text
        self.plant.publish()
        self.plant.clock.ahead_us = max(0, self.plant.clock.ahead_us)
        for one in (self.anna, self.plant.officer, self.plant.quality):
            one.sign_in(PEER)

    def ask(self, who: Signer, method: str, path: str, files: dict[str, bytes] | None = None, /, **form: str) -> Any:
        sent = {name: (f"{name}.bin", data, "application/octet-stream") for name, data in (files or {}).items()}
        headers = {"Cookie": f"{COOKIE}={who.session}", **OWN_PAGE}
        return self.client.request(
            method, path, headers=headers, data=form or None, files=sent or None, follow_redirects=False
        )

    def vouch(self, voucher: Signer, key: str) -> Any:
        put = self.ask(voucher, "POST", f"/vouching/{key}", compared="yes", how="in person", mode="sealed-key")
        form = {"id": hidden(put.text, "id"), "secret": voucher.secret}
        return self.ask(voucher, "POST", f"/vouching/{key}/signature", None, **form)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("elsewhere"))
    with made.client:
        yield made
    made.plant.close()


def bind(site: Site) -> None:
    """By the pages: her certificate asks, and two people vouch."""
    anna, plant = site.anna, site.plant
    assert 'href="/account/certificates"' in site.ask(anna, "GET", "/account/keys").text
    assert "No authority is let in yet" in site.ask(anna, "GET", "/account/certificates").text
    site.let_in()
    assert "CN=Trust Service Root" in site.ask(anna, "GET", "/account/certificates").text
    nothing = site.ask(anna, "POST", "/account/certificates", {"certificate": b"no certificate"}, reason="mine")
    assert (nothing.status_code, 'role="alert"' in nothing.text) == (409, True)
    begun = site.ask(anna, "POST", "/account/certificates", {"certificate": site.holder.pem}, reason="mine")
    assert begun.status_code == 303, begun.text
    at = begun.headers["location"]
    shown = html.unescape(site.ask(anna, "GET", at).text)
    assert "PNODE-1" in shown
    assert site.ask(plant.quality, "GET", f"{at}/bytes").status_code == 403
    data = site.ask(anna, "GET", f"{at}/bytes").content
    assert data.startswith(b"trailseal/key-binding/v1\n")
    device = at.replace("/certificates/", "/keys/") + "/device"
    assert site.client.get(device).status_code == 404, "what a passkey has to sign is shown to who has its id alone"
    files = {"cms": site.stranger.sign(data), "certificates": site.stranger.chain}
    wrong = site.ask(anna, "POST", at, files)
    assert (wrong.status_code, "not theirs" in html.unescape(wrong.text)) == (409, True), wrong.text
    done = site.ask(anna, "POST", at, {"cms": site.holder.sign(data), "certificates": site.holder.chain})
    assert (done.status_code, done.headers.get("location")) == (303, "/account/keys"), done.text
    key = plant.signing.bindings.all(anna.account)[-1]
    assert f"external service</td><td>{'waits for two people'}" in site.ask(anna, "GET", "/account/keys").text
    assert "PNODE-1" in html.unescape(site.ask(plant.quality, "GET", f"/vouching/{key.key_id}").text)
    for voucher in (plant.officer, plant.quality):
        assert "You vouched for the key" in site.vouch(voucher, key.key_id).text
    plant.publish()


def prepared(site: Site, record: int) -> str:
    form = {"log": "records", "entries": str(record), "meaning": "record/approved", "reason": "routine"}
    put = site.ask(site.anna, "POST", "/sign", None, **form, mode="external")
    assert put.status_code == 200, put.text
    (at,) = re.findall(r'href="(/sign/[0-9a-f]+/elsewhere)"', put.text)
    return str(at)


@pytest.mark.requirement("R54", "R16", "R25")
def test_a_certificate_is_bound_and_signs_elsewhere_by_plain_forms(site: Site) -> None:
    bind(site)
    anna, plant = site.anna, site.plant
    record, other, third = plant.records(3)
    offered = site.ask(anna, "GET", f"/sign?log=records&entries={record}").text
    assert '<option value="external">' in offered
    at = prepared(site, record)
    shown = html.unescape(site.ask(anna, "GET", at).text)
    assert "I approve these records." in shown
    out = re.findall(r'href="(/sign/[0-9a-f]+/bytes)"', shown)[0]
    taken = site.ask(anna, "GET", out)
    assert taken.headers["content-disposition"].startswith("attachment")
    data = taken.content
    assert data == plant.signing.signatures.exported(at.split("/")[2])
    for path in (at, out):
        assert site.ask(plant.quality, "GET", path).status_code == 404, "another person's"
    before = plant.signatures()
    fields = {"code": anna.code()} if 'name="code"' in shown else {}
    chain = {"certificates": site.holder.chain}
    revoked = {"revocation": response(site.trust, site.holder.pem, NOW - DAY)}
    attempts: list[tuple[dict[str, bytes], str]] = [
        ({}, "0 bytes"),
        ({"cms": b"MZ no signature"}, "no detached signature"),
        ({"cms": site.holder.sign(data + b" "), **chain}, "over other bytes"),
        ({"cms": site.stranger.sign(data), **chain}, "not theirs"),
        ({"cms": site.holder.sign(data), **chain, **revoked}, "was revoked on"),
        ({"cms": site.holder.sign(data), **chain, "revocation": b"MZ"}, "no revocation list"),
        ({"cms": site.holder.sign(site.ask(anna, "GET", prepared(site, other)[:-9] + "bytes").content)}, "other bytes"),
    ]
    for files, says in attempts:
        told = site.ask(anna, "POST", at, files or {"certificates": b""}, **fields)
        assert (told.status_code, says in html.unescape(told.text)) == (409, True), (says, told.text)
        assert f'action="{at}"' in told.text, "what waits is not lost by that"
    theirs = site.ask(plant.quality, "POST", at, {"cms": site.holder.sign(data), **chain})
    assert theirs.status_code == 404
    assert plant.signatures() == before
    evidence = {"revocation": response(site.trust, site.holder.pem)}
    done = site.ask(anna, "POST", at, {"cms": site.holder.sign(data), **chain, **evidence}, **fields)
    assert done.status_code == 303, done.text
    verdict = html.unescape(site.ask(anna, "GET", done.headers["location"]).text)
    assert "valid: made outside Trailseal by the signer's certificate" in verdict
    assert "PNODE-1" in verdict
    assert "not revoked by the authority's OCSP response of" in verdict
    again = site.ask(anna, "POST", at, {"cms": site.holder.sign(data), **chain}, **fields)
    assert (again.status_code, plant.signatures()) == (404, before + 1), "once"
    step(site, third)
    (anchor,) = plant.signing.external.anchors()
    gone = site.ask(site.second, "POST", f"/anchors/{anchor.anchor}/withdrawal", None, reason="their audit failed")
    assert gone.status_code == 303
    assert "No authority is let in yet" in site.ask(anna, "GET", "/account/certificates").text
    plant.publish()
    assert plant.service.verifier.run(plant.service.system, levels=(1, 2, 3, 4)).holds


def step(site: Site, record: int) -> None:
    """A step of a request is signed elsewhere, and ends on the request."""
    flows, quality = site.plant.service.workflows, site.plant.quality
    opening = Opening(title="Batch B-1", route="one", reason="done", entries=(record,))
    request = flows.requests.open(opening, quality.caller.authority).request
    flows.decisions.open_items(request, [record], site.anna.caller.authority)
    site.plant.publish()
    put = site.ask(site.anna, "POST", f"/tasks/{request}/steps/approve", reason="routine", mode="external")
    assert put.status_code == 200, put.text
    (at,) = re.findall(r'href="(/sign/[0-9a-f]+/elsewhere)"', put.text)
    shown = site.ask(site.anna, "GET", at).text
    assert f'href="/tasks/{request}"' in shown
    data = site.ask(site.anna, "GET", at.replace("elsewhere", "bytes")).content
    fields = {"code": site.anna.code()} if 'name="code"' in shown else {}
    files = {"cms": site.holder.sign(data), "certificates": site.holder.chain}
    done = site.ask(site.anna, "POST", at, files, **fields)
    assert (done.status_code, done.headers.get("location")) == (303, f"/tasks/{request}"), done.text
    assert flows.requests.get(request).progress.state is RequestState.COMPLETED
