"""What becomes of a run: each record once, nothing dropped, everything accounted for in the run's own entry."""

import threading
from hashlib import sha256
from typing import Any

import msgspec
import pytest

from ledger.core import canonical
from ledger.core.errors import Conflict, IntegrityError, InvalidEntry, NotFound, SchemaViolation
from ledger.core.hashing import b64, original_commitment, unb64
from ledger.core.record import Interval, Original, Sealed, Submission
from ledger.core.record import Target as Object
from ledger.core.run import Gap, Rejected, RunReceipt, Status
from ledger.core.vault import MAX_ORIGINAL
from ledger.findings.kinds import Finding, FindingSort, Incident
from ledger.sources.kinds import CollectionRun, Duplicate, Quarantined
from ledger.store.reading import VaultReader
from tests.support.checking import assert_log_holds, leaves
from tests.support.keys import forge
from tests.support.ledgers import AUTHORITY, RECORDS, Ledger, batch, record, submission

pytestmark = pytest.mark.sampled

RECEIVED = "2026-09-21T14:13:21.000000Z"


def bodies(ledger: Ledger, kind: str) -> dict[int, Any]:
    """The decoded bodies of a kind, by index."""
    with ledger.store.reader(RECORDS) as reader:
        found = zip(leaves(reader), reader.entries(0, reader.head().size), strict=True)
        return {leaf.index: ledger.store.kinds[kind].decode(e.body or b"") for leaf, e in found if leaf.kind == kind}


def run_of(ledger: Ledger, receipt: RunReceipt) -> CollectionRun:
    run = bodies(ledger, "collection-run")[receipt.run]
    assert isinstance(run, CollectionRun)
    return run


def size(ledger: Ledger) -> int:
    with ledger.store.reader(RECORDS) as reader:
        return reader.head().size


def outcomes(receipt: RunReceipt) -> list[tuple[Status, int]]:
    return [(one.status, one.index) for one in receipt.outcomes]


def original(ledger: Ledger, index: int) -> bytes | None:
    with ledger.store.reading() as connection:
        kept = VaultReader(connection).original(RECORDS, index)
    return None if kept is None else kept.value


def rejected(data: bytes = b"?", **members: str) -> Rejected:
    usual = {"media_type": "text/plain", "reason": "does not parse", "received_at": RECEIVED}
    return Rejected(data=data, **(usual | members))


# The same record again


def test_a_record_given_again_is_answered_with_its_entry_and_listed_in_the_run(ledger: Ledger) -> None:
    first = ledger.submit([submission(1), submission(2)], cursor_to="1")
    later = [msgspec.structs.replace(submission(n), received_at="2026-10-01T00:00:00.000000Z") for n in (3, 2, 1)]
    again = ledger.submit(later, cursor_to="2")
    one, two = (outcome.index for outcome in first.outcomes)
    assert [status for status, _ in outcomes(again)] == [Status.APPENDED, Status.DUPLICATE, Status.DUPLICATE]
    assert [index for _, index in outcomes(again)][1:] == [two, one]
    run = run_of(ledger, again)
    assert run.duplicates == (Duplicate(submission=1, earlier=two), Duplicate(submission=2, earlier=one))
    assert run.records == 1
    assert len(bodies(ledger, "record")) == 3
    assert bodies(ledger, "finding") == {}


def test_a_record_twice_in_one_run_is_stored_once(sqlite_ledger: Ledger) -> None:
    ledger = sqlite_ledger
    receipt = ledger.submit([submission(1), submission(1)])
    (status, index), second = outcomes(receipt)
    assert (status, second) == (Status.APPENDED, (Status.DUPLICATE, index))
    assert list(bodies(ledger, "record")) == [index]


def test_a_record_whose_values_are_sealed_is_recognised_all_the_same(sqlite_ledger: Ledger) -> None:
    ledger = sqlite_ledger
    ledger.register("erp", seal=("actor.name", "reason", "changes.Value"))
    (first,) = ledger.submit([submission(1)], cursor_to="1").outcomes
    (again,) = ledger.submit([submission(1)], cursor_to="2").outcomes
    assert (again.status, again.index) == (Status.DUPLICATE, first.index)


@pytest.mark.requirement("R74")
def test_a_record_with_other_content_is_kept_beside_the_first_and_found(ledger: Ledger) -> None:
    (first,) = ledger.submit([submission(1)], cursor_to="1").outcomes
    (second,) = ledger.submit([submission(1, reason="changed")], cursor_to="2").outcomes
    (third,) = ledger.submit([submission(1, reason="changed again")], cursor_to="3").outcomes
    assert {second.status, third.status} == {Status.APPENDED}
    findings = list(bodies(ledger, "finding").values())
    assert [finding.entries for finding in findings] == [(first.index, second.index), (second.index, third.index)]
    assert all(isinstance(one, Finding) and one.source == "erp" for one in findings)
    assert {one.sort for one in findings} == {FindingSort.RECORD_CHANGED_AFTER_COLLECTION}
    assert len(bodies(ledger, "record")) == 3


def test_the_same_record_of_another_source_is_another_record(sqlite_ledger: Ledger) -> None:
    ledger = sqlite_ledger
    ledger.register("dcs")
    ledger.submit([submission(1)])
    (other,) = ledger.submit([submission(1, source="dcs")], source="dcs").outcomes
    assert other.status is Status.APPENDED
    assert bodies(ledger, "finding") == {}


@pytest.mark.parametrize("target", ["another record", "an entry that is no record", "no entry at all"])
def test_a_forged_row_cannot_swallow_a_record(ledger: Ledger, target: str) -> None:
    receipt = ledger.submit([submission(1)], cursor_to="1")
    points_to = {"another record": receipt.outcomes[0].index, "an entry that is no record": receipt.run}.get(
        target, 999
    )
    digest = ledger.service.keys.digests()
    swallowed = digest(canonical.encode_struct(record(2)))
    forge(ledger, "2", swallowed, points_to)
    before = size(ledger)
    with pytest.raises(IntegrityError, match="is known by entry"):
        ledger.submit([submission(3), submission(2)], cursor_to="2")
    assert list(bodies(ledger, "record")) == [receipt.outcomes[0].index]
    (incident,) = bodies(ledger, "incident").values()
    assert isinstance(incident, Incident)
    assert (incident.code, incident.stopped, incident.source) == ("integrity_error", "ingest", "erp")
    assert "'2'" in incident.detail
    assert size(ledger) == before + 1
    assert ledger.service.ingest.state("erp").cursor == "1"
    assert_log_holds(ledger.store, RECORDS)


# Order of runs


def test_a_run_must_start_where_the_one_before_ended(sqlite_ledger: Ledger) -> None:
    ledger = sqlite_ledger
    ledger.submit([submission(1)], cursor_to="a")
    before = size(ledger)
    for cursor in (None, "b", ""):
        with pytest.raises(Conflict, match="ended at 'a'"):
            ledger.submit([submission(2)], cursor_from=cursor, cursor_to="c")
    assert size(ledger) == before
    ledger.submit([submission(2)], cursor_from="a", cursor_to="b")


def test_of_runs_that_start_at_one_cursor_exactly_one_is_taken(ledger: Ledger) -> None:
    taken: list[int] = []
    refused: list[int] = []

    def send(n: int) -> None:
        try:
            ledger.service.ingest.submit(batch([submission(n)], cursor_from=None, cursor_to=str(n)), AUTHORITY)
            taken.append(n)
        except Conflict:
            refused.append(n)

    threads = [threading.Thread(target=send, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(taken), len(refused)) == (1, 7)
    assert ledger.service.ingest.state("erp").cursor == str(taken[0])
    assert len(bodies(ledger, "record")) == 1


def test_the_run_chain_is_that_of_its_definition(ledger: Ledger) -> None:
    ledger.register("dcs")
    receipts = [
        ledger.submit([submission(1), submission(2)], cursor_to="1", rejected=(rejected(),)),
        ledger.submit([], cursor_to="2"),
        ledger.submit([submission(2), submission(3), submission(1, reason="changed")], cursor_to="3"),
    ]
    ledger.submit([submission(1, source="dcs")], source="dcs")
    chain, previous = bytes(32), None
    with ledger.store.reader(RECORDS) as reader:
        stored = [entry.leaf for entry in reader.entries(0, reader.head().size)]
    for receipt in receipts:
        run = run_of(ledger, receipt)
        new = [index for status, index in outcomes(receipt) if status is Status.APPENDED]
        for index in new:
            chain = sha256(b"\x06" + chain + sha256(b"\x00" + stored[index]).digest()).digest()
        assert unb64(run.chain, 32) == chain
        assert run.previous == previous
        assert (run.first, run.records) == (new[0] if new else None, len(new))
        assert new == list(range(new[0], new[0] + len(new))) if new else True
        previous = receipt.run
    state = ledger.service.ingest.state("erp")
    assert (state.run_chain, state.last_run) == (b64(chain), receipts[-1].run)


def test_a_source_stands_where_its_last_run_left_it(sqlite_ledger: Ledger) -> None:
    ledger = sqlite_ledger
    assert ledger.service.ingest.state("erp").cursor is None
    ledger.submit([submission(1)], cursor_to="1", snapshot=b"\x00first")
    ledger.submit([submission(2)], cursor_to="2", snapshot=b"\xffsecond")
    receipt = ledger.submit([submission(3)], cursor_to="3")
    state = ledger.open().ingest.state("erp")
    assert (state.cursor, state.snapshot, state.last_run) == ("3", b"\xffsecond", receipt.run)
    assert state.last_run_ended_at == run_of(ledger, receipt).ended_at


def test_what_a_run_could_not_know_is_in_its_entry(sqlite_ledger: Ledger) -> None:
    ledger = sqlite_ledger
    interval = Interval(after="2026-09-21T14:00:00.000000Z", before="2026-09-21T14:10:00.000000Z")
    gap = Gap(subject="TIC101.SP", reason="several changes between two looks", between=interval)
    run = run_of(ledger, ledger.submit([], unreachable=(interval,), gaps=(gap,)))
    assert (run.unreachable, run.gaps) == ((interval,), (gap,))


def test_a_run_of_an_unregistered_source_is_refused(sqlite_ledger: Ledger) -> None:
    ledger = sqlite_ledger
    with pytest.raises(NotFound, match="'lims'"):
        ledger.service.ingest.submit(batch([submission(1, source="lims")], "lims"), AUTHORITY)


@pytest.mark.parametrize(
    "members",
    [
        {"started_at": "2026-09-21T14:13:22.000000Z", "ended_at": "2026-09-21T14:13:21.000000Z"},
        {"ended_at": "yesterday"},
        {"unreachable": (Interval(after="2026-09-21", before="2026-09-22"),)},
        {"rejected": (rejected(received_at="2026-09-21T14:13:21Z"),)},
    ],
)
def test_a_malformed_run_is_refused_whole(sqlite_ledger: Ledger, members: dict[str, Any]) -> None:
    before = size(sqlite_ledger)
    with pytest.raises(InvalidEntry):
        sqlite_ledger.submit([submission(1)], **members)
    assert size(sqlite_ledger) == before


def test_a_cursor_that_one_database_could_not_keep_is_refused_by_both(ledger: Ledger) -> None:
    for cursor in ("a\x00b", "a\ud800b"):
        with pytest.raises(SchemaViolation, match="cursor"):
            ledger.submit([submission(1)], cursor_to=cursor)
    assert bodies(ledger, "record") == {}


# Quarantine


def test_bad_input_is_quarantined_with_its_bytes_beside_the_good(ledger: Ledger) -> None:
    sealed = Object(type="tag", id="TIC101.SP", name=Sealed("A" * 43 + "="))
    receipt = ledger.submit(
        [
            submission(1, data=b"good"),
            submission(2, source="lims", data=b"wrong source"),
            submission(3, data=b"sealed by its source", object=sealed),
            msgspec.structs.replace(submission(4, data=b"bad time"), received_at="noon"),
            submission(5),
        ],
        rejected=(rejected(b"\xff\x00 not JSON", reason="malformed"),),
    )
    kept = bodies(ledger, "quarantine")
    assert [one.status for one in receipt.outcomes] == [
        Status.APPENDED,
        Status.QUARANTINED,
        Status.QUARANTINED,
        Status.QUARANTINED,
        Status.APPENDED,
        Status.QUARANTINED,
    ]
    bad = [one for one in receipt.outcomes if one.status is Status.QUARANTINED]
    data = [b"wrong source", b"sealed by its source", b"bad time", b"\xff\x00 not JSON"]
    assert [original(ledger, one.index) for one in bad] == data
    for one, expected in zip(bad, data, strict=True):
        body = kept[one.index]
        assert isinstance(body, Quarantined)
        assert (body.reason, body.size) == (one.reason, len(expected))
        assert_commits(ledger, one.index, body)
    assert "'lims'" in bad[0].reason
    assert "reserved" in bad[1].reason
    assert run_of(ledger, receipt).quarantined == tuple(one.index for one in bad)
    assert len(bodies(ledger, "record")) == 2
    assert_log_holds(ledger.store, RECORDS)


def assert_commits(ledger: Ledger, index: int, body: Quarantined) -> None:
    with ledger.store.reading() as connection:
        kept = VaultReader(connection).original(RECORDS, index)
    assert kept is not None
    assert body.original is not None
    assert unb64(body.original.commitment, 32) == original_commitment(kept.salt, kept.value)


def test_bad_input_without_an_original_is_kept_as_the_collector_gave_it(sqlite_ledger: Ledger) -> None:
    ledger = sqlite_ledger
    (one,) = ledger.submit([submission(2, source="lims", reason="why\x00")]).outcomes
    kept = msgspec.json.decode(original(ledger, one.index) or b"")
    assert (kept["record"]["source"], kept["record"]["reason"]) == ("lims", "why\ufffd")


def test_input_larger_than_an_original_may_be_is_kept_by_digest_and_size(sqlite_ledger: Ledger) -> None:
    ledger = sqlite_ledger
    huge = bytes(MAX_ORIGINAL + 1)
    receipt = ledger.submit([submission(1, data=huge), submission(2)], rejected=(rejected(huge),))
    assert [one.status for one in receipt.outcomes] == [Status.QUARANTINED, Status.APPENDED, Status.QUARANTINED]
    for one in (receipt.outcomes[0], receipt.outcomes[2]):
        body = bodies(ledger, "quarantine")[one.index]
        assert (body.sha256, body.size, body.original) == (b64(sha256(huge).digest()), len(huge), None)
        assert original(ledger, one.index) is None


def test_the_largest_original_is_kept_whole(sqlite_ledger: Ledger) -> None:
    data = b"\x00\xff" * (MAX_ORIGINAL // 2)
    (one,) = sqlite_ledger.submit([submission(1, data=data)]).outcomes
    assert one.status is Status.APPENDED
    assert original(sqlite_ledger, one.index) == data


def test_a_record_too_large_for_a_body_is_quarantined(sqlite_ledger: Ledger) -> None:
    ledger = sqlite_ledger
    changes = tuple(msgspec.structs.replace(record(1).changes[0], new="x" * 200_000) for _ in range(6))
    (one,) = ledger.submit([submission(1, changes=changes)]).outcomes
    assert one.status is Status.QUARANTINED
    assert "1048576" in one.reason


@pytest.mark.parametrize("media_type", ["x" * 513, "", "text/\ud800", "text/\x00"])
@pytest.mark.parametrize("source", ["erp", "lims"])
def test_no_name_of_an_original_keeps_a_run_from_being_taken(
    sqlite_ledger: Ledger, media_type: str, source: str
) -> None:
    ledger = sqlite_ledger
    given = Original(data=b"bytes", media_type=media_type, parser="p", parser_version="1")
    bad = msgspec.structs.replace(submission(1, source=source), original=given)
    receipt = ledger.submit([bad, submission(2)])
    assert [one.status for one in receipt.outcomes] == [Status.QUARANTINED, Status.APPENDED]
    (index,) = bodies(ledger, "quarantine")
    assert original(ledger, index) == b"bytes"


def test_a_number_that_json_cannot_hold_is_quarantined(sqlite_ledger: Ledger) -> None:
    ledger = sqlite_ledger
    change = msgspec.structs.replace(record(1).changes[0], new=1 << 80)
    receipt = ledger.submit([submission(1, changes=(change,)), submission(2)])
    assert [one.status for one in receipt.outcomes] == [Status.QUARANTINED, Status.APPENDED]


def test_a_hostile_reason_of_a_collector_is_kept_in_plain_text(ledger: Ledger) -> None:
    reason = "bad\x00 \ud800 " + "x" * 300_000
    (one,) = ledger.submit([], rejected=(rejected(reason=reason, media_type="\x00"),)).outcomes
    (body,) = bodies(ledger, "quarantine").values()
    assert body.reason.startswith("bad\ufffd \ufffd x")
    assert one.status is Status.QUARANTINED


# Text that not every database keeps


def test_forbidden_characters_are_replaced_once_and_the_original_is_untouched(ledger: Ledger) -> None:
    data = b'{"reason": "a\\u0000b\\ud800c"}'
    (one,) = ledger.submit([submission("id\x00\udc00", data=data, reason="temp\x00late \ud800end")]).outcomes
    assert one.status is Status.APPENDED
    body = bodies(ledger, "record")[one.index]
    assert body.record.reason == "temp\ufffdlate \ufffdend"
    assert body.record.source_record_id == "id\ufffd\ufffd"
    assert original(ledger, one.index) == data
    again = ledger.submit([submission("id\x00\udc00", data=data, reason="temp\x00late \ud800end")])
    assert outcomes(again) == [(Status.DUPLICATE, one.index)]
    assert_log_holds(ledger.store, RECORDS)


def test_text_of_every_script_comes_back_as_it_was_given(ledger: Ledger) -> None:
    text = "Ä ß ﬁ \u202eRTL\u202c עברית 漢字 🧪 \u0001\u007f '\"\\;-- %_* NEAR( \ufffd"
    (one,) = ledger.submit([submission(text[:60], reason=text)]).outcomes
    body = bodies(ledger, "record")[one.index]
    assert (body.record.reason, body.record.source_record_id) == (text, text[:60])


# Sealed values


def test_a_sealed_value_stands_in_the_vault_alone(sqlite_ledger: Ledger) -> None:
    ledger = sqlite_ledger
    ledger.register("erp", seal=("actor.name", "changes.Value"))
    (one,) = ledger.submit([submission(1)]).outcomes
    with ledger.store.reader(RECORDS) as reader:
        stored = reader.entry(one.index).body or b""
        sealed = VaultReader(reader.connection).sealed(RECORDS, one.index)
    assert b"Operator One" not in stored
    assert b"55.5" not in stored
    assert [(kept.meta, kept.value) for kept in sealed] == [
        ("actor.name", b'"Operator One"'),
        ("changes.Value.old", b'"50.0"'),
        ("changes.Value.new", b'"55.5"'),
    ]
    body = bodies(ledger, "record")[one.index]
    for kept, held in zip(sealed, (body.record.actor.name, *_values(body.record.changes[0])), strict=True):
        assert unb64(held.sealed, 32) == sha256(b"\x03" + kept.salt + kept.value).digest()
    (row,) = ledger.query("SELECT * FROM record")
    assert not [value for value in row if "one" in str(value).split() or "55.5" in str(value)]


def _values(change: Any) -> tuple[Any, Any]:
    return change.old, change.new


@pytest.mark.requirement("R32")
def test_every_submission_is_accounted_for_in_order(ledger: Ledger) -> None:
    ledger.submit([submission(0)], cursor_to="0")
    mixed: list[Submission] = []
    expected = []
    for n in range(30):
        mixed.append([submission(n + 1), submission(0), submission(n, source="lims")][n % 3])
        expected.append([Status.APPENDED, Status.DUPLICATE, Status.QUARANTINED][n % 3])
    receipt = ledger.submit(mixed, cursor_to="1", rejected=(rejected(), rejected(b"!")))
    assert [one.status for one in receipt.outcomes] == [*expected, Status.QUARANTINED, Status.QUARANTINED]
    run = run_of(ledger, receipt)
    assert (run.records, len(run.duplicates), len(run.quarantined)) == (10, 10, 12)
    assert run.started_at < run.ended_at
