"""Renewals of time-stamps: what carries those whose digest or key is trusted no more, and what does not."""

import datetime
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from sqlalchemy import text

from collectors.demo.tsa import TsaAuthority
from ledger.core.clock import MICROSECONDS, SystemClock
from ledger.core.errors import Conflict, NotFound, TimestampInvalid
from ledger.core.passkey import b64url
from ledger.core.timestamp_entries import TimestampEntry
from ledger.trust.renewing import Renewing
from ledger.trust.timestamp_reading import (
    checkpoint_text,
    newest,
    read_body,
    read_tsas,
)
from tests.support.ledgers import RECORDS, Ledger, MovableClock
from tests.support.stamping import Site
from tests.support.tsa import Stamper, Stampers


@pytest.fixture
def small(sqlite_ledger: Ledger, clock: MovableClock, stamper: Stamper, tmp_path: Path) -> Site:
    return Site(sqlite_ledger, clock, Stampers(clock, one=stamper, two=Stamper(tmp_path / "two")))


def test_an_aged_time_stamp_holds_by_a_renewal_from_before_and_by_nothing_else(small: Site, tmp_path: Path) -> None:
    """Rehearsed: the old authority's certificate has ended and its digest is distrusted; the renewal carries it."""
    clock = small.clock
    day = datetime.timedelta(days=1)
    now = datetime.datetime.fromtimestamp(clock.at_us // MICROSECONDS, datetime.UTC)
    small.stampers.stampers["old"] = Stamper(tmp_path / "old", since=now - 100 * day, until=now + 2 * day)
    small.let_in("old")
    small.record()
    small.turn()
    weak = {"sha256": clock.at_us + 5 * 86_400 * MICROSECONDS}
    assert "sha256 is trusted no more" in small.fault(weak=weak)
    small.passes(86_400)
    small.let_in("one")
    renewing = Renewing(small.ledger.store, small.stampers)
    assert [one.error for one in renewing.renew("one")] == [""]
    small.passes(30 * 86_400)
    assert "old" not in {one.tsa for one in small.stamping.stamp() if not one.error}, "its certificate has ended"
    assert "sha256 is trusted no more" in small.fault(weak=weak), "the renewal's own signature is by SHA-256, too"
    small.stampers.by = "sha512"
    small.stampers.stampers["strong"] = Stamper(
        tmp_path / "strong", TsaAuthority(SystemClock(), "strong", hashes.SHA512())
    )
    small.let_in("strong")
    late = Renewing(small.ledger.store, small.stampers).renew("strong")
    assert [one.error for one in late] == [""]
    assert "sha256 is trusted no more" in small.fault(weak=weak), "it came too late for that day"
    later = {"sha256": clock.at_us + 86_400 * MICROSECONDS}
    for log in ("records", "system"):
        assert small.fault(log, weak=later) == "", "all of it is carried by the renewal under SHA-512"
    assert small.fault() == ""


def test_a_renewal_covers_exactly_the_time_stamps_before_it(small: Site) -> None:
    small.let_in("one")
    with pytest.raises(Conflict):
        Renewing(small.ledger.store, small.stampers).renew()
    with pytest.raises(NotFound):
        Renewing(small.ledger.store, small.stampers).renew("none")
    small.record()
    small.turn()
    Renewing(small.ledger.store, small.stampers).renew()
    Renewing(small.ledger.store, small.stampers).renew()
    assert small.fault() == ""
    with small.ledger.administrator() as connection:
        pos = connection.scalar(text("SELECT min(pos) FROM time_stamp")) or 0
        connection.execute(text("DELETE FROM time_stamp WHERE pos = :pos"), {"pos": pos})
    assert "not those that it renewed" in small.fault()


def test_a_stolen_key_dates_nothing_but_what_was_renewed_before(small: Site) -> None:
    small.let_in("one")
    small.record()
    small.turn()
    one = small.stampers.stampers["one"]
    stolen = datetime.datetime.fromtimestamp(small.clock.at_us // MICROSECONDS, datetime.UTC) + datetime.timedelta(
        days=2
    )
    crl = one.crl(since=stolen, reason=x509.ReasonFlags.key_compromise, made=stolen)
    with small.ledger.store.reading() as connection:
        found = newest(connection, 1, origin=small.service.logs["records"].origin)[0]
        body, _ = read_body(small.ledger.store.kinds, connection, found.index, TimestampEntry)
        told = msgspec.structs.replace(body, revocation=(b64url(crl),))
        tsas = read_tsas(small.ledger.store.kinds, connection)
        text_of = checkpoint_text(connection, RECORDS, body).encode()
        with pytest.raises(TimestampInvalid, match="trusted no more"):
            tsas.verify(found.index, told, text_of)
        with pytest.raises(TimestampInvalid, match="trusted no more"):
            tsas.verify(found.index, told, text_of, {}, small.clock.at_us + 3 * 86_400 * MICROSECONDS)
        tsas.verify(found.index, told, text_of, {}, small.clock.at_us + 86_400 * MICROSECONDS)
