"""Edge agents over HTTP: enrolled with a one-time code, confirmed by a second person, their signed batches taken."""

from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID
from litestar.testing import TestClient

from ledger.agents.agents import KnownAgent
from ledger.agents.kinds import AgentState
from ledger.core.batch import SignedBatch, SignedReceipt, fingerprint, verify_receipt
from ledger.core.enrolment import Enrolled, read_code
from ledger.core.hashing import b64
from ledger.core.note import split_vkey
from ledger.people.access import Scope
from ledger.trust.agent_ca import identity
from tests.api.world import ORIGIN, OTHER_SOURCE, SOURCE, World, bearer
from tests.support.devices import Device


def request_of(key: Any) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "edge1")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    signed = builder.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


class Site:
    """An agent on site, and two people at the ledger."""

    def __init__(self, client: TestClient[Any], world: World) -> None:
        self.client = client
        self.world = world
        self.device = Device(origin=f"{ORIGIN}/records")
        self.inviter = world.headers(Scope.ADMIN)
        self.confirmer = bearer(world.token(Scope.ADMIN, "second").token)

    def invite(self) -> str:
        body = {"agent": "edge1", "sources": [SOURCE], "zone": "zone 2", "reason": "line 2"}
        answer = self.client.post("/api/v1/agents", json=body, headers=self.inviter)
        assert answer.status_code == 201, answer.text
        code: str = answer.json()["code"]
        return code

    def enrol(self, code: str, key: Any = None, **changed: Any) -> Any:
        told = read_code(code)
        usual = {
            "agent": told.agent,
            "log": told.log,
            "secret": b64(told.secret),
            "public_key": b64(self.device.public),
            "request": request_of(key or ec.generate_private_key(ec.SECP256R1())),
        }
        return self.client.post("/api/v1/agents/enrolment", json=usual | changed)

    def confirm(self, headers: dict[str, str], shown: str | None = None) -> Any:
        body = {"fingerprint": shown or fingerprint(self.device.public), "reason": "compared on site"}
        return self.client.post("/api/v1/agents/edge1/confirmation", json=body, headers=headers)

    def change(self, what: str) -> int:
        body = {"reason": "for the test"}
        return self.client.post(f"/api/v1/agents/edge1/{what}", json=body, headers=self.inviter).status_code

    def put_to_use(self) -> None:
        assert self.enrol(self.invite()).status_code == 201
        assert self.confirm(self.confirmer).status_code == 201

    def send(self, made: SignedBatch, agent: str = "edge1") -> Any:
        return self.client.post(f"/api/v1/agents/{agent}/batches", content=msgspec.json.encode(made))

    def listed(self) -> KnownAgent:
        answer = self.client.get("/api/v1/agents", headers=self.world.headers(Scope.READ))
        (known,) = msgspec.json.decode(answer.content, type=list[KnownAgent])
        return known

    def refusals(self) -> set[tuple[str, str | None]]:
        self.world.people.security.enter(final=True)
        entries = self.world.system_entries("security-event")
        return {(one["sort"], one.get("account")) for entry in entries for one in entry["counts"]}


@pytest.fixture
def site(client: TestClient[Any], world: World) -> Site:
    return Site(client, world)


def test_an_agent_is_invited_enrolled_and_confirmed_by_two_people(site: Site) -> None:
    code = site.invite()
    answer = site.enrol(code)
    assert answer.status_code == 201
    told = msgspec.json.decode(answer.content, type=Enrolled)
    assert (told.origin, told.sources, told.epoch) == (f"{ORIGIN}/records", (SOURCE,), 1)
    authority = x509.load_pem_x509_certificate(told.authority.encode())
    assert authority.fingerprint(hashes.SHA256()) == read_code(code).authority
    issued = x509.load_pem_x509_certificate(told.certificate.encode())
    issued.verify_directly_issued_by(authority)
    shown = identity(told.certificate)
    assert shown is not None
    assert (shown.agent, shown.key) == ("edge1", site.device.make().header.key)
    assert site.enrol(code).status_code == 403, "the code is used up"
    assert site.send(site.device.make(1)).status_code == 403, "nobody confirmed it yet"
    assert site.confirm(site.inviter).json()["code"] == "self_approval"
    assert site.confirm(site.confirmer, "0" * 64).status_code == 409
    assert site.confirm(site.confirmer).status_code == 201
    assert (site.listed().state, site.listed().zone) == (AgentState.CONFIRMED, "zone 2")
    assert site.send(site.device.make(1)).status_code == 201


def test_the_authoritys_key_is_for_its_owner_alone(site: Site) -> None:
    site.invite()
    keys = site.world.folder / "keys"
    assert (keys / "agents-ca.key").stat().st_mode & 0o077 == 0
    assert site.world.service.keys.problems() == []


@pytest.mark.parametrize("key", [ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate()])
def test_no_certificate_is_issued_for_another_sort_of_key_and_the_code_stays_good(site: Site, key: Any) -> None:
    code = site.invite()
    assert site.enrol(code, key).status_code == 400
    assert site.enrol(code, request="no request").status_code == 400
    assert site.enrol(code).status_code == 201


def test_a_wrong_or_late_code_enrols_nobody_and_guesses_are_counted(site: Site) -> None:
    assert site.enrol(f"edge1/records/{b64(bytes(64))}").status_code == 403, "nobody was invited"
    code = site.invite()
    answers = [site.enrol(code, secret=b64(bytes(32))).status_code for _ in range(40)]
    assert answers[0] == 403
    assert answers[-1] == 429
    site.world.clock.pass_seconds(3601)
    assert site.enrol(code).status_code == 403, "an hour is over"
    assert ("agent-refused", None) in site.refusals()


def test_a_batch_is_taken_once_and_answered_by_a_receipt_that_the_log_signed(site: Site) -> None:
    site.put_to_use()
    made = site.device.make(1, 2)
    answers = [site.send(made) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    service = site.world.service
    log = service.record_log().log
    _, _, key = split_vkey(str(service.keys.receipt_signer(log.name, log.origin).verifier))
    receipt = verify_receipt(msgspec.json.decode(answers[0].content, type=SignedReceipt), made.header, log.origin, key)
    assert receipt.number == 1
    assert service.verifier.run(log, full=True).holds


def test_what_is_refused_is_told_apart_and_counted(site: Site) -> None:
    site.put_to_use()
    first = site.device.make(1)
    assert site.send(first).status_code == 201
    assert site.send(site.device.make(2)).status_code == 409, "the number is used"
    site.device.sent(first)
    assert site.send(site.device.make(3, number=3)).status_code == 409, "a number is left out"
    assert site.send(site.device.make(3, source=OTHER_SOURCE)).status_code == 403, "another's source"
    assert site.send(site.device.make(3, epoch=2)).status_code == 403, "an epoch that nobody approved"
    assert site.send(site.device.make(3), agent="edge2").status_code == 403, "the address of another"
    stranger = Device(origin=f"{ORIGIN}/records")
    assert site.send(stranger.make(3)).status_code == 403, "another key"
    assert site.client.post("/api/v1/agents/edge1/batches", content=b"{}").status_code == 400
    assert site.send(site.device.make(3)).status_code == 201
    assert site.refusals() >= {
        ("replayed", "agent:edge1"),
        ("out-of-order", "agent:edge1"),
        ("wrong-source", "agent:edge1"),
        ("agent-refused", None),
    }


def test_strangers_with_bad_signatures_are_soon_not_listened_to(site: Site) -> None:
    stranger = Device(origin=f"{ORIGIN}/records")
    answers = [site.send(stranger.make(1)).status_code for _ in range(40)]
    assert (answers[0], answers[-1]) == (403, 429)


def test_a_revoked_agent_delivers_nothing_and_a_new_epoch_ends_the_old_one(site: Site) -> None:
    site.put_to_use()
    first = site.device.make(1)
    assert site.send(first).status_code == 201
    site.device.sent(first)
    assert site.change("epoch") == 201
    assert site.send(site.device.make(2)).status_code == 403
    site.device.epoch, site.device.number, site.device.previous = 2, 0, None
    assert site.send(site.device.make(2)).status_code == 201
    assert site.change("revocation") == 201
    assert site.change("revocation") == 409
    assert site.change("epoch") == 409
    site.device.number = 1
    assert site.send(site.device.make(3)).status_code == 403
    assert site.listed().state is AgentState.REVOKED


@pytest.mark.parametrize("path", ["last", f"sources/{SOURCE}"])
def test_where_an_agent_stands_is_told_to_its_certificate_alone(site: Site, path: str) -> None:
    site.put_to_use()
    assert site.client.get(f"/api/v1/agents/edge1/{path}").status_code == 401
    assert site.client.get(f"/api/v1/agents/edge1/{path}", headers=site.inviter).status_code == 403
