"""A passkey's assertion over the whole statement is the person's signature; any that is a little off is not."""

from typing import Any

import pytest

from ledger.core.clock import parse_utc, utc_text
from ledger.core.errors import LedgerError, NotAuthenticated, NotSignatory, SchemaViolation
from ledger.core.hashing import unb64
from ledger.core.signature import Mode
from ledger.people.roles import Role
from ledger.signing.factors import Shown
from ledger.signing.passkeys import SigningPasskeys, signing_site
from tests.support.signers import HERE, Plant, Signer
from tests.support.signing_authenticator import BACKED_UP, ELIGIBLE, PRESENT, VERIFIED, SigningAuthenticator
from tests.unit.signing.conftest import Site

WEB = "https://trailseal.plant.example"
SIGNING = signing_site(WEB)


def bind(plant: Plant, signer: Signer, device: SigningAuthenticator) -> str:
    """The signer's passkey, vouched for by both founders, under a checkpoint."""
    bindings = plant.signing.bindings
    passkeys = SigningPasskeys(plant.service.store, bindings, WEB)
    begun = passkeys.begin(signer.caller, "key on the ring")
    assert begun.origin == "https://sign.trailseal.plant.example"
    proposed = passkeys.register(signer.caller, begun.id, device.register(begun.options), "for signing")
    bindings.prove(signer.caller, proposed.id, device.sign(unb64(proposed.challenge, 32)))
    signer.key_id = bindings.all(signer.account)[-1].key_id
    plant.officer.sign_in()
    plant.officer.vouch(signer)
    plant.quality.sign_in()
    plant.quality.vouch(signer)
    plant.publish()
    return signer.key_id


@pytest.fixture(scope="module")
def device(site: Site) -> SigningAuthenticator:
    made = SigningAuthenticator(SIGNING.origin, SIGNING.rp_id)
    site.reviewer.sign_in()
    bind(site.plant, site.reviewer, made)
    site.reviewer.sign_in()
    return made


def sign(site: Site, device: SigningAuthenticator, **lies: Any) -> Any:
    put = site.reviewer.prepare(*site.fresh(), meaning="reviewed")
    assert put.needed == ("signing-passkey",)
    challenge = lies.pop("challenge", unb64(put.challenge, 32))
    proof = device.sign(challenge, **lies)
    return site.plant.signing.signatures.complete(put.id, put.digest, Shown(), proof, site.reviewer.caller, HERE)


@pytest.mark.requirement("R26", "R54")
def test_a_passkey_signs_the_whole_statement_and_verifies(site: Site, device: SigningAuthenticator) -> None:
    done = sign(site, device)
    assert done.entry.statement.mode is Mode.PASSKEY
    assert site.plant.service.verifier.run(site.plant.service.system).holds


@pytest.mark.requirement("R26")
@pytest.mark.parametrize(
    "lies",
    [
        {"challenge": bytes(32)},
        {"type": "webauthn.create"},
        {"client": {"origin": WEB}},
        {"client": {"origin": "https://sign.trailseal.plant.example.evil.example"}},
        {"client": {"crossOrigin": True}},
        {"client": {"topOrigin": "https://evil.example"}},
        {"rp_id": "trailseal.plant.example"},
        {"flags": PRESENT},
        {"flags": VERIFIED},
        {"flags": PRESENT | VERIFIED | BACKED_UP},
        {"tail": b"\x00"},
        {"counter": 0},
        {"credential": b"another"},
    ],
    ids=str,
)
def test_an_assertion_that_is_a_little_off_is_refused(
    site: Site, device: SigningAuthenticator, lies: dict[str, Any]
) -> None:
    if device.counter == 0:
        sign(site, device)
    before = device.counter
    with pytest.raises(NotAuthenticated):
        sign(site, device, **lies)
    device.counter = max(before, device.counter)
    # Refusals are counted; another officer opens the account again before it is locked.
    attempts = site.plant.service.entrance.attempts
    if attempts.standing("reviewer1").locked:
        attempts.unlock("reviewer1", "as tested", site.plant.officer.sign_in().authority)
        site.reviewer.sign_in()
    assert sign(site, device).index


def test_another_authenticator_signs_for_nobody(site: Site, device: SigningAuthenticator) -> None:
    other = SigningAuthenticator(SIGNING.origin, SIGNING.rp_id)
    other.counter = device.counter + 1
    with pytest.raises(NotAuthenticated):
        sign(site, other)


def test_a_passkey_that_can_be_copied_is_refused_where_the_site_says_so(
    site: Site, device: SigningAuthenticator
) -> None:
    plant = site.plant
    passkeys = SigningPasskeys(plant.service.store, plant.signing.bindings, WEB)
    copied = SigningAuthenticator(SIGNING.origin, SIGNING.rp_id, eligible=True)
    begun = passkeys.begin(site.approver.sign_in(), "phone")
    with pytest.raises(SchemaViolation, match="copied"):
        passkeys.register(site.approver.caller, begun.id, copied.register(begun.options), "for signing")
    assert copied._flags & ELIGIBLE


def test_a_registration_for_the_pages_is_none_for_signing(site: Site) -> None:
    plant = site.plant
    passkeys = SigningPasskeys(plant.service.store, plant.signing.bindings, WEB)
    for origin, rp_id in ((WEB, SIGNING.rp_id), (SIGNING.origin, "trailseal.plant.example")):
        begun = passkeys.begin(site.approver.sign_in(), "ring")
        answer = SigningAuthenticator(origin, rp_id).register(begun.options)
        with pytest.raises(SchemaViolation):
            passkeys.register(site.approver.caller, begun.id, answer, "for signing")


def test_a_registered_passkey_must_prove_itself_and_be_vouched_for(site: Site, device: SigningAuthenticator) -> None:
    plant = site.plant
    passkeys = SigningPasskeys(plant.service.store, plant.signing.bindings, WEB)
    made, other = (SigningAuthenticator(SIGNING.origin, SIGNING.rp_id) for _ in range(2))
    begun = passkeys.begin(site.approver.sign_in(), "ring")
    proposed = passkeys.register(site.approver.caller, begun.id, made.register(begun.options), "for signing")
    with pytest.raises(LedgerError):
        plant.signing.bindings.prove(site.approver.caller, proposed.id, other.sign(unb64(proposed.challenge, 32)))
    plant.signing.bindings.prove(site.approver.caller, proposed.id, made.sign(unb64(proposed.challenge, 32)))
    with pytest.raises(NotSignatory):
        site.approver.prepare(*site.fresh(), mode=Mode.PASSKEY)


@pytest.mark.requirement("R31")
def test_a_signing_passkey_is_tested_at_an_interval_and_told_of_and_signs_nothing_once_that_is_overdue(
    site: Site, device: SigningAuthenticator
) -> None:
    """21 CFR 11.300(e): initial testing is the key's own proof at its binding; from there on the site's days count."""
    plant, who, people = site.plant, site.reviewer, site.plant.service.people
    work, notices = plant.service.workflows.work, plant.service.notices

    def shown() -> tuple[str | None, bool]:
        (found,) = [one for one in plant.signing.bindings.all("reviewer1") if one.mode is Mode.PASSKEY]
        return found.test_due, found.test_overdue

    def told(account: str) -> list[str]:
        return [one.subject.value for one in notices.mine(account) if one.subject.value.startswith("device-test")]

    assert shown() == (None, False)
    people.profiles.set("device_test_days", 30, "as the SOP says", plant.officer.sign_in().authority)
    try:
        who.sign_in()
        key = sign(site, device).entry.statement.binding
        work()
        assert told("reviewer1") == []
        plant.clock.pass_seconds(20 * 86_400)
        work()
        work()
        assert {one for who in ("reviewer1", "officer1") for one in told(who)} == {"device-test-due"}
        last_day = parse_utc(f"{shown()[0]}T23:57:00.000000Z")
        plant.clock.pass_seconds((last_day - plant.clock.now_us()) / 1_000_000)
        who.sign_in()
        put = who.prepare(*site.fresh(), meaning="reviewed")
        plant.clock.pass_seconds(4 * 60)
        with pytest.raises(NotSignatory, match="was good until"):
            who.complete(put, shown=Shown(), proof=device.sign(unb64(put.challenge, 32)))
        work()
        assert "device-test-overdue" in told("reviewer1")
        assert "device-test-overdue" in told("officer1")
        assert shown()[1]
        nina = plant.person("nina1", "Nina Newcomer", Role.AUDITOR, plant.officer.sign_in().authority)
        for one in (nina, who):
            one.sign_in()
        nina.make_key()
        with pytest.raises(NotSignatory, match="was good until"):
            who.prepare(*site.fresh(), meaning="reviewed")
        vouched = plant.signing.vouching.to_attest(who.caller, nina.key_id, "we share an office", Mode.PASSKEY)
        answer = device.sign(unb64(vouched.challenge, 32))
        with pytest.raises(NotSignatory, match="was good until"):
            plant.signing.vouching.attest(who.caller, vouched.id, "known to me", passkey=answer, network=HERE)
        today = utc_text(plant.clock.now_us())[:10]
        known = next(one.key_id for one in plant.signing.bindings.all("reviewer1") if one.request == key)
        people.qualifications.device(
            "reviewer1", known, "signs what is put before it", today, "monthly", plant.officer.sign_in().authority
        )
        assert not shown()[1]
        who.sign_in()
        assert sign(site, device).index
    finally:
        people.profiles.set("device_test_days", 0, "end of the test", plant.officer.sign_in().authority)
