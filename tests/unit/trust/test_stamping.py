"""Time-stamps of a ledger: who asks whom and when, what is entered, what is kept, what is found."""

import datetime
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from sqlalchemy import text

from ledger.core.admission import AdmissionEvent
from ledger.core.clock import MICROSECONDS, utc_text
from ledger.core.entry import draft
from ledger.core.errors import AccessDenied, Conflict, NotFound, SchemaViolation, TimestampInvalid
from ledger.core.revocation import Revocation
from ledger.core.timestamp_entries import TimestampEntry
from ledger.core.timestamps import new_request, pins_of, verify_time_stamp
from ledger.findings.kinds import FindingSort
from ledger.store.append import Batch
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import pos_of
from ledger.trust.kept_tokens import KeptTokens
from ledger.trust.stamping import Stamping
from ledger.trust.timestamp_reading import (
    checkpoint_text,
    newest,
    read_body,
    read_tsas,
)
from ledger.trust.tsa_client import fetch
from tests.support.http_peer import Asked, HttpPeer, Reply
from tests.support.ledgers import AUTHORITY, RECORDS, Ledger, MovableClock
from tests.support.stamping import HOUR_S, Site
from tests.support.tsa import URL, Stamper, Stampers

pytestmark = pytest.mark.sampled

DOWN = "the authority cannot be reached: connection refused"


@pytest.fixture
def site(ledger: Ledger, clock: MovableClock, stamper: Stamper, tmp_path: Path) -> Site:
    return Site(ledger, clock, Stampers(clock, one=stamper, two=Stamper(tmp_path / "two")))


@pytest.fixture
def small(sqlite_ledger: Ledger, clock: MovableClock, stamper: Stamper, tmp_path: Path) -> Site:
    return Site(sqlite_ledger, clock, Stampers(clock, one=stamper, two=Stamper(tmp_path / "two")))


def test_an_authority_counts_once_a_second_administrator_confirmed_it(small: Site) -> None:
    tsas, root = small.service.tsas, small.stampers.stampers["one"].root
    proposed = tsas.propose("one", f"{URL}/one", (root,), "for the test", small.staff.admin)
    assert (proposed.state, proposed.every_seconds) == (AdmissionEvent.PROPOSED, HOUR_S)
    small.record()
    assert small.turn() == []
    with pytest.raises(AccessDenied, match="second administrator"):
        tsas.confirm("one", "seen", small.staff.admin)
    with pytest.raises(AccessDenied, match="second administrator"):
        tsas.confirm("one", "seen", AUTHORITY)
    with pytest.raises(Conflict):
        tsas.propose("one", f"{URL}/one", (root,), "again", AUTHORITY)
    with pytest.raises(NotFound):
        tsas.withdraw("other", "gone", AUTHORITY)
    for bad in ({"tsa": "One"}, {"url": "ftp://x/"}, {"every_seconds": 5}, {"certificates": ()}, {"policy": "x"}):
        given = {"tsa": "new", "url": URL, "certificates": (root,), "reason": "x", "authority": AUTHORITY}
        with pytest.raises(SchemaViolation):
            tsas.propose(**(given | bad))  # type: ignore[arg-type]
    tsas.withdraw("one", "never mind", AUTHORITY)
    assert tsas.all()[-1].state is AdmissionEvent.WITHDRAWN
    small.let_in("one")
    assert small.turn() == ["one", "one"], "the system log and the records"


def test_every_log_is_stamped_on_the_schedule_and_what_is_entered_verifies_again(site: Site) -> None:
    site.let_in("one")
    index = site.record()
    assert site.existed(index) is None
    site.passes(10)
    assert site.turn() == ["one", "one"]
    found = site.existed(index)
    assert found is not None
    assert (found.tsa, found.late, found.by_us) == ("one", False, site.clock.at_us)
    site.record()
    assert site.turn() == [], "not before an hour is over"
    site.passes(HOUR_S)
    assert site.turn() == ["one"]
    assert site.existed(index) == found, "the first one counts"
    assert (site.fault("records"), site.fault("system"), site.findings()) == ("", "", [])
    assert site.service.tsas.all()[0].last == utc_text(site.clock.at_us)


def test_a_time_stamp_alone_asks_for_no_other(small: Site) -> None:
    small.let_in("one", every_seconds=60)
    small.let_in("two", every_seconds=60)
    small.record()
    assert sorted(small.turn()) == ["one", "one", "two", "two"]
    for _ in range(5):
        small.passes(HOUR_S)
        small.service.publisher.bind_system()
        assert small.turn() == []
    small.record()
    assert sorted(small.turn()) == ["one", "two"], "of the records; the system log only heard of them"


def test_an_outage_of_one_leaves_the_other_is_told_of_and_becomes_a_finding(site: Site) -> None:
    site.let_in("one")
    site.let_in("two")
    site.stampers.down.add("one")
    index = site.record()
    assert sorted(site.turn()) == ["one", "two", "two"], "its first failure ends its turn"
    found = site.existed(index)
    assert found is not None
    assert found.tsa == "two"
    one, two = site.service.tsas.all()
    assert (one.failing_since, one.error) == (utc_text(site.clock.at_us), DOWN)
    assert (two.failing_since, two.error) == (None, "")
    assert site.turn() == [], "not again at once"
    site.passes(61)
    assert site.turn() == ["one"]
    site.passes(2 * HOUR_S)
    site.turn()
    site.turn()
    assert site.findings() == [FindingSort.TIME_STAMP_OUTAGE.value]
    site.stampers.down.clear()
    site.passes(61)
    site.turn()
    assert site.service.tsas.all()[0].failing_since is None
    assert site.fault() == ""
    site.stampers.down.add("one")
    site.record()
    site.passes(HOUR_S)
    site.turn()
    site.passes(2 * HOUR_S + 1)
    site.turn()
    assert site.findings() == [FindingSort.TIME_STAMP_OUTAGE.value] * 2, "another outage, another finding"


def test_what_an_authority_answers_is_verified_before_it_is_entered(small: Site, tmp_path: Path) -> None:
    small.let_in("one")
    small.record()
    good, first = small.stampers.stampers["one"], new_request(b"of before")

    def error() -> str:
        (answer,) = small.stamping.stamp()
        assert answer.index is None
        return answer.error

    small.stampers.change = lambda asked: first.data
    assert "over other bytes" in error()
    # In a query the nonce stands before the last three bytes, which ask for the certificate.
    small.stampers.change = lambda asked: asked[:-4] + bytes([asked[-4] ^ 1]) + asked[-3:]
    assert "nonce" in error()
    small.stampers.change = lambda asked: asked
    small.stampers.stampers["one"] = Stamper(tmp_path / "stranger")
    assert "does not chain" in error()
    small.stampers.stampers["one"] = Stamper(tmp_path / "no-use", good.authority, uses=())
    assert "time-stamping alone" in error()
    with small.ledger.store.reading() as connection:
        assert newest(connection, 10) == []
    assert not list(KeptTokens(small.ledger.folder).of("system"))
    small.stampers.stampers["one"] = good
    assert [one.error for one in small.stamping.stamp()] == ["", ""]


def test_entries_that_waited_too_long_are_found_and_dated_late(small: Site) -> None:
    index = small.record()
    small.passes(2 * HOUR_S + 60)
    later = small.record()
    small.let_in("one")
    small.turn()
    assert FindingSort.TIME_STAMP_LATE.value in small.findings()
    found, after = small.existed(index), small.existed(later)
    assert found is not None
    assert after is not None
    assert (found.late, after.late, found.by_us) == (True, False, small.clock.at_us)
    assert small.fault() == "", "a finding, and no failure"


@pytest.mark.parametrize(("ahead_s", "dates"), [(-600.0, False), (600.0, True), (-240.0, True)])
def test_an_authority_whose_clock_is_far_off_is_found(small: Site, ahead_s: float, dates: bool) -> None:
    small.let_in("one")
    small.stampers.ahead_s["one"] = ahead_s
    index = small.record()
    small.turn()
    assert (FindingSort.TIME_DIFFERS.value in small.findings()) is (abs(ahead_s) > 300)
    assert (small.existed(index) is not None) is dates, "what says that it was there before it was logged dates nothing"
    for _ in range(3):
        small.passes(HOUR_S)
        assert small.turn() == [], "its finding asks for no other either"


def test_a_token_and_its_checkpoint_are_kept_outside_before_the_entry(
    small: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.let_in("one")
    small.record()

    def refuse(*_: object) -> None:
        raise TimestampInvalid("the database is gone")

    with monkeypatch.context() as patched:
        patched.setattr(small.ledger.store, "append", refuse)
        assert [bool(one.error) for one in small.stamping.stamp()] == [True]
    kept = list(KeptTokens(small.ledger.folder).of("system"))
    assert [one.tsa for one in kept] == ["one"]
    verify_time_stamp(kept[0].token, kept[0].text.encode(), pins_of([small.stampers.stampers["one"].root]))
    small.passes(61)
    small.turn()
    assert len(list(KeptTokens(small.ledger.folder).of("records"))) == 1
    folder = small.ledger.folder / "kept/timestamps/records"
    assert folder.stat().st_mode & 0o077 == 0


def test_what_was_entered_under_an_authority_that_did_not_count_or_over_another_checkpoint_is_found(
    small: Site,
) -> None:
    small.let_in("one")
    small.record()
    small.turn()
    assert small.fault() == ""
    with small.ledger.store.reading() as connection:
        one = newest(connection, 1, origin=small.service.logs["records"].origin)[0]
        body, _ = read_body(small.ledger.store.kinds, connection, one.index, TimestampEntry)
    changes = (
        ({"tsa": "two"}, "did not count"),
        ({"size": body.size - 1}, "is missing"),
        ({"gen_time": utc_text(small.clock.at_us - 10 * MICROSECONDS)}, "not the one that the token names"),
        ({"accuracy_us": 5}, "not the one that the token names"),
    )
    for change, match in changes:
        wrong = msgspec.structs.replace(body, **change)
        store = small.ledger.store
        index = store.append(SYSTEM_LOG, Batch([draft(wrong)]))[0].index
        assert match in small.fault()
        assert f"entry {index} of log 0" in small.fault()
        break_at = index
        with small.ledger.administrator() as connection:
            connection.execute(text("DELETE FROM time_stamp WHERE pos = :pos"), {"pos": break_at})


def test_a_withdrawn_authority_is_not_asked_and_what_it_said_stays(small: Site) -> None:
    small.let_in("one")
    index = small.record()
    small.turn()
    small.service.tsas.withdraw("one", "its contract ended", small.staff.admin)
    small.record()
    small.passes(HOUR_S)
    assert small.turn() == []
    assert small.existed(index) is not None
    assert small.fault() == ""


def test_a_log_that_was_rewritten_is_no_continuation_of_what_was_stamped_and_kept(small: Site) -> None:
    """The database is altered, and the signer remembers nothing; the tokens in the folder tell."""
    small.let_in("one")
    log, rollback = small.service.logs["records"], small.service.rollback
    small.record()
    small.turn()
    with small.ledger.store.reading() as connection:
        assert rollback.judge(connection, log).fault == ""
    for path in (small.ledger.folder / "signed").glob("*.signed"):
        path.unlink()
    with small.ledger.administrator() as connection:
        size = connection.scalar(text("SELECT size FROM head WHERE log = 1")) or 0
        lie = text("UPDATE leaf SET data = (SELECT data FROM leaf WHERE pos = 1) WHERE pos = :pos")
        connection.execute(lie, {"pos": pos_of(RECORDS, size - 2)})
    with small.ledger.store.reading() as connection:
        assert "another" in rollback.judge(connection, log).fault


def test_what_says_whether_it_was_revoked_is_fetched_and_kept_beside_it(small: Site, tmp_path: Path) -> None:
    at = datetime.datetime.fromtimestamp(small.clock.at_us // MICROSECONDS, datetime.UTC)
    lists: list[bytes] = []

    def answer(_: Asked) -> Reply:
        return Reply(body=lists[-1]) if lists else Reply(status=404)

    with HttpPeer(answer) as peer:
        listed = Stamper(tmp_path / "listed", lists_at=f"{peer.url}list.crl")
        small.stampers.stampers["listed"] = listed
        small.let_in("listed")
        small.stamping = Stamping(small.ledger.store, KeptTokens(small.ledger.folder), small.stampers, fetch)

        def state() -> Revocation:
            with small.ledger.store.reading() as connection:
                found = newest(connection, 1, origin=small.service.logs["records"].origin)[0]
                body, _ = read_body(small.ledger.store.kinds, connection, found.index, TimestampEntry)
                text = checkpoint_text(connection, RECORDS, body).encode()
                tsas = read_tsas(small.ledger.store.kinds, connection)
                return tsas.verify(found.index, body, text).revocation[0].state

        small.record()
        small.turn()
        assert state() is Revocation.UNKNOWN, "no list was there"
        lists.append(listed.crl(since=None, made=at))
        small.record()
        small.passes(HOUR_S)
        small.turn()
        assert state() is Revocation.GOOD
        lists.append(listed.crl(since=at, reason=x509.ReasonFlags.cessation_of_operation, made=at))
        small.record()
        small.passes(HOUR_S)
        small.turn()
        assert "was revoked on" in small.service.tsas.all()[0].error
    assert small.fault() == ""
