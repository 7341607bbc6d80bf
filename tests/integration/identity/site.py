"""A ledger whose site signs in at a provider: persons who are linked, and the steps of a browser."""

from typing import Any

import httpx
from litestar.testing import TestClient
from sqlalchemy import Connection

from ledger.people.credentials import SystemView, view
from ledger.people.oidc import Agreement
from ledger.people.oidc_attempts import COOKIE as ATTEMPT
from ledger.people.oidc_attempts import Answer
from ledger.people.oidc_door import ProviderDoor
from ledger.people.oidc_links import Link
from ledger.people.oidc_token import check_id_token
from ledger.people.person_kinds import Purpose
from ledger.people.roles import Role
from ledger.people.sessions import COOKIE
from tests.api.world import World
from tests.support.idp import CLIENT, PASSWORD_ACR, REDIRECT, SECRET, TOKEN_ACR, Provider
from tests.support.staff import Staff

ATTEMPT_COOKIE, SESSION_COOKIE = f"__Host-{ATTEMPT}", f"__Host-{COOKIE}"
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}


class Site:
    """`anna` and `bert` have accounts of these names; two security officers administer them."""

    def __init__(self, world: World, provider: Provider, client: TestClient[Any]) -> None:
        self.world = world
        self.service = world.service
        self.provider = provider
        self.client = client
        self.staff = Staff(world.service)
        for officer in ("officer1", "officer2"):
            self.staff.person(officer, Role.SECURITY_OFFICER)
        for reviewer in ("anna", "bert"):
            self.staff.person(reviewer, Role.REVIEWER)
        self.service.keys.keep_client_secret(SECRET)
        self.agree()

    def agree(self, **more: Any) -> None:
        wanted: dict[str, Any] = {
            "issuer": self.provider.issuer,
            "client_id": CLIENT,
            "redirect_uri": REDIRECT,
            "acr": (PASSWORD_ACR, TOKEN_ACR),
            "signing_acr": (TOKEN_ACR,),
            **more,
        }
        self.service.provider.set(Agreement(**wanted), "agreed with IT", self.staff.admin)

    @property
    def door(self) -> ProviderDoor:
        return self.service.provider_door

    def subject(self, user: str) -> str:
        """Whom the provider knows this user as; read off a real token."""
        found = self.service.provider.agreed()
        about = {"for": "look"}
        begun = self.door.attempts.begin(found, about, {"acr_values": TOKEN_ACR})
        ended = self.door.attempts.end(found, begun.secret, self.answer(begun.address, user), about)
        keys = self.service.provider.refresh("a look").keys
        shown = check_id_token(ended.granted, keys, ended.nonce, (TOKEN_ACR,), self.world.clock.now_us())
        return shown.subject

    def link(self, account: str, user: str | None = None, confirmed: bool = True) -> Link:
        """Two administrators link the account to the user of that name."""
        links = self.service.provider_door.links
        subject = self.subject(user or account)
        made = links.link(account, self.provider.issuer, subject, "known", self.staff.acting("officer1"))
        return links.confirm(made.credential, "known", self.staff.acting("officer2")) if confirmed else made

    def answer(self, address: str, user: str, browser: httpx.Client | None = None) -> Answer:
        """What the provider answers to this address once `user` has authenticated."""
        return Answer(**self.provider.authenticate(address, user, browser))

    def people_view(self, connection: Connection) -> SystemView:
        """The system log as it stands in this snapshot."""
        return view(connection)

    def lock(self, account: str) -> None:
        """Locks an account by refused passwords."""
        for _ in range(5):
            self.service.entrance.attempts.refused(account, Purpose.SIGN_IN, "password", "192.0.2.9")

    def begin(self) -> str:
        """Begins to sign in, in the client's browser; returns the provider's address."""
        begun = self.client.post("/api/v1/provider/sign-in", headers=OWN_PAGE)
        assert begun.status_code == 200, begun.text
        address: str = begun.json()["address"]
        return address

    def sign_in(self, user: str) -> httpx.Response:
        """The whole way."""
        return self.end(self.provider.authenticate(self.begin(), user))

    def end(self, returned: dict[str, str]) -> httpx.Response:
        return self.client.post("/api/v1/provider/sign-in/answer", json=returned, headers=OWN_PAGE)
