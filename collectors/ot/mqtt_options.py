"""The options that every source behind an MQTT broker has."""

from collections.abc import Sequence
from typing import Final

from collectors.base import Collector, Option, Secret
from collectors.facts import VERSION
from collectors.ot.mqtt_memory import LIMIT
from collectors.ot.mqtt_session import Access, Wanted
from ledger.core.errors import ConfigError

OPTIONS: Final = (
    Option(name="url", meaning="the broker, mqtt://HOST:PORT or mqtts://HOST:PORT", required=True),
    Option(name="user", meaning="user name; empty for none"),
    Option(name="protocol", meaning="MQTT version: 5 or 3.1.1", default="5"),
    Option(name="qos", meaning="highest quality of service to ask for: 0, 1 or 2", default="1"),
    Option(name="client_id", meaning="name of the session at the broker; empty: trailseal- and the source's id"),
    Option(name="ca", meaning="file of the authorities that the broker's certificate may come from (PEM)"),
    Option(name="certificate", meaning="file of the collector's own certificate (PEM)"),
    Option(name="key", meaning="file of its key (PEM)"),
    Option(name="session_hours", meaning="how long the broker keeps messages for an absent collector", default="168"),
    Option(name="window", meaning="messages under way at once (MQTT 5)", default="2000"),
    Option(
        name="version_topic",
        meaning="topic where the broker says its version, retained, as $SYS/broker/version (mosquitto)",
    ),
    Option(name="heartbeat_seconds", meaning="how often an idle run is handed over", default="60"),
)
SECRETS: Final = (Secret(name="password", meaning="the user's password", required=False),)

_MAX_TOPIC: Final = 65_535


def read_access(collector: Collector) -> Access:
    """How to reach the broker; raises ConfigError for options that do not fit."""
    access = Access(
        url=collector.option("url"),
        client_id=collector.option("client_id") or f"trailseal-{collector.config.id}",
        version="5" if choose(collector, "protocol", ("5", "3.1.1")) == "5" else "3.1.1",
        user=collector.option("user"),
        password=collector.secret("password"),
        ca=collector.option("ca"),
        certificate=collector.option("certificate"),
        key=collector.option("key"),
        session_seconds=int(3600 * collector.number("session_hours", 0.01, 1_000_000)),
        window=int(collector.number("window", 1, LIMIT)),
    )
    _ = access.place
    return access


def read_wanted(collector: Collector, topics: Sequence[str]) -> tuple[Wanted, ...]:
    """The subscriptions; raises ConfigError for what is no topic filter (MQTT 5, 4.7)."""
    qos = int(choose(collector, "qos", ("0", "1", "2")))
    for topic in topics:
        levels = topic.split("/")
        wild = any(("#" in level and level != "#") or ("+" in level and level != "+") for level in levels)
        if wild or "#" in levels[:-1] or "\x00" in topic or not 0 < len(topic.encode("utf-8", "replace")) <= _MAX_TOPIC:
            raise ConfigError(
                f"source {collector.config.id!r}: {topic!r} is no topic filter",
                advice="+ stands for one level, # for all levels at the end, each alone between slashes.",
            )
    return tuple(Wanted(topic, qos) for topic in topics)


def told_by(collector: Collector) -> tuple[str, ...]:
    """What the broker says of itself: its version, where a topic for it is named; the protocol has no more to tell."""
    topic = collector.option("version_topic")
    if not topic:
        return ()
    read_wanted(collector, [topic])
    return (VERSION,)


def choose(collector: Collector, name: str, words: Sequence[str]) -> str:
    """An option's value, one of the words; raises ConfigError for another."""
    value = collector.option(name)
    if value not in words:
        raise ConfigError(
            f"source {collector.config.id!r}: option {name!r} is {value!r}", advice=f"Use one of: {', '.join(words)}."
        )
    return value
