"""Sparkplug B: a real edge node of another make, a real broker between; births, commands, wills, and what is lost."""

from collections.abc import Callable, Iterator
from time import time_ns

import pytest
from pysparkplug import Client, DataType, EdgeNode, Message, Metric

from collectors.ot.sparkplug import Sparkplug
from ledger.core.clock import SystemClock
from ledger.core.record import Action, Record
from ledger.core.source import SourceConfig
from tests.integration.collectors.following import Following, wait_for
from tests.support import edge_node
from tests.support.cable import Cable
from tests.support.memory_sink import MemorySink
from tests.support.mosquitto import Mosquitto


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    broker = Mosquitto(tmp_path_factory.mktemp("mqtt"))
    broker.start()
    yield broker
    broker.stop()


def collector(broker: Mosquitto, group: str, **options: str) -> Sparkplug:
    given = {"url": broker.url, "user": "collector", "topics": f"spBv1.0/{group}/#", **options}
    config = SourceConfig(id=group, type="sparkplug", title="Line", options=given)
    return Sparkplug(config, {"password": broker.passwords["collector"]}, SystemClock())


def mode(value: str) -> Metric:
    return Metric(timestamp=time_ns() // 1_000_000, name="Mode", datatype=DataType.STRING, value=value, alias=1)


def told(records: list[Record], action: Action) -> list[tuple[object, object]]:
    """Old and new values of the mode in records of this action."""
    return [
        (change.old, change.new)
        for record in records
        if record.action is action
        for change in record.changes
        if change.attribute == "Mode"
    ]


def connect(node: EdgeNode, port: int) -> None:
    node.connect("127.0.0.1", port=port, keepalive=5)


def new_node(broker: Mosquitto, group: str, answer: Callable[[EdgeNode, Message], None]) -> EdgeNode:
    client = Client(username="publisher", password=broker.passwords["publisher"])
    return EdgeNode(group, "line", [mode("AUTO")], client, cmd_callback=answer)


def test_a_real_edge_node_lives_is_commanded_and_dies_by_its_will(broker: Mosquitto) -> None:
    source = collector(broker, "alive")
    sink = MemorySink("alive")

    def obey(node: EdgeNode, message: Message) -> None:
        (wanted,) = message.payload.metrics  # type: ignore[attr-defined]
        node.update([mode(str(wanted.value))])

    node = new_node(broker, "alive", obey)
    with Cable(broker.port) as cable, Following(source, sink):
        wait_for(lambda: len(sink.runs) == 1)
        connect(node, cable.port)
        wait_for(lambda: bool(told(sink.records, Action.START)))
        edge_node.EdgeNode(broker, "alive", "line").command([mode("MANUAL")])
        wait_for(lambda: told(sink.records, Action.UPDATE) == [("AUTO", "MANUAL")])
        cable.pull()
        wait_for(lambda: sink.records[-1].action is Action.STOP)
        node._client._client.loop_stop()
    assert told(sink.records, Action.EXECUTE)[0][1] == "MANUAL"
    birth, *_, death = sink.records
    assert (birth.object.id, death.object.id) == ("alive/line", "alive/line")
    numbers = [[c.new for c in record.changes if c.attribute == "bdSeq"] for record in (birth, death)]
    assert numbers[0] == numbers[1], "the death is that of this life"
    assert sink.gaps == []
    assert not sink.rejected


def test_data_that_came_while_nobody_listened_is_missed_by_its_count_and_then_told_as_a_gap(broker: Mosquitto) -> None:
    source = collector(broker, "away", heartbeat_seconds="1")
    sink = MemorySink("away")
    node = edge_node.EdgeNode(broker, "away", "line")
    with Following(source, sink):
        wait_for(lambda: len(sink.runs) == 1)
        node.birth([mode("AUTO")])
        wait_for(lambda: bool(sink.records))
    for value in ("one", "two", "three"):
        node.data([mode(value)])
    broker.publish([("elsewhere", b"the broker has taken what was sent before")])
    with Following(source, sink):
        runs = len(sink.runs)
        wait_for(lambda: len(sink.runs) > runs)
        node.data([mode("four")])
        wait_for(lambda: len(sink.records) > 1)
    assert told(sink.records, Action.UPDATE) == [("AUTO", "four")]
    assert [change.gap for change in sink.records[-1].changes] == [True]
    assert {gap.subject for gap in sink.gaps} == {"messages of QoS 0", "edge node away/line"}
    assert any(gap.reason.startswith("3 messages are missing") for gap in sink.gaps)


def test_a_node_whose_births_are_not_known_is_asked_for_them_only_if_the_site_says_so(broker: Mosquitto) -> None:
    for allowed in ("no", "yes"):
        group = f"late-{allowed}"
        source, sink = collector(broker, group, rebirth=allowed), MemorySink(group)
        asked: list[str] = []

        def note(_: EdgeNode, message: Message, asked: list[str] = asked) -> None:
            (wanted,) = message.payload.metrics  # type: ignore[attr-defined]
            asked.append(str(wanted.name))

        node = new_node(broker, group, note)
        connect(node, broker.port)
        try:
            with Following(source, sink):
                wait_for(lambda sink=sink: len(sink.runs) == 1)  # type: ignore[misc]
                unnamed = edge_node.metric(None, "X", alias=1)
                edge_node.EdgeNode(broker, group, "line").data([unnamed])
                wait_for(lambda sink=sink: bool(sink.records))  # type: ignore[misc]
                if allowed == "yes":
                    wait_for(lambda asked=asked: bool(asked))  # type: ignore[misc]
        finally:
            node.disconnect()
        assert asked == (["Node Control/Rebirth"] if allowed == "yes" else [])
