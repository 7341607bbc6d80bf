"""Every checkpoint is shown to the witnesses of the policy; what they say, or do not say, is entered and verified."""

import pytest

from ledger.core.checkpoint import Checkpoint
from ledger.core.errors import CheckpointForked, Conflict, RolledBack
from ledger.core.note import parse_note
from ledger.core.witness_policy import Quorum
from ledger.core.witnessing import Head, WitnessConflict
from ledger.integrity.kinds import Verdict
from ledger.new_log import NEXT_KEYS
from ledger.store import checkpoints
from ledger.store.logs import SYSTEM_LOG
from ledger.trace.witnessed import witnessed_by
from ledger.trust.key_life import KeyLife
from ledger.trust.next_keys import load_next, prepare_next
from ledger.trust.signed import SignedState
from ledger.trust.witness_reading import newest
from tests.support.ledgers import AUTHORITY, RECORDS, START_US, Ledger, MovableClock, submission
from tests.support.witness import NOWHERE, HandWitness, Trust, two_witnesses

pytestmark = pytest.mark.sampled

NOW_S = START_US // 1_000_000


def trust_in(ledger: Ledger) -> Trust:
    trust = Trust(ledger, *two_witnesses(ledger))
    trust.policy()
    trust.publisher.publish_all()
    return trust


def grow(ledger: Ledger, trust: Trust, number: int = 1) -> None:
    ledger.submit([submission(number)])
    trust.publisher.publish_all()


def names_on(ledger: Ledger, log: int) -> set[str]:
    with ledger.store.reading() as connection:
        return {line.name for line in parse_note(checkpoints.latest(connection, log).note).signatures}


def outcome(ledger: Ledger, log: int, quorum: Quorum | None = None) -> tuple[int, int] | None:
    with ledger.store.reading() as connection:
        return newest(connection, ledger.store.logs()[log].origin, quorum)


def size(ledger: Ledger, log: int) -> int:
    with ledger.store.reader(log) as reader:
        return reader.head().size


def verdict(trust: Trust, log: int, level: int) -> Verdict:
    report = trust.verify(log, 1, level)
    return next(one.verdict for one in report.result.levels if one.level == level)


def test_every_checkpoint_of_every_log_bears_the_witnesses_lines(ledger: Ledger, clock: MovableClock) -> None:
    trust = trust_in(ledger)
    grow(ledger, trust)
    assert {"qa", "customer"} < names_on(ledger, RECORDS)
    assert {"qa", "customer"} < names_on(ledger, SYSTEM_LOG)
    assert outcome(ledger, RECORDS) == outcome(ledger, RECORDS, Quorum.MET) is not None
    assert trust.verify(SYSTEM_LOG, 1, 2, 3, 5).holds
    assert verdict(trust, RECORDS, 5) is Verdict.HOLDS


def test_what_witnesses_said_calls_for_no_further_checkpoint(sqlite_ledger: Ledger, clock: MovableClock) -> None:
    trust = trust_in(sqlite_ledger)
    grow(sqlite_ledger, trust)
    stood = size(sqlite_ledger, SYSTEM_LOG)
    assert trust.publisher.publish_all() == []
    assert size(sqlite_ledger, SYSTEM_LOG) == stood


def test_a_missing_quorum_is_published_and_entered_as_missing(ledger: Ledger, clock: MovableClock) -> None:
    trust = trust_in(ledger)
    grow(ledger, trust)
    met = outcome(ledger, RECORDS, Quorum.MET)
    trust.by_name["customer"].down = True
    grow(ledger, trust, 2)
    missing = outcome(ledger, RECORDS, Quorum.MISSING)
    assert missing is not None
    assert missing[0] == size(ledger, RECORDS)
    assert outcome(ledger, RECORDS, Quorum.MET) == met
    assert "customer" not in names_on(ledger, RECORDS)
    assert trust.witnesses.told["customer"].trouble == "witness customer does not answer"
    assert verdict(trust, SYSTEM_LOG, 3) is Verdict.HOLDS
    assert verdict(trust, RECORDS, 5) is Verdict.NOT_ASSESSABLE


def test_a_witness_that_comes_back_completes_the_newest_checkpoint(sqlite_ledger: Ledger, clock: MovableClock) -> None:
    trust = trust_in(sqlite_ledger)
    trust.by_name["customer"].down = True
    grow(sqlite_ledger, trust)
    trust.by_name["customer"].down = False
    trust.publisher.publish_all()
    met, missing = outcome(sqlite_ledger, RECORDS, Quorum.MET), outcome(sqlite_ledger, RECORDS, Quorum.MISSING)
    assert met is not None
    assert missing is not None
    assert met[0] == missing[0]
    assert trust.verify(SYSTEM_LOG, 1, 2, 3, 5).holds


def test_a_log_that_a_witness_saw_more_of_is_not_signed(ledger: Ledger, clock: MovableClock) -> None:
    trust = trust_in(ledger)
    ahead = shown_ahead(trust, 5)
    ledger.submit([submission(1)])
    with pytest.raises(RolledBack, match=f"but witness qa has seen {ahead}"):
        trust.publisher.publish_all()


def shown_ahead(trust: Trust, more: int, *, at: bool = True) -> int:
    """Has a witness say that it saw more of the record log and, with `at`, show what the log's key signed of it."""
    witness, log = trust.by_name["qa"], trust.ledger.store.logs()[RECORDS]
    later = Checkpoint(origin=log.origin, size=size(trust.ledger, RECORDS) + more, root=bytes(32))
    witness.heads[log.origin] = Head(size=later.size, root=later.root)
    if at:
        signer = trust.ledger.service.keys.log_signer(log.name, log.origin)
        line = witness.signer.sign(later, NOW_S).line
        witness.notes[log.origin] = f"{later.text()}\n{signer.sign(later.text()).line}{line}".encode()
    return later.size


def test_a_witness_that_claims_to_have_seen_more_and_cannot_show_it_stops_no_log(
    sqlite_ledger: Ledger, clock: MovableClock
) -> None:
    trust = trust_in(sqlite_ledger)
    shown_ahead(trust, 5, at=False)
    grow(sqlite_ledger, trust)
    assert trust.witnesses.told["qa"].trouble == "it says that it has cosigned a later checkpoint of this log"
    missing = outcome(sqlite_ledger, RECORDS, Quorum.MISSING)
    assert missing is not None
    assert missing[0] == size(sqlite_ledger, RECORDS)


def test_a_witness_that_claims_another_past_and_cannot_show_it_stops_no_log(
    sqlite_ledger: Ledger, clock: MovableClock
) -> None:
    trust = trust_in(sqlite_ledger)
    sqlite_ledger.submit([submission(1)])
    shown_ahead(trust, 0, at=False)
    trust.publisher.publish_all()
    assert trust.witnesses.told["qa"].trouble.endswith("and does not show it")


def test_a_witness_that_shows_another_past_stops_the_log(sqlite_ledger: Ledger, clock: MovableClock) -> None:
    trust = trust_in(sqlite_ledger)
    sqlite_ledger.submit([submission(1)])
    shown_ahead(trust, 0)
    with pytest.raises(WitnessConflict, match="shows another root"):
        trust.publisher.publish_all()


def test_a_process_asks_the_witnesses_before_its_first_signature(ledger: Ledger, clock: MovableClock) -> None:
    """A database, and the signer's memory with it, put back to an earlier state: only those outside can tell."""
    trust = trust_in(ledger)
    grow(ledger, trust)
    origin = ledger.store.logs()[RECORDS].origin
    note = trust.by_name["qa"].notes[origin]
    shown = Checkpoint.parse(note.decode().rpartition("\n\n")[0] + "\n")
    later = Checkpoint(origin=origin, size=shown.size + 3, root=bytes(32))
    signer = ledger.service.keys.log_signer("records", origin)
    line = trust.by_name["qa"].signer.sign(later, NOW_S).line
    trust.by_name["qa"].notes[origin] = f"{later.text()}\n{signer.sign(later.text()).line}{line}".encode()
    ledger.submit([submission(2)])
    with pytest.raises(RolledBack, match="nothing is signed"):
        trust.begin().publish_all()
    assert verdict(trust, RECORDS, 5) is Verdict.FAILS


def test_a_fork_that_a_witness_saw_is_not_signed(sqlite_ledger: Ledger, clock: MovableClock) -> None:
    trust = trust_in(sqlite_ledger)
    origin = sqlite_ledger.store.logs()[RECORDS].origin
    seen = trust.by_name["qa"].heads[origin]
    other = Checkpoint(origin=origin, size=seen.size, root=bytes(32))
    signer = sqlite_ledger.service.keys.log_signer("records", origin)
    line = trust.by_name["qa"].signer.sign(other, NOW_S).line
    trust.by_name["qa"].notes[origin] = f"{other.text()}\n{signer.sign(other.text()).line}{line}".encode()
    sqlite_ledger.submit([submission(2)])
    with pytest.raises((RolledBack, CheckpointForked)):
        trust.begin().publish_all()


def test_a_policy_comes_into_force_only_once_the_one_before_was_met(ledger: Ledger, clock: MovableClock) -> None:
    trust = trust_in(ledger)
    first = trust.witnesses.policies().in_force.entry
    trust.by_name["qa"].down = True
    second = trust.policy(f"witness customer {trust.by_name['customer'].vkey} {NOWHERE}\nquorum customer")
    trust.publisher.publish_all()
    assert trust.witnesses.policies().in_force.entry == first
    trust.by_name["qa"].down = False
    trust.publisher.publish_all()
    assert trust.witnesses.policies().in_force.entry == second
    grow(ledger, trust)
    assert trust.verify(SYSTEM_LOG, 1, 2, 3, 5).holds


def test_an_administrator_cannot_drop_the_witnesses_by_an_entry(sqlite_ledger: Ledger, clock: MovableClock) -> None:
    trust = trust_in(sqlite_ledger)
    before = outcome(sqlite_ledger, RECORDS, Quorum.NONE)
    for witness in trust.by_name.values():
        witness.down = True
    trust.policy("quorum none")
    grow(sqlite_ledger, trust)
    grow(sqlite_ledger, trust, 2)
    assert len(trust.witnesses.policies().pending) == 1
    missing = outcome(sqlite_ledger, RECORDS)
    assert missing == outcome(sqlite_ledger, RECORDS, Quorum.MISSING)
    assert outcome(sqlite_ledger, RECORDS, Quorum.NONE) == before


def test_a_witness_without_a_network_answers_by_files(ledger: Ledger, clock: MovableClock) -> None:
    qa, customer = two_witnesses(ledger)
    trust = Trust(ledger, qa, customer)
    trust.policy(reachable=False)
    trust.publisher.publish_all()
    trust.publisher.publish_all()
    grow(ledger, trust)
    log = ledger.store.logs()[RECORDS]
    assert outcome(ledger, RECORDS, Quorum.MISSING) is not None
    with ledger.store.reading() as connection:
        stored = checkpoints.latest(connection, RECORDS)
    request = trust.witnesses.request(log, 0, stored)
    said = [trust.witnesses.take_answer(log, request, one.answer(request), AUTHORITY) for one in (qa, customer)]
    assert [one.state for one in said] == [Quorum.MISSING, Quorum.MET]
    assert trust.verify(SYSTEM_LOG, 1, 2, 3).holds


def test_cosigned_checkpoints_are_kept_outside_the_database(sqlite_ledger: Ledger, clock: MovableClock) -> None:
    trust = trust_in(sqlite_ledger)
    grow(sqlite_ledger, trust)
    kept = trust.kept.latest("records")
    with sqlite_ledger.store.reading() as connection:
        assert checkpoints.latest(connection, RECORDS).note == kept
    assert {"qa", "customer"} < names_on(sqlite_ledger, RECORDS)


def test_a_lost_memory_of_the_signer_is_made_good_by_what_is_kept(sqlite_ledger: Ledger, clock: MovableClock) -> None:
    """The log is cut and the signer's file removed: the cosigned checkpoint beside it still tells."""
    trust = trust_in(sqlite_ledger)
    grow(sqlite_ledger, trust)
    (sqlite_ledger.folder / "signed" / "records.signed").unlink()
    before = trust.kept.latest("records")
    assert before is not None
    checkpoint = Checkpoint.parse(before.decode().rpartition("\n\n")[0] + "\n")
    bigger = Checkpoint(origin=checkpoint.origin, size=checkpoint.size + 9, root=bytes(32))
    signer = sqlite_ledger.service.keys.log_signer("records", checkpoint.origin)
    (sqlite_ledger.folder / "kept" / "cosigned" / "records" / "latest").write_bytes(
        f"{bigger.text()}\n{signer.sign(bigger.text()).line}".encode()
    )
    sqlite_ledger.submit([submission(2)])
    with pytest.raises(RolledBack, match="nothing is signed"):
        trust.begin().publish_all()
    assert SignedState(sqlite_ledger.folder / "signed").last("records") is None


@pytest.mark.parametrize("what", ["line taken away", "line changed", "quorum claimed", "policy changed"])
def test_what_witnesses_said_cannot_be_changed(sqlite_ledger: Ledger, clock: MovableClock, what: str) -> None:
    trust = trust_in(sqlite_ledger)
    trust.by_name["customer"].down = True
    grow(sqlite_ledger, trust)
    statements = {
        "line taken away": "DELETE FROM cosignature WHERE pos = (SELECT max(pos) FROM cosignature)",
        "line changed": "UPDATE cosignature SET line = replace(line, 'qa ', 'qb ')",
        "quorum claimed": "UPDATE witnessed SET state = 'met', missing = '' WHERE state = 'missing'",
        "policy changed": "UPDATE witness_policy SET quorum = 'none'",
    }
    with sqlite_ledger.administrator() as connection:
        connection.exec_driver_sql(statements[what])
    assert not trust.verify(SYSTEM_LOG, 1, 2).holds


def test_one_that_shares_an_administrator_with_the_log_is_named(sqlite_ledger: Ledger) -> None:
    qa = HandWitness("qa", (), sqlite_ledger.clock)
    trust = Trust(sqlite_ledger, qa)
    trust.policy()
    body = trust.witnesses.policies().pending[0]
    assert body.shared() == ()
    same = body.about[0].run_by.__class__(operator="X", administrator="Site  it", host="elsewhere")
    about = (body.about[0].__class__(witness="qa", role=body.about[0].role, run_by=same),)
    assert body.log is not None
    trust.witnesses.set_policy(f"witness qa {qa.vkey}\nquorum qa", body.log, about, "again", AUTHORITY)
    assert trust.witnesses.policies().pending[1].shared() == ("qa: administrator Site  it",)


def test_evidence_says_who_cosigned_its_checkpoint_and_what_they_share(
    sqlite_ledger: Ledger, clock: MovableClock
) -> None:
    trust = trust_in(sqlite_ledger)
    grow(sqlite_ledger, trust)
    origin = sqlite_ledger.store.logs()[RECORDS].origin
    with sqlite_ledger.store.reading() as connection:
        stored = checkpoints.latest(connection, RECORDS)
        said = witnessed_by(connection, sqlite_ledger.store.kinds, origin, stored.size, stored.note)
    assert (set(said.names), said.quorum, said.shared) == ({"qa", "customer"}, Quorum.MET, ())


def rotated(trust: Trust) -> KeyLife:
    """The record log's key was replaced by the promised one."""
    service = trust.ledger.service
    life = KeyLife(
        service.store,
        service.keys,
        trust.publisher.publish,
        lambda *_: None,
        lambda *_: None,
        service.folder / "signed",
    )
    log = service.log()
    seed = load_next(service.folder / NEXT_KEYS, log.origin)
    life.rotate(log, seed, prepare_next(service.folder / "then", log.origin), "due", AUTHORITY)
    return life


def test_an_old_key_is_revoked_only_once_a_quorum_saw_the_new_one(sqlite_ledger: Ledger, clock: MovableClock) -> None:
    trust = trust_in(sqlite_ledger)
    log, old = sqlite_ledger.service.log(), sqlite_ledger.service.vkey(sqlite_ledger.service.log())
    trust.by_name["qa"].down = True
    life = rotated(trust)
    with pytest.raises(Conflict, match="no quorum of witnesses has seen the rotation"):
        life.revoke(log, old, "due", AUTHORITY)
    trust.by_name["qa"].down = False
    trust.publisher.publish_all()
    life.revoke(log, old, "due", AUTHORITY)
    assert trust.verify(RECORDS, 1, 3).holds


def test_a_rotation_that_no_quorum_saw_in_time_fails_level_3(sqlite_ledger: Ledger, clock: MovableClock) -> None:
    trust = trust_in(sqlite_ledger)
    log, old = sqlite_ledger.service.log(), sqlite_ledger.service.vkey(sqlite_ledger.service.log())
    grow(sqlite_ledger, trust)
    trust.by_name["qa"].down = True
    life = rotated(trust)
    with sqlite_ledger.administrator() as connection:  # who has the database makes the command believe
        connection.exec_driver_sql("UPDATE witnessed SET state = 'met' WHERE state = 'missing'")
    life.revoke(log, old, "due", AUTHORITY)
    with sqlite_ledger.administrator() as connection:
        connection.exec_driver_sql("UPDATE witnessed SET state = 'missing' WHERE missing <> ''")
    fault = trust.verify(RECORDS, 3).fault
    assert fault is not None
    assert "met no quorum of witnesses" in fault.what
