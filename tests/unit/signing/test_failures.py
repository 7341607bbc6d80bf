"""Refusals in a row (21 CFR 11.300(d)): what makes the count begin anew; and devices whose test is overdue."""

import pytest

from ledger.core.clock import utc_text
from ledger.core.errors import NotAuthenticated, NotSignatory
from ledger.people.door import Visit
from ledger.people.person_kinds import CredentialSort
from ledger.signing.factors import Shown
from tests.support.signers import HERE, Signer
from tests.unit.signing.conftest import Site

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
