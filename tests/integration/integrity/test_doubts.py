"""What a key signed that may have been in other hands: a witness's or an authority's word decides how it stands."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from litestar.testing import TestClient

from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.doubt import Standing
from ledger.core.entry import draft
from ledger.core.errors import AccessDenied
from ledger.core.key_events import KeyEvent, KeyEventSort, KeyPurpose
from ledger.findings.incident_kinds import Cause
from ledger.integrity.doubts import Doubts
from ledger.people.roles import Role
from ledger.people.sessions import COOKIE
from ledger.store.logs import SYSTEM_LOG
from ledger.trust.dated import dated_by
from tests.cli.terminal import trailseal
from tests.support.application import app_of
from tests.support.ledgers import RECORDS, Ledger, MovableClock, submission
from tests.support.people import OWN_PAGE
from tests.support.signers import Plant
from tests.support.witness import Trust, two_witnesses

ONE, TWO = (Authority(actor=name, authenticated=True) for name in ("admin1", "admin2"))
HOUR = 3_600_000_000


def entered(ledger: Ledger, number: int) -> int:
    """One more record; returns the last entry of the log."""
    ledger.submit([submission(number)])
    with ledger.store.reader(RECORDS) as reader:
        return reader.head().size - 1


def standing(ledger: Ledger, index: int) -> list[Standing]:
    with ledger.store.reading() as connection:
        found = Doubts(connection, ledger.store.kinds).of_entry(ledger.service.log(), index, None)
    return [one.standing for one in found]


def test_what_a_witness_saw_before_the_key_was_doubtful_stays_valid(ledger: Ledger) -> None:
    clock = MovableClock()
    qa, customer = two_witnesses(ledger)
    qa.clock = customer.clock = clock
    trust = Trust(ledger, qa, customer)
    trust.policy()
    log, life = ledger.service.log(), ledger.service.key_life
    life._permit = lambda transaction, authority: None
    marks = []
    for number in range(2):
        marks.append(entered(ledger, number))
        trust.publisher.publish_all()
        clock.at_us += 2 * HOUR
    qa.down = customer.down = True
    marks.append(entered(ledger, 9))
    trust.publisher.publish_all()
    early, late, unseen = marks
    assert standing(ledger, early) == []
    with ledger.store.reading() as connection:
        dated = dated_by(connection, ledger.store.kinds, log)
        assert (dated(early), dated(late), dated(unseen)) == (clock.at_us - 4 * HOUR, clock.at_us - 2 * HOUR, None)
    since = utc_text(clock.at_us - 3 * HOUR)
    words = "what it alone vouches for was made anew"
    index = life.report(log, KeyPurpose.LOG, ledger.service.vkey(log), since, words, "a disk was stolen", ONE)
    assert standing(ledger, early) == [], "one person's word is none"
    life.confirm(log, index, "seen", TWO)
    assert [standing(ledger, one) for one in (early, late, unseen)] == [
        [Standing.VALID],
        [Standing.DOUBTFUL],
        [Standing.DOUBTFUL],
    ]
    report = ledger.service.verifier.run(log, levels=(1, 3))
    assert report.holds, report.summary
    (told,) = [one.open for one in report.result.levels if one.level == 3]
    assert f"may have been in other hands from {since} on" in told
    with ledger.administrator() as connection:
        connection.exec_driver_sql(f"UPDATE cosignature SET line = '— qa AAAA' WHERE size <= {early + 1}")
    assert standing(ledger, early) == [Standing.DOUBTFUL], "a line that does not verify dates nothing"


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    made = Plant(tmp_path_factory.mktemp("doubts") / "ledger", ahead_s=-15 * 60.0)
    made.found()
    yield made
    made.close()


def test_signatures_of_a_stolen_key_are_doubtful_and_what_its_owner_repudiates_is_disputed(
    plant: Plant, tmp_path: Path
) -> None:
    service, store = plant.service, plant.service.store
    anna = plant.join("approver1", "Anna Approver", Role.APPROVER)
    signed = anna.sign(plant.records()[0]).index
    plant.publish()

    def told() -> list[Standing]:
        with store.reading() as connection:
            body = store.kinds["signature"].decode(_body(plant, signed))
            found = Doubts(connection, store.kinds).of_entry(service.system, signed, body)
        return [one.standing for one in found]

    assert told() == []
    life = service.key_life
    with pytest.raises(AccessDenied, match="not a key of"):
        life.repudiate(service.system, anna.key_id, "not mine", plant.officer.sign_in().authority)
    repudiation = life.repudiate(service.system, anna.key_id, "I was away", anna.sign_in().authority)
    assert told() == [Standing.DISPUTED]
    moment = utc_text(plant.clock.now_us() - HOUR)
    case = service.compromises.report(
        Cause.KEY, anna.key_id, moment, "a stick was lost", plant.officer.sign_in().authority
    )
    assert told() == [Standing.DISPUTED], "one person's word is none"
    service.compromises.open(case.case, "agreed", plant.quality.sign_in().authority)
    assert told() == [Standing.DOUBTFUL]
    shown = trailseal("show", str(signed), "--log", "system", "--ledger", service.folder)
    assert (shown.code, "Doubtful: this rests on a person's key" in shown.out) == (0, True)
    plant.quality.sign_in("testclient")
    headers = {"Cookie": f"{COOKIE}={plant.quality.session}", **OWN_PAGE}
    with TestClient(app_of(service, "Europe/Berlin")) as client:
        page = client.get(f"/entries/system/{signed}", headers=headers)
    assert (page.status_code, page.text.count("Doubtful: this rests on a person")) == (200, 1)
    report = service.verifier.run(service.system, levels=(1, 2, 3, 4))
    assert report.holds, report.summary
    (note,) = [one.open for one in report.result.levels if one.level == 4]
    assert f"signatures by the key {anna.key_id}, which is in doubt or repudiated: 2 doubtful" in note
    # Somebody else's word, put into the log by force, is found.
    with store.reader(SYSTEM_LOG) as reader:
        good = store.kinds["key-event"].decode(reader.entry(repudiation).body or b"")
    assert isinstance(good, KeyEvent)
    assert good.event is KeyEventSort.REPUDIATED
    forged = msgspec.structs.replace(good, authority=plant.officer.sign_in().authority)
    index = store.append_one(SYSTEM_LOG, draft(forged)).index
    fault = service.verifier.run(service.system, levels=(3,)).fault
    assert fault is not None
    assert (fault.index, "repudiates a key that is not 'officer1'" in fault.what) == (index, True)


def _body(plant: Plant, index: int) -> bytes:
    with plant.service.store.reader(SYSTEM_LOG) as reader:
        return reader.entry(index).body or b""
