"""A whole signature at the provider: prepared, shown, authenticated for, entered, judged again, and no other way in."""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.api.app import create_app
from ledger.core.signature import Continuity, Mode
from ledger.people.oidc import Agreement
from ledger.people.oidc_attempts import Answer
from ledger.people.profile import Profiles
from ledger.people.roles import Role
from ledger.signing.factors import Shown
from ledger.signing.signatures import Asked
from tests.api.world import MovableClock
from tests.integration.identity.site import OWN_PAGE, SESSION_COOKIE
from tests.support.idp import CLIENT, PASSWORD_ACR, REDIRECT, SECRET, TOKEN_ACR, Provider
from tests.support.signers import Plant, Signer


class Signing:
    """A plant whose reviewer has a signing key, and an account at the provider that she linked herself."""

    def __init__(self, plant: Plant, provider: Provider, reviewer: Signer, client: TestClient[Any]) -> None:
        self.plant = plant
        self.provider = provider
        self.reviewer = reviewer
        self.client = client
        self.records = plant.records(8)

    def post(self, path: str, **body: Any) -> Any:
        self.client.cookies.set(SESSION_COOKIE, self.reviewer.session)
        return self.client.post(f"/api/v1/{path}", json=body, headers=OWN_PAGE)

    def prepared(self, record: int) -> Any:
        asked = {
            "log": "records",
            "entries": [record],
            "action": "record",
            "meaning": "reviewed",
            "reason": "routine",
            "mode": "provider",
        }
        made = self.post("signing/statements", **asked)
        assert made.status_code == 200, made.text
        return made.json()

    def returned(self, put: Any, user: str = "anna") -> dict[str, str]:
        begun = self.post(f"provider/statements/{put['id']}")
        assert begun.status_code == 200, begun.text
        return self.provider.authenticate(begun.json()["address"], user)


def _behind() -> MovableClock:
    clock = MovableClock()
    clock.pass_seconds(-3000)
    return clock


@pytest.fixture(scope="module")
def signing(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signing]:
    # Codes of devices move the ledger's clock on: it begins behind, so that it agrees with the provider's in the end.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.support.signers.MovableClock", _behind)
        plant = Plant(tmp_path_factory.mktemp("plant") / "ledger")
    service = plant.service
    plant.found()
    reviewer = plant.join("reviewer1", "Rita Reviewer", Role.REVIEWER)
    service.keys.keep_client_secret(SECRET)
    agreement = Agreement(
        issuer=provider.issuer,
        client_id=CLIENT,
        redirect_uri=REDIRECT,
        acr=(PASSWORD_ACR, TOKEN_ACR),
        signing_acr=(TOKEN_ACR,),
    )
    officer = plant.officer.sign_in().authority
    service.provider.set(agreement, "agreed with IT", officer)
    Profiles(service.store).set("signing_modes", ("sealed-key", "passkey", "provider"), "agreed", officer)
    plant.clock.ahead_us = -40_000_000
    caller = reviewer.sign_in("testclient")
    plant.clock.ahead_us = 0
    begun = service.provider_door.begin_link(caller)
    answer = Answer(**provider.authenticate(begun.address, "anna"))
    service.provider_door.complete_link(caller, begun.secret, answer)
    plant.publish()
    with TestClient(create_app(service), base_url="https://ledger.example") as client:
        yield Signing(plant, provider, reviewer, client)
    plant.close()


@pytest.mark.requirement("R22")
@pytest.mark.requirement("R55")
def test_a_person_signs_at_the_provider_and_every_level_holds(signing: Signing) -> None:
    put = signing.prepared(signing.records[0])
    statement = put["statement"]
    assert (statement["mode"], statement["components"]) == ("provider", ["identity-provider"])
    assert "identity provider" in statement["class_text"]
    returned = signing.returned(put)
    done = signing.post(f"provider/statements/{put['id']}/answer", digest=put["digest"], **returned)
    assert done.status_code == 201, done.text
    look = signing.client.get(f"/api/v1/signing/signatures/{done.json()['index']}")
    assert (look.json()["valid"], look.json()["mode"]) == (True, "provider"), look.text
    again = signing.post(f"provider/statements/{put['id']}/answer", digest=put["digest"], **returned)
    assert again.status_code in (403, 404), "what was signed is signed"
    service = signing.plant.service
    signing.plant.publish()
    report = service.verifier.run(service.system, levels=(1, 2, 3, 4))
    assert report.holds, report


def test_from_another_network_it_is_a_signing_alone_and_every_level_holds(signing: Signing) -> None:
    service, caller, there = signing.plant.service, signing.reviewer.caller, "192.0.2.77"
    asked = Asked(
        log="records",
        entries=(signing.records[6],),
        action="record",
        meaning="reviewed",
        reason="routine",
        mode=Mode.PROVIDER,
    )
    put = service.signing.signatures.prepare(caller, asked, there)
    assert put.statement.continuity is Continuity.SINGLE
    begun = service.provider_signing.begin(put.statement)
    answer = Answer(**signing.provider.authenticate(begun.address, "anna"))
    proof = service.provider_signing.complete(put.statement, begun.secret, answer)
    service.signing.signatures.complete(put.id, put.digest, Shown(), proof, caller, there)
    report = service.verifier.run(service.system, levels=(1, 2, 3, 4))
    assert report.holds, report


def test_what_was_not_shown_is_not_signed(signing: Signing) -> None:
    put = signing.prepared(signing.records[1])
    returned = signing.returned(put)
    other = signing.post(f"provider/statements/{put['id']}/answer", digest="A" * 43 + "=", **returned)
    assert other.status_code == 409
    before = signing.plant.service.people.directory.seen().size
    bert = signing.prepared(signing.records[2])
    refused = signing.post(
        f"provider/statements/{bert['id']}/answer", digest=bert["digest"], **signing.returned(bert, "bert")
    )
    assert refused.status_code == 403, refused.text
    assert signing.plant.service.people.directory.seen().size == before, "nothing was entered"


def test_a_session_s_cookie_alone_signs_nothing(signing: Signing) -> None:
    put = signing.prepared(signing.records[3])
    bare = signing.post(f"signing/statements/{put['id']}", digest=put["digest"], shown={})
    assert bare.status_code in (401, 403), bare.text


def test_signing_with_local_components_still_works_while_the_provider_is_away(signing: Signing) -> None:
    """Must show: an outage says so, and the sealed key signs where the profile allows it."""
    signing.provider.stop()
    try:
        asked = {"log": "records", "entries": [signing.records[4]], "action": "record", "meaning": "reviewed"}
        told = signing.post("signing/statements", **asked, reason="routine", mode="provider")
        assert (told.status_code, told.json()["code"]) == (503, "sign_in_unreachable")
        assert told.json()["detail"].startswith("sign-in service unreachable")
        signed = signing.reviewer.sign(signing.records[4], meaning="reviewed", mode=Mode.SEALED_KEY)
        assert signed.entry.statement.mode is Mode.SEALED_KEY
    finally:
        signing.provider.start()
