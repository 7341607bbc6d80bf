"""Challenges by way of a broker: a message on a test topic, and a test edge node of Sparkplug."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from pysparkplug import NBirth, NData, NDeath

from collectors.mapping.templates import template
from collectors.ot.sparkplug import Sparkplug
from ledger.core.record import Action
from ledger.core.source import SourceConfig
from ledger.findings.kinds import FindingSort
from ledger.sources.challenge_kinds import ResultState, RunState
from tests.integration.collectors.following import Following, wait_for
from tests.support.challenged import CLOCK, Site, held
from tests.support.ledgers import AUTHORITY, RECORDS, Ledger
from tests.support.mosquitto import Mosquitto

RIGHTS = """
user collector
topic read #
topic read $SYS/#
user publisher
topic plant/#
topic spBv1.0/site/+/trailseal-test
topic write spBv1.0/site/+/trailseal-mute
"""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    folder = tmp_path_factory.mktemp("broker")
    (folder / "acl").write_text(RIGHTS, encoding="utf-8")
    made = Mosquitto(folder, [f"acl_file {folder / 'acl'}"])
    made.start()
    yield made
    made.stop()


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_a_message_on_a_test_topic_comes_back_with_what_it_said(
    ledger: Ledger, broker: Mosquitto, secret: Callable[[str], Path], version: str
) -> None:
    options = {"url": broker.url, "user": "collector", "topics": "plant/#"}
    site = Site(
        ledger,
        SourceConfig(
            id=f"uns-{version}",
            type="mqtt",
            title="UNS",
            options=options,
            mapping=template("unified-namespace-json").text,
        ),
        {"password": broker.passwords["collector"]},
    )
    site.collect(0.1)  # from now on the broker keeps messages for it
    payload = {"timestamp": "{now}", "user": "challenger", "tag": "TEST", "old": "{old}", "new": "{new:number}"}
    text = msgspec.json.encode(payload).decode()
    planter = {"url": broker.url, "user": "publisher", "topic": "plant/test", "payload": text, "protocol": version}
    site.challenge(
        planter, {"password": secret(broker.passwords["publisher"])}, "100..999",
        object_id="plant/test/TEST", account="challenger",
    )  # fmt: skip
    first = site.plant()
    site.collect(0.3)
    assert held(site.result()) == {"account", "object id", "outcome", "attribute", "new", "time"}
    again = site.plant()
    assert again.run.old == first.run.new
    site.collect(0.3)
    assert "old" in held(site.result())


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_a_test_node_of_sparkplug_is_born_changes_and_dies_and_who_did_not_listen_missed_it(
    ledger: Ledger,
    broker: Mosquitto,
    secret: Callable[[str], Path],
    version: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = {"url": broker.url, "user": "collector", "topics": "spBv1.0/site/#", "heartbeat_seconds": "1"}
    config = SourceConfig(id=f"line-{version}", type="sparkplug", title="Line", options=options)
    passwords = {"password": broker.passwords["collector"]}
    site = Site(ledger, config, passwords)
    planter = {"url": broker.url, "user": "publisher", "group": "site", "protocol": version}
    planter["datatype"] = "String" if version == "5" else "Int64"
    password = {"password": secret(broker.passwords["publisher"])}
    value = "challenge {nonce}" if version == "5" else "-999..-100"
    node = {"object_type": "edge-node", "object_id": "site/trailseal-test", "attribute": "Challenge"}
    site.challenge(planter, password, value, action=Action.UPDATE, **node)
    site.collect(0.1)  # from now on the broker knows it
    told = {"action", "object type", "object id", "outcome", "attribute", "new", "time"}
    said: list[tuple[str, bytes]] = []
    before = _size(ledger)
    with _listening(broker, said), Following(Sparkplug(config, passwords, CLOCK), site.log.sink(AUTHORITY)):
        wait_for(lambda: _size(ledger) > before)
        first = site.plant()
        wait_for(lambda: site.work.result(first) is not None)
        second = site.plant()
        wait_for(lambda: site.work.result(second) is not None)
    assert [held(result) for past in (second, first) if (result := site.work.result(past))] == [told | {"old"}, told]
    assert second.run.old == first.run.new
    births = [NBirth.decode(data) for topic, data in said if "/NBIRTH/" in topic]
    deaths = [NDeath.decode(data) for topic, data in said if "/NDEATH/" in topic]
    assert [topic.split("/")[2] for topic, _ in said] == ["NBIRTH", "NDATA", "NDEATH"] * 2, "whole lives"
    assert [one.metrics[0].value for one in births] == [one.bd_seq_metric.value for one in deaths]
    data = [NData.decode(data, birth=births[0]) for topic, data in said if "/NDATA/" in topic]
    assert [(one.seq, *(metric.value for metric in one.metrics)) for one in data] == [
        (1, first.run.new if version == "5" else int(first.run.new)),
        (1, second.run.new if version == "5" else int(second.run.new)),
    ]
    assert [one.metrics[1].value for one in births] == [None, first.run.new if version == "5" else int(first.run.new)]
    away = site.plant()  # data has QoS 0: the broker keeps it for nobody
    site.collect(0.3)
    missed = site.log.challenges.judge(away, CLOCK.now_us() + 61_000_000)
    assert missed is not None
    assert missed.state is ResultState.MISSED
    assert ledger.query(f"SELECT sort FROM finding WHERE source = '{config.id}' AND sort LIKE 'challenge%'") == [
        (FindingSort.CHALLENGE_MISSED.value,)
    ]
    monkeypatch.setattr("collectors.ot.sparkplug_challenge._PASSED_ON_S", 0.2)
    site.challenge({**planter, "node": "trailseal-mute"}, password, value, **node)
    unheard = site.work.plant(site.name, AUTHORITY)
    assert (unheard.run.state, "passed no message" in unheard.run.detail) == (RunState.UNCERTAIN, True)
    site.challenge({**planter, "node": "trailseal-other"}, password, value, **node)
    refused = site.work.plant(site.name, AUTHORITY)
    assert (refused.run.state, broker.url in refused.run.detail) == (RunState.UNCERTAIN, True), "mosquitto hangs up"


def _size(ledger: Ledger) -> int:
    with ledger.store.reader(RECORDS) as reader:
        return reader.head().size


@contextlib.contextmanager
def _listening(broker: Mosquitto, said: list[tuple[str, bytes]]) -> Iterator[None]:
    """Meanwhile what the test node says is noted, by a client of another make."""
    client = broker.client("collector")
    client.on_message = lambda _client, _data, message: said.append((message.topic, message.payload))
    client.subscribe("spBv1.0/+/+/trailseal-test", 1)
    yield
    client.disconnect()
    client.loop_stop()
