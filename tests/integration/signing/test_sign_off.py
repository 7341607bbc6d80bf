"""What people decide about a source takes their signatures: each surface says which are there, and which are open."""

from collections.abc import Iterator

import pytest

from ledger.core.errors import LedgerError
from ledger.core.members import Members
from ledger.findings.incident_kinds import CaseEvent, Cause
from ledger.people.reviews import Decision
from ledger.people.roles import Role
from ledger.signing.sign_off import SignOff, reviews_sign_off, signs_off
from tests.support.founded import founded
from tests.support.signers import Plant, Signer


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    made = founded(tmp_path_factory.mktemp("sign-off") / "ledger")
    yield made
    made.close()


@pytest.fixture(scope="module")
def owner(plant: Plant) -> Signer:
    return plant.join("owner1", "Oscar Owner", Role.SOURCE_OWNER)


def how(plant: Plant, index: int) -> SignOff:
    """How that entry of the source's life stands."""
    record_log = plant.service.record_log()
    life = next(entry for entry in record_log.lives.history("erp") if entry[0] == index)
    return signs_off(plant.service.store, record_log.log, [life])[0]


def signed(who: Signer, index: int, action: str, meaning: str) -> None:
    who.sign_in()
    who.sign(index, action=action, meaning=meaning)


def test_a_sample_is_open_until_a_person_signs_it(plant: Plant, owner: Signer) -> None:
    entries = plant.records()
    index = plant.service.record_log().lives.validate("erp", entries[:2], "looked at", plant.root)
    plant.publish()
    assert [one.meaning for one in how(plant, index).open] == ["verified"]
    signed(owner, index, "mapping", "verified")
    after = how(plant, index)
    assert after.open == ()
    assert [(one.account, one.name, one.role) for one in after.given] == [("owner1", "Oscar Owner", "source-owner")]


def test_a_decommissioning_takes_owner_and_quality_each_in_their_role(plant: Plant, owner: Signer) -> None:
    plant.records()
    lives = plant.service.record_log().lives
    lives.close("erp", "replaced", owner.sign_in().authority, None)
    index = lives.decommission("erp", "replaced", plant.root)
    plant.publish()
    assert [one.meaning for one in how(plant, index).open] == ["closed", "approved"]
    signed(plant.quality, index, "source", "closed")
    assert [one.meaning for one in how(plant, index).open] == ["closed", "approved"], "quality is not the owner"
    signed(owner, index, "source", "closed")
    assert [one.meaning for one in how(plant, index).open] == ["approved"]
    signed(plant.quality, index, "source", "approved")
    assert how(plant, index).open == ()
    assert len(how(plant, index).given) == 3


@pytest.mark.requirement("R47")
def test_an_access_review_takes_the_officer_and_quality(plant: Plant, owner: Signer) -> None:
    reviews = plant.service.people.reviews
    officer = plant.officer.sign_in()
    listed = reviews.open(officer.account)
    decisions = [Decision(account=one.account, keep=True) for one in listed.lines if not one.own]
    entered = reviews.enter(listed.system_size, decisions, "half-yearly", officer.authority)
    plant.publish()

    def standing() -> list[str]:
        (how,) = reviews_sign_off(plant.service.store, plant.service.system, [entered.index])
        return [one.meaning for one in how.open]

    assert standing() == ["reviewed", "approved"]
    plant.officer.sign(entered.index, log="system", action="access-review", meaning="reviewed")
    assert standing() == ["approved"]
    plant.quality.sign_in()
    plant.quality.sign(entered.index, log="system", action="access-review", meaning="approved")
    assert standing() == []


def test_an_incident_is_closed_by_the_signature_of_quality_over_its_closing(plant: Plant, owner: Signer) -> None:
    service = plant.service
    case = service.compromises.report(Cause.SOURCE, "erp", "2026-01-01T00:00:00.000000Z", "password found", plant.root)
    opened = service.compromises.open(case.case, "agreed", plant.quality.sign_in().authority)
    affected = Members.read(opened.opened.affected[0].runs).first

    def closed() -> bool:
        with service.store.reading() as connection:
            found = service.standings.closed(connection, service.cases.get(case.case))
            standing = service.standings.now(connection)
            assert found == (standing.doubts == ()) == (standing.preserved(1, affected, ()) is None)
            return found

    closing = service.ways_back.closing(case.case, "DEV-2026-7", "the password was changed", plant.root)
    assert (closing.state, closing.last.deviation) == (CaseEvent.CLOSING, "DEV-2026-7")
    plant.publish()
    assert not closed()
    owner.sign_in()
    with pytest.raises(LedgerError):
        owner.sign(closing.latest, log="system", action="incident", meaning="closed")
    assert not closed()
    plant.quality.sign_in()
    plant.quality.sign(closing.latest, log="system", action="incident", meaning="closed")
    assert closed()
