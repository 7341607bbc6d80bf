"""Signing over HTTP: keys, vouching, the first start, and a signature from prepared to verified."""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.people.roles import Role
from ledger.people.sessions import cookie_name
from tests.support.application import app_of
from tests.support.changing import approve
from tests.support.founded import founded
from tests.support.signers import Plant, Signer

API = "/api/v1/signing"
PEER = "testclient"
OWN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    made = founded(tmp_path_factory.mktemp("api") / "ledger")
    yield made
    made.close()


@pytest.fixture(scope="module")
def client(plant: Plant) -> Iterator[TestClient[Any]]:
    with TestClient(app_of(plant.service)) as made:
        yield made


class Browser:
    """A person's browser, signed in."""

    def __init__(self, client: TestClient[Any], signer: Signer) -> None:
        self._client = client
        self.signer = signer
        self.signer.sign_in(PEER)

    def post(self, path: str, **body: Any) -> Any:
        return self._client.post(f"{API}{path}", json=body, headers=self._headers)

    def get(self, path: str, **query: Any) -> Any:
        return self._client.get(f"{API}{path}", params=query, headers=self._headers)

    @property
    def _headers(self) -> dict[str, str]:
        return {**OWN, "Cookie": f"{cookie_name(False)}={self.signer.session}"}


@pytest.fixture(scope="module")
def entry(plant: Plant) -> int:
    return plant.records(3)[0]


@pytest.mark.requirement("R16", "R23", "R24")
def test_a_signature_goes_from_prepared_to_verified(client: TestClient[Any], plant: Plant, entry: int) -> None:
    browser = Browser(client, plant.quality)
    asked = {"log": "records", "entries": [entry], "action": "record", "meaning": "approved", "reason": "routine"}
    put = browser.post("/statements", **asked)
    assert put.status_code == 200, put.text
    put = put.json()
    assert put["needed"] == ["second-factor", "signing-secret"]
    alone = browser.post(f"/statements/{put['id']}", digest=put["digest"])
    assert (alone.status_code, alone.json()["code"]) == (403, "reauthentication_required")
    shown = {"code": plant.quality.code(), "secret": plant.quality.secret}
    done = browser.post(f"/statements/{put['id']}", digest=put["digest"], shown=shown)
    assert done.status_code == 201, done.text
    found = done.json()
    assert (found["valid"], found["unsigned"]) == (True, False)
    assert found["shown"]["name"] == "Quentin Quality"
    assert browser.get(f"/signatures/{found['index']}").json()["sentence"] == found["sentence"]
    assert [one["index"] for one in browser.get("/signatures", log="records", index=entry).json()] == [found["index"]]
    again = browser.post(f"/statements/{put['id']}", digest=put["digest"], shown=shown)
    assert again.status_code == 404


def test_a_wrong_secret_is_answered_like_any_other_refusal(client: TestClient[Any], plant: Plant, entry: int) -> None:
    browser = Browser(client, plant.quality)
    asked = {"log": "records", "entries": [entry + 1], "action": "record", "meaning": "approved", "reason": "routine"}
    put = browser.post("/statements", **asked).json()
    wrong = {"code": plant.quality.code(), "secret": "not the secret at all"}
    answer = browser.post(f"/statements/{put['id']}", digest=put["digest"], shown=wrong)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert "secret" not in answer.text


@pytest.mark.requirement("R20", "R29")
def test_a_key_is_made_vouched_for_and_revoked(client: TestClient[Any], plant: Plant) -> None:
    officer = Browser(client, plant.officer)
    new = plant.person("reviewer9", "Nadia Nilsson", Role.REVIEWER, plant.officer.caller.authority)
    browser = Browser(client, new)
    weak = browser.post("/keys", secret="short", reason="first key")
    assert weak.status_code == 400
    same = browser.post("/keys", secret=new.password, reason="first key")
    assert "login password" in same.json()["detail"]
    made = browser.post("/keys", secret=new.secret, reason="first key")
    assert made.status_code == 201, made.text
    (key,) = [one for one in browser.get("/keys").json() if one["account"] == "reviewer9"]
    assert (key["state"], key["signs"]) == ("requested", False)
    own = browser.post(f"/keys/{key['key_id']}/attestation", how="I am she")
    assert (own.status_code, own.json()["code"]) == (403, "not_signatory")
    for voucher, state in ((officer, "attested"), (Browser(client, plant.quality), "bound")):
        put = voucher.post(f"/keys/{key['key_id']}/attestation", how="we work together").json()
        done = voucher.post(f"/attestations/{put['id']}", reason="known", shown={"secret": voucher.signer.secret})
        assert done.status_code == 201, done.text
        (key,) = [one for one in browser.get("/keys").json() if one["account"] == "reviewer9"]
        assert key["state"] == state
    revoked = browser.post(f"/keys/{key['key_id']}/revocation", reason="secret forgotten")
    assert revoked.status_code == 201
    (key,) = [one for one in browser.get("/keys").json() if one["account"] == "reviewer9"]
    assert (key["state"], key["signs"]) == ("revoked", False)


def test_the_card_shows_the_first_start_and_nobody_begins_another(client: TestClient[Any], plant: Plant) -> None:
    browser = Browser(client, plant.officer)
    card = browser.get("/card").json()
    assert plant.card is not None
    assert card["fingerprint"] == plant.card.fingerprint
    again = browser.post("/ceremony", officer="officer1", quality="quality1")
    assert again.status_code == 409


def test_lists_are_shown_and_set_by_administrators_alone(client: TestClient[Any], plant: Plant) -> None:
    browser = Browser(client, plant.quality)
    assert {one["action"] for one in browser.get("/lists").json()} >= {"record", "review", "accountability"}
    words = [{"code": "seen", "texts": [{"language": "en", "text": "Seen."}], "roles": []}]
    why = [{"code": "routine", "texts": [{"language": "en", "text": "Routine."}]}]
    refused = browser.post("/lists/package", meanings=words, reasons=why, reason="try")
    assert refused.status_code == 403
    officer = Browser(client, plant.officer)
    done = officer.post("/lists/package", meanings=words, reasons=why, reason="agreed", change_request="CR-0042")
    assert done.status_code == 202, done.text
    approve(plant, done.json()["index"])
