"""MQTT 5 and 3.1.1: every message of the subscribed topics, in a persistent session, acknowledged once it is durable.

How a session is kept stands in `collectors.ot.mqtt_session`, what makes runs of it in `collectors.ot.mqtt_feed`, the
original and what a mapping sees of a message in `collectors.ot.mqtt_original`.

- Exactly once, by two nets: a message that the broker sends again after a break is known by packet id and content
  (`collectors.ot.mqtt_memory`); and one that comes as a new message (a publisher that sent it twice, a broker that
  restarted from an old state) is known by its `source_record_id`, if the mapping takes that from what the publisher
  writes or from `digest`. `number` is for payloads that say neither id nor time: each delivery is then its own.
- Messages that are published with QoS 0 are taken, but nobody keeps them: what is lost is stated as a gap.
- The protocol tells no clock. `received` is our own time, for payloads that hold none. Nor does it tell a version: some
  brokers publish theirs (option `version_topic`), and some end a connection that asks for what it may not read.
"""

from collections.abc import Iterator, Mapping

import msgspec

from collectors.base import CheckReport, Option, Stop, read_cursor
from collectors.batch import BatchBuilder
from collectors.mapping.collector import MappedCollector
from collectors.mapping.expression import Item
from collectors.options import read_list
from collectors.ot.mqtt_check import check_broker
from collectors.ot.mqtt_feed import Feed, Message, Place
from collectors.ot.mqtt_options import OPTIONS, SECRETS, choose, read_access, read_wanted, told_by
from collectors.ot.mqtt_original import MEDIA_TYPE, message_item, read_envelope, write_envelope
from collectors.payload import FORMATS, known_form
from ledger.core.clock import WallClock
from ledger.core.record import Original
from ledger.core.run import RunBatch, SourceState
from ledger.core.source import SourceConfig


class Mqtt(MappedCollector):
    """See the module."""

    type = "mqtt"
    title = "MQTT broker (messages of topics)"
    format = "1"
    streaming = True
    options = (
        *OPTIONS,
        Option(name="topics", meaning="topic filters, comma-separated, as plant/+/audit/#", required=True),
        Option(name="payload", meaning=f"what a payload is: {', '.join(FORMATS)}", default="json"),
        Option(name="retained", meaning="messages retained before the subscription: take or skip", default="take"),
        Option(
            name="dropped",
            meaning="topic where the broker counts what it dropped, as $SYS/broker/publish/messages/dropped",
        ),
    )
    secrets = SECRETS

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        super().__init__(config, secrets, clock)
        self._access = read_access(self)
        self._dropped = self.option("dropped")
        self._wanted = read_wanted(self, read_list(f"{self.option('topics')},{self._dropped}"))
        self._form = known_form(self.option("payload"))
        self._retained = choose(self, "retained", ("take", "skip")) == "take"
        self.tells = told_by(self)
        self._heartbeat = self.number("heartbeat_seconds", 1, 86_400)

    def item(self, original: Original) -> Item:
        return message_item(read_envelope(original.data), self._form)

    def check(self) -> CheckReport:
        return check_broker(self._access, self._wanted)

    def collect(self, state: SourceState, stop: Stop) -> Iterator[RunBatch]:
        place = read_cursor(state.cursor, Place, self.config.id)
        feed = Feed(
            self._access,
            self._wanted,
            self,
            lambda: BatchBuilder(self.config.id, self.clock, self.derive, None),
            self.clock,
            heartbeat=self._heartbeat,
            version=self.option("version_topic"),
            retained=self._retained,
            dropped=self._dropped,
        )
        return feed.runs(place, state.cursor, stop)

    def take(self, message: Message, builder: BatchBuilder) -> None:
        builder.add(self.original(write_envelope(message), MEDIA_TYPE), message.received_at)

    def cursor(self, place: Place) -> str:
        return msgspec.json.encode(place).decode()

    def snapshot(self) -> bytes | None:
        return None

    def closing(self) -> None:
        """Nothing is kept that an end would change."""

    def outgoing(self) -> list[tuple[str, bytes]]:
        return []
