"""SAP CAP with change tracking, a real OData V4 server: pages, counts, filters, what is deleted."""

from collections.abc import Iterator

import pytest

from collectors.it.odata import OData
from collectors.mapping.templates import template
from collectors.runner import Patience, Runner
from ledger.core.clock import SystemClock
from ledger.core.errors import FatalSource
from ledger.core.record import Action, ActorKind, Change, Record
from ledger.core.source import SourceConfig
from tests.support.cap.server import CapServer, Engineer
from tests.support.memory_sink import MemorySink

pytestmark = pytest.mark.timeout(180)
QUICK = Patience(attempts=2, first=0.05, longest=0.1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CapServer]:
    made = CapServer(tmp_path_factory.mktemp("cap"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def engineer(server: CapServer) -> Iterator[Engineer]:
    made = Engineer(server)
    yield made
    made.close()


def collector(server: CapServer, path: str = "/audit/", **options: str) -> OData:
    given = {"url": server.url + path, "user": "collector", **options}
    text = template("sap-cap-changes").text
    config = SourceConfig(id="cap", type="odata", title="SAP", options=given, mapping=text)
    return OData(config, {"password": server.passwords["collector"]}, SystemClock())


def pull(sink: MemorySink, made: OData) -> list[Record]:
    before = len(sink.records)
    Runner(made, sink, SystemClock(), patience=QUICK).pull()
    assert sink.rejected == []
    return sink.records[before:]


def of(records: list[Record], material: str) -> list[tuple[Action, Change]]:
    return [(one.action, change) for one in records if one.object.id == material for change in one.changes]


def test_creation_change_and_deletion_are_read_with_old_and_new_values(server: CapServer, engineer: Engineer) -> None:
    material = engineer.add("Solvent", density=0.7865)
    engineer.change(material, density=0.79, name="Solvent, dried")
    engineer.delete(material)
    records = pull(MemorySink("cap"), collector(server))
    told = of(records, material)
    assert (Action.CREATE, Change(attribute="density", old="", new="0.7865")) in told
    assert (Action.UPDATE, Change(attribute="density", old="0.7865", new="0.79")) in told
    assert (Action.UPDATE, Change(attribute="name", old="Solvent", new="Solvent, dried")) in told
    assert (Action.DELETE, Change(attribute="name", old="Solvent, dried", new="")) in told
    (one,) = {record.actor for record in records if record.object.id == material}
    assert (one.account, one.kind) == ("engineer", ActorKind.PERSON)
    assert {record.object.type for record in records} == {"MaterialService.Materials"}


@pytest.mark.parametrize("paging", ["server", "client"])
def test_a_set_that_takes_several_pages_is_read_whole_and_agrees_with_the_server_s_count(
    server: CapServer, engineer: Engineer, paging: str
) -> None:
    material = engineer.add("Buffer")
    for number in range(45):
        engineer.change(material, shelfLife=number + 1)
    sink, made = MemorySink("cap"), collector(server, paging=paging, page_size="7")
    records = pull(sink, made)
    lives = [change.new for action, change in of(records, material) if action is Action.UPDATE]
    assert lives == [str(number + 1) for number in range(45)]
    assert (sink.gaps, sink.duplicates) == ([], 0)
    engineer.change(material, shelfLife=100)
    assert len(pull(sink, made)) == 1
    assert pull(sink, made) == []


def test_a_filter_of_the_site_is_kept_beside_that_of_time(server: CapServer, engineer: Engineer) -> None:
    material = engineer.add("Acid")
    engineer.change(material, name="Acid, diluted")
    sink, made = MemorySink("cap"), collector(server, filter="modification eq 'update' or modification eq 'delete'")
    assert {action for action, _ in of(pull(sink, made), material)} == {Action.UPDATE}
    engineer.add("Base")
    engineer.delete(material)
    assert {record.action for record in pull(sink, made)} == {Action.DELETE}


def test_what_the_server_does_not_take_is_said_in_its_own_words(server: CapServer) -> None:
    for options, words in (({"filter": "colour eq 1"}, "colour"), ({"entity_set": "Nothing"}, "Nothing")):
        with pytest.raises(FatalSource, match=words):
            pull(MemorySink("cap"), collector(server, **options))
        assert not collector(server, **options).check().ok


def test_another_service_and_none_are_told_apart(server: CapServer) -> None:
    report = collector(server, "/material/", entity_set="Colours").check()
    assert any(not check.ok and "it lists no entity set Colours" in check.says for check in report.checks)
    report = collector(server, "/nothing/").check()
    assert any(not check.ok and "no list" in check.says for check in report.checks)
