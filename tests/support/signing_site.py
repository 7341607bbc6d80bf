"""A founded plant over HTTP: its people sign in workflows, with real components and keys."""

from typing import Any

from litestar.testing import TestClient

from ledger.people.roles import Role
from ledger.people.sessions import COOKIE
from tests.support.application import app_of
from tests.support.changing import approve
from tests.support.people import OWN_PAGE
from tests.support.signers import Plant, Signer

PEER = "testclient"
STAGES: list[dict[str, Any]] = [
    {"steps": [{"step": "review", "role": "reviewer", "meaning": "reviewed", "due_hours": 8}]},
    {"steps": [{"step": "approve", "role": "approver", "meaning": "approved"}]},
]


class Site:
    """A founded plant with a reviewer and an approver besides, and a client that speaks as any of them."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.reviewer = plant.people["reviewer1"]
        self.second = plant.join("reviewer2", "Rolf Reviewer", Role.REVIEWER)
        self.approver = plant.people["approver1"]
        for one in (self.reviewer, self.second, self.approver):
            one.sign_in(PEER)
        self.client = TestClient(app_of(plant.service))
        self.client.__enter__()
        made = {"route": "two", "title": "Review", "stages": STAGES, "reason": "as the SOP says"}
        self.set("routes", made)

    def set(self, path: str, made: dict[str, Any]) -> None:
        """A route as the approver proposes it, once quality signed that."""
        answer = self.call(self.approver, "POST", path, {**made, "change_request": "CR-0042"})
        assert answer.status_code == 202, answer.text
        approve(self.plant, answer.json()["index"])

    def call(self, who: Signer, method: str, path: str, data: object = None) -> Any:
        headers = {"Cookie": f"{COOKIE}={who.session}", **OWN_PAGE}
        return self.client.request(method, f"/api/v1/signing/{path}", headers=headers, json=data)

    def open(self, who: Signer, entries: list[int], **more: Any) -> str:
        data = {"title": "Batch B-1", "route": "two", "reason": "batch is done", "entries": entries, **more}
        answer = self.call(who, "POST", "requests", data)
        assert answer.status_code == 201, answer.text
        request: str = answer.json()["request"]
        return request

    def prepare(self, who: Signer, request: str, step: str, **more: Any) -> Any:
        return self.call(who, "POST", f"requests/{request}/steps/{step}/preparation", {"reason": "routine", **more})

    def sign(self, who: Signer, request: str, step: str, **more: Any) -> Any:
        put = self.prepare(who, request, step, **more)
        assert put.status_code == 201, put.text
        return self.complete(who, request, step, put.json())

    def complete(self, who: Signer, request: str, step: str, put: dict[str, Any]) -> Any:
        data = {"id": put["id"], "digest": put["digest"], "shown": self.components(who, put)}
        return self.call(who, "POST", f"requests/{request}/steps/{step}/signature", data)

    def alone(self, who: Signer, put: dict[str, Any]) -> Any:
        """Completes what was prepared as if it belonged to no step."""
        data = {"digest": put["digest"], "shown": self.components(who, put)}
        return self.call(who, "POST", f"statements/{put['id']}", data)

    def components(self, who: Signer, put: dict[str, Any]) -> dict[str, str]:
        shown = {}
        for name, value in (("password", who.password), ("second-factor", None), ("signing-secret", who.secret)):
            if name in put["needed"]:
                key = {"second-factor": "code", "signing-secret": "secret"}.get(name, name)
                shown[key] = value or who.code()
        return shown

    def shown(self, who: Signer, request: str) -> Any:
        return self.call(who, "GET", f"requests/{request}").json()
