"""Templates of products that cannot run here, against peers that answer in their documented shape."""

from collections.abc import Iterator

import msgspec
import pytest

from collectors.base import Collector
from collectors.mapping.templates import template
from collectors.registry import collector_type
from collectors.runner import Patience, Runner
from ledger.core.clock import SystemClock
from ledger.core.errors import FatalSource, RetriableSource
from ledger.core.record import Action, ActorKind, Change, Link, LinkBasis, LinkKind, Record
from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from ledger.core.times import Precision
from tests.support.http_peer import HttpPeer, as_json
from tests.support.memory_sink import MemorySink
from tests.support.products.plant import ChangeDocuments, PiWebApi
from tests.support.products.plm import Windchill
from tests.support.products.quality import PASSWORD, Jira, ServiceNow, Vault

QUICK = Patience(attempts=2, first=0.01, longest=0.02)


@pytest.fixture
def peer() -> Iterator[HttpPeer]:
    with HttpPeer(lambda _: as_json({}, 500)) as made:
        yield made


def collector(
    peer: HttpPeer, name: str, password: str = PASSWORD, zone: str | None = None, **options: str
) -> Collector:
    found = template(name)
    assert not found.was_run
    (kind,) = found.mapping.drivers
    config = SourceConfig(
        id="s", type=kind, title="S", options={"url": peer.url, **options}, mapping=found.text, zone=zone
    )
    return collector_type(kind)(config, {"password": password}, SystemClock())


def pull(sink: MemorySink, made: Collector) -> list[Record]:
    """The records of this pull; the clock of the peer is measured in it."""
    before = len(sink.records)
    Runner(made, sink, SystemClock(), patience=QUICK).pull()
    assert sink.rejected == []
    assert sink.runs[-1].clock is not None
    return sink.records[before:]


@pytest.mark.tested(
    system=SystemClass.QUALITY_SYSTEM,
    source="Veeva Vault audit trail",
    type="rest",
    against="a peer of its documented shape, not the product",
    holds="who, when, document, field, old and new value, signatures",
)
def test_veeva_vault(peer: HttpPeer) -> None:
    peer.handler = vault = Vault()
    made = collector(peer, "veeva-vault-audit-trail", user="audit@vault.example.org", page_size="2")
    person = {"user_name": "qa1@vault.example.org", "full_name": "Quality 1", "doc_id": "8", "item": "PM-0008"}
    vault.add("document_audit_trail", action="GetDocumentVersion", event_description="Viewed Document", **person)
    for number in range(3):
        change = {"field_name": "title__v", "old_value": f"t{number}", "new_value": f"t{number + 1}"}
        vault.add("document_audit_trail", action="Edit", event_description="Title changed", **change, **person)
    signed = {"signature_meaning": "Approval", "event_description": "Signed"}
    vault.add("document_audit_trail", action="Something", **signed, **person)
    vault.add("object_audit_trail", action="Create", user_name="System", full_name="System", item="Product: A")
    sink = MemorySink("s")
    assert all(check.ok for check in made.check().checks)
    records = {record.source_record_id: record for record in pull(sink, made)}
    assert set(records) == {f"document_audit_trail/200{number}" for number in range(5)} | {"object_audit_trail/2000"}
    edit = records["document_audit_trail/2001"]
    assert (edit.action, edit.reason) == (Action.UPDATE, "Title changed")
    assert (edit.actor.account, edit.actor.name) == ("qa1@vault.example.org", "Quality 1")
    assert (edit.object.type, edit.object.id, edit.object.name) == ("document", "8", "PM-0008")
    assert edit.changes == (Change(attribute="title__v", old="t0", new="t1"),)
    assert edit.links == (Link(kind=LinkKind.DOCUMENT, id="8", basis=LinkBasis.READ),)
    assert edit.occurred_at.precision is Precision.SECOND
    assert records["document_audit_trail/2000"].action is Action.READ
    assert records["document_audit_trail/2000"].changes == ()
    assert records["document_audit_trail/2004"].action is Action.SIGN
    assert records["object_audit_trail/2000"].actor.kind is ActorKind.SERVICE
    vault.add("object_audit_trail", action="Delete", item="Product: A", user_name="x", full_name="X")
    assert [record.action for record in pull(sink, made)] == [Action.DELETE]
    assert (sink.duplicates, sink.gaps) == (0, [])


def test_veeva_vault_says_failures_with_status_200(peer: HttpPeer) -> None:
    peer.handler = vault = Vault()
    options = {"user": "audit@vault.example.org"}
    with pytest.raises(FatalSource, match=r"audit@vault\.example\.org"):
        pull(MemorySink("s"), collector(peer, "veeva-vault-audit-trail", "wrong", **options))
    vault.limit_reached = True
    with pytest.raises(RetriableSource, match="API_LIMIT_EXCEEDED"):
        pull(MemorySink("s"), collector(peer, "veeva-vault-audit-trail", **options))


@pytest.mark.tested(
    system=SystemClass.QUALITY_SYSTEM,
    source="Jira changelog",
    type="rest",
    against="a peer of its documented shape, not the product",
    holds="who, when, field, old and new value",
)
def test_jira(peer: HttpPeer) -> None:
    peer.handler = jira = Jira()
    made, sink = collector(peer, "jira-changelog", page_size="3"), MemorySink("s")
    issues = [jira.create("anna") for _ in range(7)]
    jira.change(issues[2], "ben", "status", "Open", "Approved")
    jira.change(issues[2], "ben", "assignee", None, "cleo")
    assert all(check.ok for check in made.check().checks)
    records = {record.source_record_id: record for record in pull(sink, made)}
    assert len(records) == 9
    assert [run.facts.version for run in sink.runs if run.facts is not None] == ["9.12.4"]
    created = records["issue/10003"]
    assert (created.action, created.actor.account, created.object.id) == (Action.CREATE, "anna", "CC-3")
    approved = records["history/10001"]
    assert approved.changes == (Change(attribute="status", old="Open", new="Approved"),)
    assert (approved.actor.account, approved.actor.name, approved.object.id) == ("ben", "Ben", "CC-3")
    assert approved.occurred_at.precision is Precision.MILLISECOND
    assert records["history/10002"].changes == (Change(attribute="assignee", old=None, new="cleo"),)
    jira.change(issues[0], "ben", "status", "Open", "Rejected")
    assert [record.source_record_id for record in pull(sink, made) if record.action is Action.UPDATE] == [
        "history/10003"
    ]
    assert (sink.changed, sink.gaps) == ([], [])
    issues[0]["changelog"]["total"] = 9
    jira.change(issues[1], "ben", "status", "Open", "Rejected")
    issues[1]["changelog"]["total"] = 9
    pull(sink, made)
    assert any("8 entries of an item fewer" in gap.reason for gap in sink.gaps)


def test_jira_takes_a_wrong_token_for_nobody_and_is_found_out(peer: HttpPeer) -> None:
    peer.handler = Jira()
    with pytest.raises(FatalSource, match="must be authenticated"):
        pull(MemorySink("s"), collector(peer, "jira-changelog", "wrong"))


@pytest.mark.tested(
    system=SystemClass.QUALITY_SYSTEM,
    source="ServiceNow sys_audit",
    type="rest",
    against="a peer of its documented shape, not the product",
    holds="who, when, table, field, old and new value, reason",
)
def test_servicenow(peer: HttpPeer) -> None:
    peer.handler = instance = ServiceNow()
    made, sink = collector(peer, "servicenow-sys-audit", user="collector", page_size="4"), MemorySink("s")
    for number in range(11):
        instance.add(
            number // 3, tablename="change_request", documentkey="c0ffee", fieldname="state", oldvalue=str(number),
            newvalue=str(number + 1), user="kim", reason="as planned" if number else "",
        )  # fmt: skip
    instance.add(60, tablename="cmdb_ci", documentkey="d1", fieldname="name", oldvalue="", newvalue="x", user="system")
    assert all(check.ok for check in made.check().checks)
    records = pull(sink, made)
    assert len(records) == len({record.source_record_id for record in records}) == 12
    assert records[1].changes == (Change(attribute="state", old="1", new="2"),)
    assert (records[1].object.type, records[1].object.id, records[1].reason) == (
        "change_request",
        "c0ffee",
        "as planned",
    )
    assert (records[0].actor.kind, records[-1].actor.kind) == (ActorKind.PERSON, ActorKind.SERVICE)
    assert records[0].occurred_at.instant_us == 1_795_593_600_000_000
    instance.add(59, tablename="cmdb_ci", documentkey="d1", fieldname="name", oldvalue="", newvalue="late", user="kim")
    assert [change.new for record in pull(sink, made) for change in record.changes] == ["late"]
    assert sink.duplicates == 0
    with pytest.raises(FatalSource, match="'collector'"):
        pull(MemorySink("s"), collector(peer, "servicenow-sys-audit", "wrong", user="collector"))


@pytest.mark.tested(
    system=SystemClass.HISTORIAN,
    source="AVEVA PI Web API",
    type="rest",
    against="a peer of its documented shape, not the product",
    holds="recorded values, substituted, questionable and annotated flags; not who",
)
def test_pi_web_api(peer: HttpPeer) -> None:
    peer.handler = server = PiWebApi("F1AbE-1", "F1AbE-2")
    options = {"user": "collector", "each": "F1AbE-1, F1AbE-2", "page_size": "3"}
    made, sink = collector(peer, "pi-web-api", **options), MemorySink("s")
    for number in range(20):
        server.add("F1AbE-1", number, 20.5 + number, "°C", Substituted=number % 2 == 0)
    server.add("F1AbE-2", 0.25, {"Name": "Open", "Value": 1, "IsSystem": False}, Annotated=True)
    server.add("F1AbE-2", 1, 0, Questionable=True, Good=False)
    assert all(check.ok for check in made.check().checks)
    records = pull(sink, made)
    assert [run.facts.version for run in sink.runs if run.facts is not None] == ["1.19.1.108"]
    assert len(records) == 12
    assert records[0].source_record_id == "F1AbE-1@2026-11-25T08:00:00.0000000Z"
    assert {change.attribute: change.new for change in records[0].changes} == {
        "value": "20.5", "good": True, "questionable": False, "substituted": True, "annotated": False,
    }  # fmt: skip
    assert records[0].changes[0].unit == "°C"
    assert {change.old for change in records[0].changes} == {msgspec.UNSET}, "the source does not say what was before"
    opened, doubtful = records[-2:]
    assert (opened.changes[0].new, doubtful.changes[0].new, opened.object.id) == ("Open", 0, "F1AbE-2")
    assert opened.occurred_at.instant_us == 1_795_593_600_250_000
    server.streams["F1AbE-1"][0]["Value"] = 99
    assert [record.source_record_id for record in pull(sink, made)] == [records[0].source_record_id]
    assert sink.changed == [records[0].source_record_id], "a value that was substituted anew comes again"


@pytest.mark.tested(
    system=SystemClass.ERP,
    source="SAP S/4HANA change documents",
    type="odata",
    against="a peer of its documented shape, not the product",
    holds="who, when, transaction, table, field, old and new value",
)
@pytest.mark.parametrize("paging", ["server", "client"])
def test_sap_change_documents(peer: HttpPeer, paging: str) -> None:
    peer.handler = service = ChangeDocuments(page=5)
    options = {"user": "COLLECTOR", "paging": paging, "since_zone": "Europe/Berlin"}
    made = collector(peer, "sap-s4-change-documents", zone="Europe/Berlin", **options)
    for number in range(13):
        service.add(number * 300, f"{number:010}", "NTGEW", str(number), str(number + 1), unit="KG")
    service.add(13 * 300, "0000000013", "KEY", "", "", kind="I")
    sink = MemorySink("s")
    report = made.check()
    assert [check.says for check in report.checks if check.name == "service"] == [
        "OData 4.0, with the entity set ChangeDocumentItem"
    ]
    assert all(check.ok for check in report.checks)
    records = pull(sink, made)
    assert len(records) == 14
    first = records[0]
    assert first.source_record_id == "MATERIAL/000000000000004711/0000000000/MARA/100000000000000004711/NTGEW/U"
    assert first.changes == (Change(attribute="MARA.NTGEW", old="0", new="1", unit="KG"),)
    assert (first.actor.account, first.object.type) == ("MMEIER", "MATERIAL")
    assert first.occurred_at.instant_us == 1_795_590_000_000_000, "eight in the morning in Berlin"
    assert records[-1].action is Action.CREATE
    service.add(13 * 300 + 1, "0000000014", "NTGEW", "13", "14", unit="KG")
    assert len(pull(sink, made)) == 1
    assert (sink.duplicates, sink.gaps) == (0, [])
    service.hidden = 2
    pull(sink, made)
    assert [gap.reason for gap in sink.gaps] == ["2 items fewer came than the source itself counts"]


@pytest.mark.tested(
    system=SystemClass.PLM,
    source="PTC Windchill part versions",
    type="odata",
    against="a peer of its documented shape, not the product",
    holds="who, when, part, version, state, components with quantity; no old values",
)
def test_windchill_part_versions(peer: HttpPeer) -> None:
    peer.handler = windchill = Windchill("Parts", page=3)
    made, sink = collector(peer, "windchill-part-versions", user="collector"), MemorySink("s")
    for number in range(7):
        windchill.part(f"P-{100 + number}", "A.1", number, SOLVENT=80.0, BASE=12.5)
    assert all(check.ok for check in made.check().checks)
    records = pull(sink, made)
    assert len(records) == 7, "in three pages"
    first = records[0]
    assert (first.action, first.actor.account, first.object.id) == (Action.CREATE, "engineer1", "P-100")
    assert {change.attribute: (change.old, change.new, change.unit) for change in first.changes} == {
        "version": (msgspec.UNSET, "A.1", None),
        "state": (msgspec.UNSET, "INWORK", None),
        "check-out state": (msgspec.UNSET, "Checked in", None),
        "SOLVENT line 10": (msgspec.UNSET, "80.0", "kg"),
        "BASE line 20": (msgspec.UNSET, "12.5", "kg"),
    }
    assert [link.id for link in first.links] == ["P-100", "SOLVENT", "BASE"]
    windchill.part("P-100", "A.2", 60, SOLVENT=75.0, BASE=12.5)
    windchill.set_state("P-101", 61, "RELEASED", "approver1")
    revised, released = pull(sink, made)
    assert {"version": "A.2", "SOLVENT line 10": "75.0"}.items() <= {
        change.attribute: change.new for change in revised.changes
    }.items()
    assert (released.action, released.actor.account, released.changes[1].new) == (
        Action.UPDATE, "approver1", "RELEASED",
    )  # fmt: skip
    assert pull(sink, made) == []
    assert (sink.changed, sink.gaps) == ([], [])


@pytest.mark.tested(
    system=SystemClass.PLM,
    source="PTC Windchill change notices",
    type="odata",
    against="a peer of its documented shape, not the product",
    holds="who, when, state, reason, versions affected and resulting; no old values",
)
def test_windchill_change_notices(peer: HttpPeer) -> None:
    peer.handler = windchill = Windchill("ChangeNotices")
    made, sink = collector(peer, "windchill-change-notices", user="collector"), MemorySink("s")
    windchill.notice("00017", 0, "OPEN", affected="A.1", resulting="B.1")
    (opened,) = pull(sink, made)
    assert (opened.action, opened.object.id, opened.reason) == (Action.CREATE, "00017", "weight out of limit")
    assert {change.attribute: change.new for change in opened.changes} == {
        "state": "OPEN", "affected P-100": "A.1", "resulting P-100": "B.1",
    }  # fmt: skip
    assert [(link.kind, link.id) for link in opened.links][:2] == [
        (LinkKind.CHANGE_REQUEST, "00017"),
        (LinkKind.MATERIAL, "P-100"),
    ]
    windchill.set_state("00017", 30, "RESOLVED", "quality1")
    (resolved,) = pull(sink, made)
    assert (resolved.action, resolved.actor.account, resolved.changes[0].new) == (
        Action.UPDATE, "quality1", "RESOLVED",
    )  # fmt: skip
    assert sink.changed == []
    with pytest.raises(FatalSource, match="'collector'"):
        pull(MemorySink("s"), collector(peer, "windchill-change-notices", "wrong", user="collector"))
