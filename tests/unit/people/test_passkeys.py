"""Passkeys of signing in, by a software authenticator that lies in every way there is."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

import pytest

from ledger.core.errors import Conflict, NotAuthenticated, NotFound, SchemaViolation
from ledger.core.passkey import unb64url
from ledger.people.door import Asked, Visit
from ledger.people.enrolment import Set
from ledger.people.roles import Role
from ledger.people.second import Proof
from ledger.settings import Web
from tests.api.world import World
from tests.support.people import PASSWORD, Person, administrator, make_account, person
from tests.support.signing_authenticator import PRESENT, VERIFIED, SigningAuthenticator

ORIGIN, HOST = "https://trailseal.plant.example", "trailseal.plant.example"
HERE = Visit(peer="192.0.2.7")

pytestmark = pytest.mark.requirement("R26")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("passkeys") / "ledger", web=Web(origin=ORIGIN))
    yield made
    made.close()


class Key(SigningAuthenticator):
    """An authenticator of one credential, told apart from others'."""

    def __init__(self, name: str, origin: str = ORIGIN, rp_id: str = HOST) -> None:
        super().__init__(origin, rp_id)
        self.credential = sha256(name.encode()).digest()

    def show(self, options: dict[str, Any], **lies: Any) -> dict[str, Any]:
        """The browser's answer to what a page asks for."""
        proof = self.sign(unb64url(lies.pop("challenge", options["challenge"])), **lies)
        return {
            "id": proof.credential,
            "rawId": proof.credential,
            "type": "public-key",
            "response": {
                "clientDataJSON": proof.client_data,
                "authenticatorData": proof.authenticator_data,
                "signature": proof.signature,
                "userHandle": None,
            },
        }


_made = 0


def someone(world: World) -> tuple[Person, Key]:
    """A person who signs in with a password and a passkey, or the passkey alone."""
    global _made
    _made += 1
    account = f"keeper{_made}"
    one, key = person(world, account, [Role.REVIEWER]), Key(account)
    caller = world.people.sessions.find(one.begin())
    own = world.service.entrance.own
    offer = own.offer(caller, PASSWORD, HERE.peer)
    assert offer.passkey is not None
    own.add(caller, offer.state, None, key.register(offer.passkey), "desk")
    return one, key


def alone(world: World, key: Key, **lies: Any) -> str:
    door = world.service.entrance.door
    offered = door.offer_passkey()
    return door.show_passkey(offered.state, key.show(offered.passkey, **lies), HERE).account


def test_a_passkey_alone_is_possession_and_verification_in_one(world: World) -> None:
    one, key = someone(world)
    assert alone(world, key) == one.account
    body = world.system_entries("session-event")[-1]
    assert body["methods"] == ["passkey"]
    facts = [found["passkey"] for found in world.system_entries("credential") if found["sort"] == "passkey"][-1]
    assert facts["attestation"]
    assert (facts["backup_eligible"], facts["backed_up"]) == (False, False)


def test_a_passkey_is_a_second_factor_beside_a_password(world: World) -> None:
    one, key = someone(world)
    door = world.service.entrance.door
    asked = door.show_password(one.account, PASSWORD, HERE)
    assert isinstance(asked, Asked)
    assert asked.second == ("passkey", "totp")
    assert asked.passkey is not None
    begun = door.show_second(asked.state, Proof(passkey=key.show(asked.passkey)), HERE)
    assert world.people.sessions.find(begun.session).account == one.account


@pytest.mark.requirement("R43")
@pytest.mark.parametrize(
    "lies",
    [
        {"flags": PRESENT},
        {"flags": VERIFIED},
        {"rp_id": "elsewhere.example"},
        {"client": {"origin": "https://elsewhere.example"}},
        {"client": {"origin": ORIGIN + ":8443"}},
        {"client": {"crossOrigin": True}},
        {"challenge": "AAAA"},
        {"type": "webauthn.create"},
        {"counter": 1},
        {"credential": b"another credential"},
    ],
    ids=["unverified", "absent", "site", "origin", "port", "framed", "challenge", "type", "counter", "credential"],
)
def test_an_answer_that_is_a_little_off_signs_nobody_in(world: World, lies: dict[str, Any]) -> None:
    one, key = someone(world)
    alone(world, key)
    before = world.service.entrance.attempts.standing(one.account).failures
    with pytest.raises(NotAuthenticated):
        alone(world, key, **lies)
    counted = world.service.entrance.attempts.standing(one.account).failures - before
    assert counted == (0 if "credential" in lies else 1)
    key.counter += 10
    assert alone(world, key) == one.account


def test_an_answer_is_good_once_and_for_its_own_step(world: World) -> None:
    _, key = someone(world)
    door = world.service.entrance.door
    first, second = door.offer_passkey(), door.offer_passkey()
    answer = key.show(first.passkey)
    with pytest.raises(NotAuthenticated):
        door.show_passkey(second.state, answer, HERE)
    door.show_passkey(first.state, answer, HERE)
    with pytest.raises(NotAuthenticated):
        door.show_passkey(first.state, answer, HERE)


def test_a_signature_of_another_key_is_refused(world: World) -> None:
    one, key = someone(world)
    thief = Key(one.account)
    assert thief.credential == key.credential
    with pytest.raises(NotAuthenticated):
        alone(world, thief, counter=99)


def test_a_counter_that_never_counts_is_taken_and_one_that_stops_is_not(world: World) -> None:
    one, key = someone(world)
    for _ in range(2):
        assert alone(world, key, counter=0) == one.account
    assert alone(world, key, counter=7) == one.account
    with pytest.raises(NotAuthenticated):
        alone(world, key, counter=0)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda key: setattr(key, "origin", "https://elsewhere.example"),
        lambda key: setattr(key, "rp_id", "elsewhere.example"),
        lambda key: setattr(key, "_flags", PRESENT),
    ],
    ids=["origin", "site", "unverified"],
)
def test_a_passkey_that_is_made_elsewhere_or_without_verification_is_not_taken(
    world: World, spoil: Callable[[Key], None]
) -> None:
    one = person(world, f"maker{len(world.people.accounts())}")
    caller = world.people.sessions.find(one.begin())
    own = world.service.entrance.own
    offer = own.offer(caller, PASSWORD, HERE.peer)
    assert offer.passkey is not None
    key = Key(one.account)
    spoil(key)
    with pytest.raises(SchemaViolation):
        own.add(caller, offer.state, None, key.register(offer.passkey), None)


def test_an_authenticators_passkey_is_one_persons_alone(world: World) -> None:
    _, key = someone(world)
    other = person(world, f"other{len(world.people.accounts())}")
    caller = world.people.sessions.find(other.begin())
    own = world.service.entrance.own
    offer = own.offer(caller, PASSWORD, HERE.peer)
    assert offer.passkey is not None
    with pytest.raises(Conflict):
        own.add(caller, offer.state, None, key.register(offer.passkey), None)


@pytest.mark.requirement("R29")
def test_a_revoked_passkey_opens_nothing(world: World) -> None:
    one, key = someone(world)
    officer = person(world, f"officer{len(world.people.accounts())}", [Role.SECURITY_OFFICER])
    by = world.people.sessions.find(officer.begin()).authority
    component = f"passkey-{sha256(key.credential).hexdigest()[:32]}"
    with pytest.raises(NotFound):
        world.service.entrance.resets.revoke(officer.account, component, "not theirs", by)
    world.service.entrance.resets.revoke(one.account, component, "lost", by)
    with pytest.raises(NotAuthenticated):
        alone(world, key)


def test_an_account_is_set_up_with_a_passkey_in_place_of_a_device(world: World) -> None:
    make_account(world.service, "keyed1", administrator(world))
    enrolment = world.service.entrance.enrolment
    begun = enrolment.begin(enrolment.issue("keyed1", "joins", administrator(world)).code)
    assert begun.passkey is not None
    key = Key("keyed1")
    enrolment.finish(begun.state, Set(password=PASSWORD, made=key.register(begun.passkey)))
    assert alone(world, key) == "keyed1"


def test_a_locked_account_is_locked_for_its_passkey_too(world: World) -> None:
    one, key = someone(world)
    for _ in range(5):
        with pytest.raises(NotAuthenticated):
            world.service.entrance.door.show_password(one.account, "wrong words", HERE)
    with pytest.raises(NotAuthenticated):
        alone(world, key)
