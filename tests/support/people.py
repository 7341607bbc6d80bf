"""Persons of a test's ledger, with real components: a password and a device that shows codes.

    reviewer = person(world, "reviewer1", roles=[Role.REVIEWER])
    cookies = reviewer.sign_in(client)          # a session, through the API's own steps
    client.get("/api/v1/logs", headers=reviewer.headers())

A code is good once: `Device.code` goes on to the next, and moves the world's clock where it has to.
"""

from collections.abc import Iterable
from typing import Any

from litestar.testing import TestClient

from ledger.core.authority import Authority
from ledger.core.entry import draft
from ledger.people.access import Scope
from ledger.people.door import Begun, Visit
from ledger.people.enrolment import Code, Set
from ledger.people.kinds import AccountEntry, AccountSort, AccountState, GrantEntry, GrantState
from ledger.people.roles import SCOPES, Role
from ledger.people.second import Proof
from ledger.people.sessions import COOKIE
from ledger.people.totp import STEP_S, WINDOW, code_at
from ledger.service import Service
from ledger.store.logs import SYSTEM_LOG

PASSWORD = "violet anvil under seven quiet bridges"
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}
"""What a browser says when a page of ours sends a request."""


class Device:
    """An authenticator: shows the codes of one secret, none twice."""

    def __init__(self, secret: str, clock: Any) -> None:
        self.secret = secret
        self._clock = clock
        self._last = -1

    def code(self) -> str:
        """The next code that is good now and was not shown before."""
        now = self._clock.now_us() // 1_000_000 // STEP_S
        step = max(now, self._last + 1)
        while step > self._clock.now_us() // 1_000_000 // STEP_S + WINDOW:
            self._clock.pass_seconds(STEP_S)
        self._last = step
        return code_at(self.secret, step)


class Person:
    """Somebody who set their own components, and signs in with them."""

    def __init__(self, service: Service, account: str, device: Device, password: str) -> None:
        self._service = service
        self.account = account
        self.device = device
        self.password = password

    def begin(self, previous: str | None = None, peer: str = "127.0.0.1") -> str:
        """Signs in without HTTP; returns the session's secret."""
        door, visit = self._service.entrance.door, Visit(peer=peer, previous=previous)
        asked = door.show_password(self.account, self.password, visit)
        if isinstance(asked, Begun):
            return asked.session
        return door.show_second(asked.state, Proof(code=self.device.code()), visit).session

    def sign_in(self, client: TestClient[Any]) -> dict[str, str]:
        """Signs in through the API; the client keeps the cookie, and this returns it."""
        first = client.post("/api/v1/sign-in", json={"account": self.account, "password": self.password})
        assert first.status_code == 200, first.text
        if "state" in first.json():
            second = {"state": first.json()["state"], "code": self.device.code()}
            done = client.post("/api/v1/sign-in/second", json=second)
            assert done.status_code == 200, done.text
        return {COOKIE: client.cookies[COOKIE]}

    def headers(self) -> dict[str, str]:
        """Headers of a request in a new session of this person, as a page of ours sends it."""
        return {"Cookie": f"{COOKIE}={self.begin()}", **OWN_PAGE}


def person(
    world: Any,
    account: str,
    roles: Iterable[Role | str] = (),
    sites: Iterable[str] = (),
    sources: Iterable[str] = (),
    *,
    sort: AccountSort = AccountSort.PERSON,
    title: str = "",
    password: str = PASSWORD,
    **grant: Any,
) -> Person:
    """Makes a person of this world with these roles, who enrols with a code as any person does.

    `world` has `service` and a `clock` that can be moved by `pass_seconds`. Further members go into each grant.
    """
    service: Service = world.service
    by = administrator(world)
    make_account(service, account, by, sort=sort, title=title)
    for role in roles:
        grant_role(service, account, Role(role), by, sites=tuple(sites), sources=tuple(sources), **grant)
    return enrolled(world, service.entrance.enrolment.issue(account, "joins", by), password)


def administrator(world: Any) -> Authority:
    """Who makes persons: the world's administration token, where it has one, else whoever has the folder."""
    service: Service = world.service
    tokens = getattr(world, "tokens", {})
    if Scope.ADMIN not in tokens:
        return service.people.local("root")
    return service.people.directory.find(tokens[Scope.ADMIN].token).caller.authority


def enrolled(world: Any, code: Code, password: str = PASSWORD) -> Person:
    """The person who uses this code, with a new device."""
    service: Service = world.service
    enrolment = service.entrance.enrolment
    begun = enrolment.begin(code.code)
    assert begun.secret is not None
    device = Device(begun.secret, world.clock)
    enrolment.finish(begun.state, Set(password=password, code=device.code(), title="phone"))
    return Person(service, code.account, device, password)


def make_account(
    service: Service, account: str, by: Authority, *, sort: AccountSort = AccountSort.PERSON, title: str = ""
) -> int:
    """The entry of a person's account."""
    entry = AccountEntry(
        account=account,
        sort=sort,
        state=AccountState.ACTIVE,
        title=title or f"Person {account[-12:]}",
        reason="joins",
        authority=by,
    )
    index = service.store.append_one(SYSTEM_LOG, draft(entry)).index
    service.people.directory.forget()
    return index


def grant_role(service: Service, account: str, role: Role, by: Authority, **members: Any) -> int:
    """The entry of a role's grant."""
    entry = GrantEntry(
        grant=f"{account}-{role.value}",
        account=account,
        state=GrantState.GRANTED,
        scopes=tuple(sorted(SCOPES[role])),
        reason="trained",
        authority=by,
        role=role,
        **members,
    )
    index = service.store.append_one(SYSTEM_LOG, draft(entry)).index
    service.people.directory.forget()
    return index
