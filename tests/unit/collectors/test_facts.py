"""What sources say of themselves: the same text for the same source, whatever the order, and never without end."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from collectors.facts import Members, facts, fingerprint, unsaid
from collectors.infra.linux_audit_event import told_by_event
from collectors.it.rest import Rest
from collectors.registry import COLLECTORS, collector_type
from collectors.runner import Patience, Runner
from ledger.core.clock import SystemClock
from ledger.core.run import SourceFacts
from ledger.core.source import SourceConfig
from tests.support.http_peer import Asked, HttpPeer, Reply, as_json
from tests.support.memory_sink import MemorySink

QUICK = Patience(attempts=1, first=0, longest=0)
MAPPING = """
name = "entry"
version = 1
title = "Entries"
[record]
id = "id"
action = { text = "update" }
occurred_at = "at"
object = { type = { text = "thing" }, id = "id" }
"""


def test_nothing_said_is_no_fact_and_what_is_said_fits_into_an_entry() -> None:
    assert facts() is None
    assert facts(version="", schema=None, audit_trail=" ") is None
    long = facts(version="a\x00b" + "c" * 1000)
    assert long is not None
    assert long.version == ("a\ufffdb" + "c" * 1000)[:512]


def test_a_fingerprint_knows_names_and_no_order() -> None:
    assert fingerprint(["a", "b", "a"]) == fingerprint(["b", "a"])
    assert fingerprint(["a", "b"]) != fingerprint(["a", "c"]) != fingerprint(["ab"])


def test_what_a_type_does_not_say_is_said_in_words() -> None:
    assert unsaid(("version", "schema", "audit_trail")) == ()
    assert unsaid(("version", "schema")) == ("its own audit-trail setting: a change of it is not noticed",)
    assert unsaid(()) == ("its own version, schema or audit-trail setting: a change of it is not noticed",)


@pytest.mark.parametrize("name", sorted(COLLECTORS))
def test_a_type_tells_nothing_that_no_entry_has_a_place_for(name: str) -> None:
    assert {*collector_type(name).tells} <= {*SourceFacts.__struct_fields__}


def test_members_grow_and_an_item_without_some_is_no_other_schema() -> None:
    members = Members()
    members.add({"id": 1, "who": {"name": "a"}})
    first = members.schema
    members.add({"id": 2})
    members.add("no object")
    assert members.schema == first
    members.add({"id": 3, "who": {"name": "a", "role": "b"}})
    assert members.schema not in (first, None)
    assert Members(members.names).schema == members.schema, "over runs"


@pytest.mark.parametrize("at_once", [1, 1000])
@pytest.mark.parametrize("length", [1, 500])
def test_members_that_are_data_are_given_up(at_once: int, length: int) -> None:
    members = Members()
    for start in range(0, 1000, at_once):
        members.add({f"{'t' * length}-{number}": 1 for number in range(start, start + at_once)})
        assert len(json.dumps(members.names)) < 4_000, "a cursor has room for them"
    assert members.schema is None
    again = Members(members.names)
    again.add({"id": 1})
    assert again.schema is None, "for good"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            b"type=DAEMON_START msg=audit(1.000:1): op=start ver=3.0.9 format=raw kernel=6.1.0-13 auid=0 res=success",
            SourceFacts(version="auditd 3.0.9, kernel 6.1.0-13"),
        ),
        (
            b"node=h1 type=CONFIG_CHANGE msg=audit(1.000:2): op=set audit_enabled=0 old=1 auid=0 ses=1 res=1",
            SourceFacts(audit_trail="audit_enabled 0"),
        ),
        (b"type=CONFIG_CHANGE msg=audit(1.000:2): op=set audit_backlog_limit=8192 old=64 auid=0 res=1", None),
        (b"type=ADD_USER msg=audit(1.000:3): pid=1 msg='op=adding acct=\"audit_enabled=0\"'", None),
    ],
)
def test_auditd_says_its_version_and_whether_it_is_on(line: bytes, told: SourceFacts | None) -> None:
    assert told_by_event(line) == told


class Product:
    """A list of entries, and a page about the product."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = [{"id": "1", "at": "2026-11-25T08:00:00Z"}]
        self.about: Reply = as_json({"product": {"release": "11.2"}, "audit": True})

    def __call__(self, asked: Asked) -> Reply:
        return self.about if asked.path == "/about" else as_json(self.entries)


@pytest.fixture
def product() -> Product:
    return Product()


@pytest.fixture
def peer(product: Product) -> Iterator[HttpPeer]:
    with HttpPeer(product) as made:
        yield made


def told(peer: HttpPeer, sink: MemorySink, **options: str) -> SourceFacts | None:
    """What the last run was told."""
    config = SourceConfig(
        id="s", type="rest", title="S", options={"url": peer.url, "path": "list", **options}, mapping=MAPPING
    )
    Runner(Rest(config, {}, SystemClock()), sink, SystemClock(), patience=QUICK).pull()
    return sink.runs[-1].facts


def test_a_product_says_its_version_on_a_page_of_its_own(product: Product, peer: HttpPeer) -> None:
    sink, page = MemorySink("s"), {"about": "about", "about_version": "product.release", "about_audit": "audit"}
    first = told(peer, sink, **page)
    assert first is not None
    assert (first.version, first.audit_trail) == ("11.2", "true")
    assert told(peer, sink, **page) == first
    assert [one.path for one in peer.asked].count("/about") == 2, "once a run"
    product.about = as_json({"product": {"release": "11.3"}, "audit": False})
    changed = told(peer, sink, **page)
    assert changed == SourceFacts(version="11.3", schema=first.schema, audit_trail="false")


@pytest.mark.parametrize("answer", [as_json({}, 404), as_json({}, 500), as_json({}, 403), Reply(body=b"<html>")])
def test_a_page_about_the_product_that_is_not_to_be_had_keeps_no_record_back(
    product: Product, peer: HttpPeer, answer: Reply
) -> None:
    product.about, sink = answer, MemorySink("s")
    found = told(peer, sink, about="about")
    assert (found is not None and found.version, len(sink.records)) == (None, 1)


def test_an_entry_with_a_new_member_is_another_schema_and_a_run_of_nothing_is_the_same(
    product: Product, peer: HttpPeer
) -> None:
    sink = MemorySink("s")
    first = told(peer, sink)
    assert first is not None
    assert told(peer, sink) == first
    product.entries.append({"id": "2", "at": "2026-11-25T08:00:01Z", "signedBy": "qa1"})
    second = told(peer, sink)
    assert second is not None
    assert second != first
    product.entries.append({"id": "3", "at": "2026-11-25T08:00:02Z"})
    assert told(peer, sink) == second
