"""Refusals: counted, bounded, entered."""

import pytest

from ledger.people.kinds import SecurityEntry, SecuritySort
from ledger.people.security import FAILURES, MAX_COUNTS, MAX_PEERS, Security, network_of
from tests.api.world import World


def test_however_many_sorts_of_refusal_there_are_the_entry_stays_small(world: World) -> None:
    security = world.people.security
    for number in range(MAX_COUNTS * 4):
        peer = f"10.0.{number // 256}.{number % 256}"
        security.note(SecuritySort.WRONG_SOURCE, f"collector{number}", "s" * 5000, peer=peer)
    security.enter()
    (body,) = world.system_entries("security-event")
    assert len(body["counts"]) <= MAX_COUNTS + 1
    assert sum(one["count"] for one in body["counts"]) == MAX_COUNTS * 4
    with world.service.store.reader(0) as reader:
        stored = reader.entry(reader.head().size - 1)
    assert isinstance(world.service.store.kinds["security-event"].decode(stored.body or b""), SecurityEntry)


def test_a_failed_append_loses_no_count(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    security = world.people.security
    security.note(SecuritySort.NO_GRANT, "a")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(world.service.store, "append_one", fail)
        with pytest.raises(OSError, match="disk full"):
            security.enter()
    world.clock.pass_seconds(61)
    security.enter()
    assert world.system_entries("security-event")[0]["counts"] == [{"sort": "no-grant", "count": 1, "account": "a"}]


def test_the_list_of_failing_peers_is_bounded_and_forgets_the_oldest(world: World) -> None:
    security = Security(world.service.store)
    for _ in range(FAILURES):
        security.failed("192.0.2.1")
    assert security.blocked_us("192.0.2.1") > 0
    for number in range(MAX_PEERS):
        security.failed(f"10.{number // 65536}.{number // 256 % 256}.{number % 256}")
    assert security.blocked_us("192.0.2.1") == 0


def test_a_whole_ipv6_network_is_one_peer() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:1") == "2001:db8::/64"
    assert network_of("2001:db8:0:1::1") != network_of("2001:db8::1")
    assert network_of("192.0.2.1") == "192.0.2.1"
    assert network_of("::ffff:192.0.2.1") != network_of("::ffff:192.0.2.2")
    assert network_of("a unix socket" * 20) == ("a unix socket" * 20)[:64]
