"""An agent's batches are taken once, in order, under its own signature, and only while people allow it."""

from typing import Any

import msgspec
import pytest

from ledger.agents.agents import LONGEST_US
from ledger.agents.deliveries import check_delivery
from ledger.agents.kinds import AgentEntry, AgentState, Delivery
from ledger.core.batch import (
    SignedBatch,
    SignedReceipt,
    fingerprint,
    verify_receipt,
)
from ledger.core.entry import decode_leaf
from ledger.core.errors import AccessDenied, Conflict, LedgerError, NotFound, SchemaViolation, SelfApproval
from ledger.core.hashing import b64
from ledger.core.note import split_vkey
from ledger.core.run import SourceFacts
from ledger.store.logs import SYSTEM_LOG
from tests.support.devices import OTHER, RECORD_ORIGIN, Device
from tests.support.ledgers import AUTHORITY, ORIGIN, RECORDS, SOURCE, Ledger, MovableClock

pytestmark = pytest.mark.sampled


def take(ledger: Ledger, made: SignedBatch) -> SignedReceipt:
    return ledger.service.record_log().take(made)


def size(ledger: Ledger, log: int = RECORDS) -> int:
    with ledger.store.reader(log) as reader:
        return reader.head().size


def bodies(ledger: Ledger, log: int, kind: str) -> list[Any]:
    with ledger.store.reader(log) as reader:
        return [
            ledger.store.kinds[kind].decode(entry.body)
            for entry in reader.entries(0, reader.head().size)
            if entry.body is not None and decode_leaf(entry.leaf).kind == kind
        ]


@pytest.fixture
def device(ledger: Ledger) -> Device:
    made = Device()
    made.enrol(ledger)
    return made


def test_batches_are_taken_in_order_and_each_receipt_is_signed_for_its_batch(ledger: Ledger, device: Device) -> None:
    log = ledger.service.record_log().log
    _, _, receipt_key = split_vkey(str(ledger.service.keys.receipt_signer(log.name, log.origin).verifier))
    before = size(ledger)
    for numbers in ((1, 2), (), (3,)):
        made = device.make(*numbers)
        receipt = verify_receipt(take(ledger, made), made.header, RECORD_ORIGIN, receipt_key)
        assert (receipt.number, receipt.first is not None) == (device.number + 1, bool(numbers))
        assert receipt.size == size(ledger)
        device.sent(made)
    assert size(ledger) == before + 3 + 3 + 3, "the records, a run and a delivery each"
    assert [one.header.number for one in bodies(ledger, RECORDS, "delivery")] == [1, 2, 3]
    runs = bodies(ledger, RECORDS, "collection-run")
    assert {run.authority.actor for run in runs} == {"agent:edge1"}
    assert ledger.service.verifier.run(log, full=True).holds


def test_a_batch_that_is_sent_again_gets_its_receipt_again_and_nothing_else(ledger: Ledger, device: Device) -> None:
    first = device.make(1, 2)
    receipt = take(ledger, first)
    device.sent(first)
    second = device.make(3)
    take(ledger, second)
    before = size(ledger)
    assert take(ledger, first) == receipt
    assert ledger.open().record_log().take(first) == receipt, "another process, or after a restart"
    assert size(ledger) == before


@pytest.mark.parametrize(
    ("header", "error"),
    [
        ({"number": 3}, Conflict),
        ({"number": 2, "previous": b64(bytes(32))}, Conflict),
        ({"number": 2, "previous": None}, Conflict),
        ({"number": 1}, Conflict),
        ({"epoch": 2}, AccessDenied),
        ({"source": "dcs"}, AccessDenied),
        ({"agent": "edge2"}, AccessDenied),
        ({"count": 2}, SchemaViolation),
        ({"cursor": "elsewhere"}, SchemaViolation),
    ],
)
@pytest.mark.requirement("R11")
def test_a_batch_that_is_not_the_next_one_or_not_of_this_agent_is_refused(
    ledger: Ledger, device: Device, header: dict[str, Any], error: type[LedgerError]
) -> None:
    first = device.make(1)
    take(ledger, first)
    device.sent(first)
    before = size(ledger)
    with pytest.raises(error):
        take(ledger, device.make(2, **header))
    assert size(ledger) == before
    take(ledger, device.make(2))


def test_a_batch_that_was_changed_on_the_way_is_refused(ledger: Ledger, device: Device) -> None:
    made = device.make(1)
    changes: list[dict[str, Any]] = [
        {"payload": made.payload.replace(b"TIC", b"TIX", 1)},
        {"payload": b""},
        {"signature": b64(bytes(64))},
        {"signature": "no base64"},
        {"header": msgspec.structs.replace(made.header, cursor="9")},
        {"header": msgspec.structs.replace(made.header, key="0" * 32)},
    ]
    stranger = Device()
    for change in changes:
        changed = msgspec.structs.replace(made, **change)
        assert changed != made
        with pytest.raises(AccessDenied):
            take(ledger, changed)
    with pytest.raises(AccessDenied):
        take(ledger, stranger.make(1))
    assert bodies(ledger, RECORDS, "delivery") == []


def test_a_code_is_good_once_for_its_own_agent_and_for_an_hour(clock: MovableClock, ledger: Ledger) -> None:
    agents = ledger.service.agents
    one, other = Device("edge1"), Device("edge2")
    code = ledger.service.invite("edge1", [SOURCE], None, "line 1", AUTHORITY, None).code
    ledger.service.invite("edge2", [SOURCE], None, "line 2", AUTHORITY, None)
    for agent, tried in (("edge2", code), ("edge1", bytes(32)), ("edge3", code)):
        with pytest.raises(AccessDenied):
            agents.enrol(agent, tried, other.public)
    agents.enrol("edge1", code, one.public)
    with pytest.raises(AccessDenied):
        agents.enrol("edge1", code, other.public)
    late = ledger.service.invite("edge2", [SOURCE], None, "again", AUTHORITY, None).code
    clock.at_us += LONGEST_US
    with pytest.raises(AccessDenied):
        agents.enrol("edge2", late, other.public)
    with pytest.raises(SchemaViolation):
        agents.invite("edge2", [SOURCE], None, "long", AUTHORITY, LONGEST_US + 1)
    assert code not in b"".join(entry.body or b"" for entry in _entries(ledger))


def _entries(ledger: Ledger) -> list[Any]:
    with ledger.store.reader(SYSTEM_LOG) as reader:
        return list(reader.entries(0, reader.head().size))


def test_nobody_confirms_whom_they_invited_and_nobody_another_key(ledger: Ledger) -> None:
    agents, device = ledger.service.agents, Device()
    code = ledger.service.invite("edge1", [SOURCE], None, "line 1", AUTHORITY, None).code
    with pytest.raises(Conflict):
        agents.confirm("edge1", fingerprint(device.public), "too early", OTHER)
    agents.enrol("edge1", code, device.public)
    with pytest.raises(AccessDenied):
        take(ledger, device.make(1))
    with pytest.raises(SelfApproval):
        agents.confirm("edge1", fingerprint(device.public), "alone", AUTHORITY)
    with pytest.raises(Conflict):
        agents.confirm("edge1", fingerprint(bytes(32)), "not compared", OTHER)
    agents.confirm("edge1", fingerprint(device.public).upper().replace(" ", ":"), "compared", OTHER)
    take(ledger, device.make(1))


def test_a_revoked_agent_is_not_heard_and_a_restored_one_only_in_a_new_epoch(ledger: Ledger, device: Device) -> None:
    agents = ledger.service.agents
    first = device.make(1)
    take(ledger, first)
    restored = Device()
    restored.seed = device.seed
    with pytest.raises(Conflict):
        take(ledger, restored.make(2))
    agents.approve_epoch("edge1", "disk replaced", OTHER)
    with pytest.raises(AccessDenied):
        take(ledger, first)
    restored.epoch, restored.cursor = 2, first.header.cursor
    second = restored.make(2)
    take(ledger, second)
    assert (ledger.service.record_log().deliveries.last("edge1").number, agents.list()[0].epoch) == (1, 2)
    agents.revoke("edge1", "stolen", AUTHORITY)
    restored.sent(second)
    for made in (second, restored.make(3)):
        with pytest.raises(AccessDenied):
            take(ledger, made)
    with pytest.raises(Conflict):
        agents.revoke("edge1", "again", AUTHORITY)
    with pytest.raises(NotFound):
        agents.revoke("edge9", "who", AUTHORITY)
    assert agents.list()[0].state is AgentState.REVOKED
    assert ledger.service.verifier.run(ledger.service.record_log().log, full=True).holds


def test_what_was_delivered_can_be_checked_again_from_the_log_alone(ledger: Ledger, device: Device) -> None:
    take(ledger, device.make(1))
    (told,) = bodies(ledger, RECORDS, "delivery")
    agent = bodies(ledger, SYSTEM_LOG, "agent")[-1]
    assert isinstance(told, Delivery)
    assert isinstance(agent, AgentEntry)
    check_delivery(told, RECORD_ORIGIN, agent)
    for forged in (msgspec.structs.replace(told, signature=b64(bytes(64))),):
        with pytest.raises(LedgerError):
            check_delivery(forged, RECORD_ORIGIN, agent)
    with pytest.raises(LedgerError):
        check_delivery(told, f"{ORIGIN}/other", agent)


def test_what_a_source_told_of_itself_by_an_agent_is_within_the_agent_s_right(ledger: Ledger, device: Device) -> None:
    for version in ("8.2", "8.4"):
        made = device.make(1, facts=SourceFacts(version=version))
        take(ledger, made)
        device.sent(made)
    assert len(bodies(ledger, RECORDS, "source-life")) == 2
    report = ledger.service.verifier.run(ledger.service.record_log().log, full=True)
    assert report.holds, report.summary


def test_an_agent_put_in_by_sql_used_and_taken_out_again_is_found(ledger: Ledger) -> None:
    """The projection may lie to the service, but the entry that it names is opened: there is no such agent."""
    device = Device()
    with ledger.administrator() as connection:
        connection.exec_driver_sql(
            "INSERT INTO agent (log, key, from_index, state, sources, epoch)"
            " VALUES (0, 'edge1', 1, 'confirmed', '[]', 1)"
        )
    with pytest.raises(LedgerError):
        take(ledger, device.make(1))
    assert bodies(ledger, RECORDS, "delivery") == []
