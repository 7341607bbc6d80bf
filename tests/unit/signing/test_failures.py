"""Refusals in a row (21 CFR 11.300(d)): what makes the count begin anew; and devices whose test is overdue."""

import pytest

from ledger.core.binding import BindingEvent, KeyBindingEntry
from ledger.core.clock import parse_utc, utc_text
from ledger.core.entry import draft
from ledger.core.errors import NotAuthenticated, NotSignatory
from ledger.core.hashing import unb64
from ledger.core.signature import Mode
from ledger.integrity.authority import authority_fault
from ledger.people.door import Visit
from ledger.people.person_kinds import CredentialSort
from ledger.people.roles import Role
from ledger.signing.factors import Shown
from ledger.store.append import Batch
from ledger.store.logs import SYSTEM_LOG
from tests.support.signers import HERE, Signer
from tests.support.signing_authenticator import SigningAuthenticator
from tests.unit.signing.conftest import Site
from tests.unit.signing.test_passkeys import SIGNING, bind

DAY_S = 86_400


def fail_to_sign(site: Site, who: Signer, times: int = 1) -> None:
    for entry in site.fresh(times):
        put = who.prepare(entry, meaning="reviewed")
        shown = Shown(
            password=who.password if "password" in put.needed else None,
            code=who.code() if "second-factor" in put.needed else None,
            secret="not the secret of this person",
        )
        with pytest.raises(NotAuthenticated):
            who.complete(put, shown=shown)


def fail_to_come_in(site: Site, who: Signer, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(NotAuthenticated):
            site.plant.service.entrance.door.show_password(who.account, "wrong", Visit(peer=HERE))


def failures(site: Site, who: Signer) -> tuple[int, int]:
    found = site.plant.service.entrance.attempts.standing(who.account)
    return found.failures, found.signing


@pytest.mark.requirement("R30")
def test_a_valid_signature_makes_the_count_at_signing_begin_anew(any_site: Site) -> None:
    who = any_site.reviewer
    who.sign_in()
    fail_to_sign(any_site, who, 3)
    assert failures(any_site, who) == (3, 3)
    who.sign(*any_site.fresh(), meaning="reviewed")
    assert failures(any_site, who) == (0, 0)
    fail_to_sign(any_site, who, 4)
    assert not any_site.plant.service.entrance.attempts.standing(who.account).locked
    who.sign(*any_site.fresh(), meaning="reviewed")
    report = any_site.plant.service.verifier.run(any_site.plant.service.system, full=True, levels=(1, 2))
    assert report.holds, report.summary


@pytest.mark.requirement("R30", "R25")
def test_signing_in_forgets_no_refusal_at_signing_and_signing_none_at_the_door(site: Site) -> None:
    """Else who has somebody's password and device could guess at the signing secret for ever."""
    who = site.approver
    who.sign_in()
    fail_to_sign(site, who, 2)
    who.sign_in()
    assert failures(site, who) == (2, 2)
    fail_to_come_in(site, who)
    assert failures(site, who) == (3, 2)
    who.sign(*site.fresh(), meaning="approved")
    assert failures(site, who) == (1, 0)
    who.sign_in()
    assert failures(site, who) == (0, 0)
    fail_to_sign(site, who, 4)
    fail_to_come_in(site, who)
    assert site.plant.service.entrance.attempts.standing(who.account).locked
    site.plant.service.entrance.attempts.unlock(who.account, "told in person", site.plant.officer.sign_in().authority)
    assert failures(site, who) == (0, 0)


@pytest.mark.requirement("R31")
def test_a_device_whose_test_is_overdue_signs_nothing_until_it_was_tested(site: Site) -> None:
    who, people = site.reviewer, site.plant.service.people
    people.profiles.set("device_test_days", 30, "as the SOP says", site.plant.officer.sign_in().authority)
    try:
        who.sign_in()
        who.sign(*site.fresh(), meaning="reviewed")
        site.plant.clock.pass_seconds(32 * DAY_S)
        who.sign_in()
        with pytest.raises(NotSignatory, match="overdue"):
            who.sign(*site.fresh(), meaning="reviewed")
        assert failures(site, who) == (0, 0), "the device was right: nothing is counted"
        own = site.plant.service.entrance.own.components(who.caller)
        device = next(one.component for one in own if one.sort is CredentialSort.TOTP)
        officer, today = site.plant.officer.sign_in().authority, utc_text(site.plant.clock.now_us())[:10]
        people.qualifications.device(who.account, device, "no code", today, "monthly", officer, passed=False)
        with pytest.raises(NotSignatory, match="overdue"):
            who.sign(*site.fresh(), meaning="reviewed")
        people.qualifications.device(who.account, device, "shows the right codes", today, "monthly", officer)
        who.sign(*site.fresh(), meaning="reviewed")
    finally:
        people.profiles.set("device_test_days", 0, "end of the test", site.plant.officer.sign_in().authority)


@pytest.mark.requirement("R31")
def test_what_an_overdue_passkey_signed_past_the_server_is_named_and_what_it_signed_before_holds(
    any_site: Site,
) -> None:
    """Whoever leaves the check out of the server, or appends to the log itself, is found by level 2."""
    plant, who = any_site.plant, any_site.reviewer
    store, signing, system = plant.service.store, plant.signing, plant.service.system
    device = SigningAuthenticator(SIGNING.origin, SIGNING.rp_id)
    who.sign_in()
    bind(plant, who, device)
    plant.service.people.profiles.set("device_test_days", 1, "as the SOP says", plant.officer.sign_in().authority)
    due = next(one.test_due for one in signing.bindings.all(who.account) if one.mode is Mode.PASSKEY)
    last = parse_utc(f"{due}T23:50:00.000000Z")
    plant.clock.pass_seconds((last - plant.clock.now_us()) / 1_000_000)
    nina = plant.person("nina1", "Nina Newcomer", Role.AUDITOR, plant.officer.sign_in().authority)
    for one in (nina, who):
        one.sign_in()
    nina.make_key()
    first, put = (who.prepare(*any_site.fresh(), meaning="reviewed", mode=Mode.PASSKEY) for _ in range(2))
    vouched = signing.vouching.to_attest(who.caller, nina.key_id, "we share an office", Mode.PASSKEY)
    who.complete(first, proof=device.sign(unb64(first.challenge, 32)))
    assert plant.service.verifier.run(system, levels=(1, 2)).holds

    plant.clock.pass_seconds((last - plant.clock.now_us()) / 1_000_000 + 601)
    shown = Shown(password=who.password, code=who.code())
    made = signing.signatures.make(put.id, put.digest, shown, device.sign(unb64(put.challenge, 32)), who.caller, HERE)
    with pytest.raises(NotSignatory, match="was good until"):
        store.append(SYSTEM_LOG, Batch([made.draft], before=made.before))
    forged = store.append_one(SYSTEM_LOG, made.draft).index
    attested = KeyBindingEntry(
        binding=nina.key_id,
        event=BindingEvent.ATTESTED,
        account=nina.account,
        reason="known to me",
        authority=who.caller.authority,
        attestation=vouched.statement,
        proof=device.sign(unb64(vouched.challenge, 32)),
    )
    also = store.append_one(SYSTEM_LOG, draft(attested)).index
    report = plant.service.verifier.run(system, full=True, levels=(1, 2))
    (fault,) = [one.fault for one in report.result.levels if one.fault is not None]
    assert (fault.log, fault.index, fault.column) == (SYSTEM_LOG, forged, "authority")
    assert f"whose test was good until {due} and overdue then" in fault.what
    with store.reading() as connection:
        after = authority_fault(connection, SYSTEM_LOG, forged + 1, also + 1, store.kinds, lambda _: None)
    assert after is not None
    assert (after.index, after.what[:14]) == (also, "it was vouched")
