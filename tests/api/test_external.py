"""A signature made elsewhere over the API: an authority let in, a certificate bound, a statement taken out and back."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient
from sqlalchemy import text

from ledger.core.errors import IntegrityError
from ledger.core.workflow import RequestState, Stage, Step
from ledger.people.roles import Role
from ledger.people.sessions import COOKIE
from ledger.signing.history import read_history
from ledger.signing.requests import Opening
from tests.support.application import app_of
from tests.support.founded import APPROVER, founded
from tests.support.outside import Holder, Outside
from tests.support.people import OWN_PAGE
from tests.support.signers import Signer

PEER = "testclient"
BEHIND_S = -15 * 60.0


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


class Site:
    def __init__(self, folder: Path) -> None:
        self.trust = Outside(folder / "trust")
        self.plant = founded(folder / "ledger", APPROVER, ahead_s=BEHIND_S)
        officer = self.plant.officer.sign_in()
        self.second = self.plant.person("officer2", "Otto Officer", Role.SECURITY_OFFICER, officer.authority)
        self.anna: Signer = self.plant.people["approver1"]
        self.holder: Holder = self.trust.person("Anna Approver", "PNODE-1")
        self.plant.service.people.profiles.set(
            "signing_modes", ["sealed-key", "external"], "agreed", self.plant.officer.sign_in(PEER).authority
        )
        self.second.sign_in(PEER)
        self.client: TestClient[Any] = TestClient(app_of(self.plant.service))

    def ask(self, who: Signer, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"Cookie": f"{COOKIE}={who.session}", **OWN_PAGE}
        return self.client.request(method, f"/api/v1/signing{path}", headers=headers, json=body)

    def brought(self, data: bytes, **more: Any) -> dict[str, Any]:
        return {"cms": b64(self.holder.sign(data)), "certificates": b64(self.holder.chain), **more}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    with made.client:
        yield made
    made.plant.close()


@pytest.mark.requirement("R25", "R54")
def test_a_signature_made_elsewhere_goes_the_whole_way_over_the_api(site: Site) -> None:
    officer, plant = site.plant.officer, site.plant
    given = {"certificate": b64(site.trust.root), "reason": "our trust service"}
    assert site.ask(site.anna, "POST", "/anchors", given).status_code in (401, 403)
    proposed = site.ask(officer, "POST", "/anchors", given)
    assert proposed.status_code == 201, proposed.text
    anchor = proposed.json()["anchor"]
    assert site.ask(officer, "POST", f"/anchors/{anchor}/confirmation", {"reason": "me too"}).status_code == 403
    confirmed = site.ask(site.second, "POST", f"/anchors/{anchor}/confirmation", {"reason": "looked"})
    assert (confirmed.status_code, confirmed.json()["state"]) == (201, "confirmed")
    plant.publish()
    plant.clock.ahead_us = max(0, plant.clock.ahead_us)
    site.anna.sign_in(PEER)
    wanted = {"certificate": b64(site.holder.pem), "reason": "mine"}
    put = site.ask(site.anna, "POST", "/certificates", wanted).json()
    data = site.ask(site.anna, "GET", f"/certificates/{put['id']}/bytes").content
    assert data.startswith(b"trailseal/key-binding/v1\n")
    assert site.ask(officer, "GET", f"/certificates/{put['id']}/bytes").status_code in (401, 403)
    proven = site.ask(site.anna, "POST", f"/certificates/{put['id']}", site.brought(data))
    assert proven.status_code == 201, proven.text
    site.anna.key_id = plant.signing.bindings.all("approver1")[-1].key_id
    (record,) = plant.records(1)
    statement = {"log": "records", "entries": [record], "action": "record", "meaning": "approved", "reason": "routine"}
    early = site.ask(site.anna, "POST", "/statements", {**statement, "mode": "external"})
    assert early.status_code == 403, "it takes two vouchers"
    for voucher in (officer, plant.quality):
        voucher.sign_in()
        voucher.vouch(site.anna)
    plant.publish()
    ready = site.ask(site.anna, "POST", "/statements", {**statement, "mode": "external"})
    assert ready.status_code == 200, ready.text
    said = ready.json()
    data = site.ask(site.anna, "GET", f"/statements/{said['id']}/bytes").content
    shown = {"code": site.anna.code()}
    wrong = site.brought(data + b" ", digest=said["digest"], shown=shown)
    refused = site.ask(site.anna, "POST", f"/statements/{said['id']}/external", wrong)
    assert (refused.status_code, "over other bytes" in refused.json()["detail"]) == (403, True)
    done = site.ask(
        site.anna, "POST", f"/statements/{said['id']}/external", site.brought(data, digest=said["digest"], shown=shown)
    )
    assert done.status_code == 201, done.text
    assert (done.json()["valid"], done.json()["mode"]) == (True, "external")
    _step(site)
    plain = site.ask(site.anna, "POST", "/statements", statement).json()
    assert site.ask(site.anna, "GET", f"/statements/{plain['id']}/bytes").status_code == 404
    gone = site.ask(site.second, "POST", f"/anchors/{anchor}/withdrawal", {"reason": "their audit failed"})
    assert gone.json()["state"] == "withdrawn"
    _put_back(site, anchor)


def _step(site: Site) -> None:
    """A step of a request is signed elsewhere, and only as that step."""
    plant = site.plant
    (record,) = plant.records(1)
    stages = [Stage(steps=(Step(step="approve", role="approver", meaning="approved"),))]
    plant.service.workflows.routes.define("one", "Approval", stages, "as the SOP says", plant.quality.caller.authority)
    opening = Opening(title="Batch B-1", route="one", reason="done", entries=(record,))
    request = plant.service.workflows.requests.open(opening, plant.quality.caller.authority).request
    plant.service.workflows.decisions.open_items(request, [record], site.anna.caller.authority)
    plant.publish()
    at = f"requests/{request}/steps/approve"
    put = site.ask(site.anna, "POST", f"/{at}/preparation", {"reason": "routine", "mode": "external"})
    assert put.status_code in (200, 201), put.text
    said = put.json()
    data = site.ask(site.anna, "GET", f"/statements/{said['id']}/bytes").content
    alone = site.brought(data, digest=said["digest"])
    assert site.ask(site.anna, "POST", f"/statements/{said['id']}/external", alone).status_code == 409
    answered = {"id": said["id"], "digest": said["digest"], "external": site.brought(data)}
    if "second-factor" in said["needed"]:
        answered["shown"] = {"code": site.anna.code()}
    done = site.ask(site.anna, "POST", f"/{at}/signature", answered)
    assert done.status_code == 201, done.text
    assert plant.service.workflows.requests.get(request).progress.state is RequestState.COMPLETED


def _put_back(site: Site, anchor: str) -> None:
    """Who holds the database opens the withdrawn anchor's row again: nothing is signed by it, at once."""
    store = site.plant.service.store
    with store.writing() as connection:
        for name in connection.execute(text("SELECT name FROM sqlite_schema WHERE type = 'trigger'")).scalars().all():
            connection.execute(text(f"DROP TRIGGER {name}"))
        connection.execute(text("UPDATE trust_anchor SET to_index = NULL WHERE key = :key"), {"key": anchor})
    with store.reading() as connection, pytest.raises(IntegrityError, match="contradicts"):
        read_history(store, connection)
