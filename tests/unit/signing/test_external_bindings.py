"""Certificates of people and authorities over time: lost, bound again, and never by one person's word."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.core.admission import AdmissionEvent
from ledger.core.anchors import TrustAnchorEntry
from ledger.core.entry import draft
from ledger.core.errors import IntegrityError, NotSignatory
from ledger.people.roles import Role
from ledger.store.logs import SYSTEM_LOG
from tests.support.outside import Outside
from tests.unit.signing.test_external import Site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("bindings"))
    made.let_in(made.trust.root)
    yield made
    made.plant.close()


@pytest.mark.requirement("R29")
def test_a_certificate_whose_binding_was_revoked_is_bound_again_only_after_a_new_check_of_identity(site: Site) -> None:
    officer = site.plant.officer.sign_in().authority
    paula = site.plant.person("paula1", "Paula Approver", Role.APPROVER, officer)
    paula.sign_in()
    holder = site.trust.person("Paula Approver", "PNODE-11")
    site.ask(paula, holder)
    name = site.plant.signing.bindings.all("paula1")[-1].key_id
    site.plant.signing.bindings.revoke(name, "card lost", paula.caller.authority, paula.caller)
    with pytest.raises(NotSignatory, match="after the last key ended"):
        site.external.begin(paula.caller, holder.pem, "found again")
    site.plant.service.people.qualifications.identity("paula1", "passport seen", "2026-02-01", "card lost", officer)
    site.ask(paula, holder)
    assert [one.state for one in site.plant.signing.bindings.all("paula1")] == ["revoked", "requested"]
    assert site.fault() == ""


def test_level_four_names_an_anchor_that_its_proposer_confirmed_alone(site: Site, tmp_path: Path) -> None:
    """Last of this module: no key is believed from here on."""
    officer = site.plant.officer.sign_in().authority
    proposed = site.external.propose(Outside(tmp_path / "own", "Own Service").root, "cheaper", officer)
    forged = TrustAnchorEntry(
        anchor=proposed.anchor,
        event=AdmissionEvent.CONFIRMED,
        subject=proposed.subject,
        reason="I say so",
        authority=officer,
    )
    site.plant.service.store.append_one(SYSTEM_LOG, draft(forged))
    assert "not confirmed by a second person" in site.fault()
    with pytest.raises(IntegrityError):
        site.external.anchors()
