"""A founded plant whose reviewer has a signing key here, and an account at a provider that she linked herself."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.people.oidc import Agreement
from ledger.people.oidc_attempts import Answer
from ledger.people.profile import Profiles
from ledger.people.roles import Role
from tests.api.world import MovableClock
from tests.integration.identity.site import OWN_PAGE, SESSION_COOKIE
from tests.support.application import app_of
from tests.support.idp import CLIENT, PASSWORD_ACR, REDIRECT, SECRET, TOKEN_ACR, Provider
from tests.support.signers import Plant, Signer


class Signing:
    """A plant whose reviewer has a signing key, and an account at the provider that she linked herself."""

    def __init__(self, plant: Plant, provider: Provider, reviewer: Signer, client: TestClient[Any]) -> None:
        self.plant = plant
        self.provider = provider
        self.reviewer = reviewer
        self.client = client
        self.records = plant.records(20)

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


@contextmanager
def signing_at(provider: Provider, folder: Path) -> Iterator[Signing]:
    """The plant with its application, pages too."""
    # Codes of devices move the ledger's clock on: it begins behind, so that it agrees with the provider's in the end.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.support.signers.MovableClock", _behind)
        plant = Plant(folder)
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
    app = app_of(service, "Europe/Berlin")
    with TestClient(app, base_url="https://ledger.example") as client:
        yield Signing(plant, provider, reviewer, client)
    plant.close()


def _behind() -> MovableClock:
    clock = MovableClock()
    clock.pass_seconds(-3000)
    return clock
