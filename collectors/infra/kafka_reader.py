"""One reader of Kafka topics: partitions from given offsets on, in no consumer group, and nothing committed.

The client library reads ahead at most `_AHEAD_KB`; a caller that does not fetch stops it, and so the brokers.
"""

from collections.abc import Mapping, Sequence
from time import monotonic
from types import TracebackType
from typing import Any, Final, Self

import msgspec
import re2
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as KafkaMessage
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType

from ledger.core.errors import CollectorError, ConfigError, FatalSource, RetriableSource

_TIMEOUT: Final = 5.0
_ADMIN_TIMEOUT: Final = 2.0
_SLICE: Final = 0.5
_AHEAD_KB: Final = 16_384
_REFUSED: Final = frozenset(
    {
        KafkaError._AUTHENTICATION,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.UNSUPPORTED_SASL_MECHANISM,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    }
)
_FOR_A_PERSON: Final = _REFUSED | {KafkaError._SSL}
_DOWN: Final = frozenset({KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT, KafkaError._RESOLVE})


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach a cluster, and as whom. `ca`, `certificate` and `key` are files; empty: the system's, none."""

    brokers: str
    client_id: str
    security: str = "plaintext"
    mechanism: str = "SCRAM-SHA-512"
    user: str = ""
    password: str = ""
    ca: str = ""
    certificate: str = ""
    key: str = ""


class Place(msgspec.Struct, frozen=True, order=True):
    """A partition of a topic."""

    topic: str
    partition: int


class Range(msgspec.Struct, frozen=True):
    """The offsets that a partition holds: `first` is there, or would be; `next` is not there yet."""

    first: int
    next: int


class Reader:
    """Open while entered. Every method raises RetriableSource or FatalSource that names the brokers."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._trouble: KafkaError | None = None
        self._consumer = Consumer(_settings(access, self._note))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    def cluster(self, wanted: Sequence[str]) -> tuple[str, list[Place]]:
        """The cluster's id, and the partitions of the wanted topics: names, or patterns that begin with `^`.

        Raises FatalSource for a name that there is not.
        """
        metadata = self._ask_metadata()
        known = {name for name, topic in metadata.topics.items() if topic.error is None}
        found: list[str] = []
        for word in wanted:
            if word.startswith("^"):
                pattern = compile_pattern(word)
                found += sorted(name for name in known if pattern.fullmatch(name) and not name.startswith("__"))
            elif word in known:
                found.append(word)
            else:
                raise FatalSource(
                    f"the Kafka cluster at {self._access.brokers} shows {self._who} no topic {word!r}",
                    advice="Check the name and the account's right to read it; a topic must be there before.",
                )
        topics = dict.fromkeys(found)
        places = [Place(name, number) for name in topics for number in sorted(metadata.topics[name].partitions)]
        return metadata.cluster_id or "", places

    def range(self, place: Place) -> Range:
        try:
            first, following = self._consumer.get_watermark_offsets(
                TopicPartition(place.topic, place.partition), timeout=_TIMEOUT
            )
        except KafkaException as error:
            raise self._explain(error.args[0]) from None
        return Range(first, following)

    def assign(self, offsets: Mapping[Place, int]) -> None:
        """Reads these partitions, each from that offset on."""
        self._consumer.assign([TopicPartition(at.topic, at.partition, offset) for at, offset in offsets.items()])

    def fetch(self, number: int, seconds: float) -> tuple[list[KafkaMessage], list[Place]]:
        """The next messages, in each partition's order, and partitions that no longer hold what was to come next."""
        found: list[KafkaMessage] = []
        overtaken: list[Place] = []
        for message in self._consumer.consume(number, seconds):
            error = message.error()
            if error is None:
                found.append(message)
            elif error.code() in {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}:
                overtaken.append(Place(str(message.topic()), int(message.partition() or 0)))
            elif error.code() != KafkaError._PARTITION_EOF:
                self._note(error)
        if self._trouble is not None and not found:
            raise self._explain(self._trouble)
        return found, overtaken

    def cleanup(self, topic: str) -> str | None:
        """The topic's cleanup.policy, where the cluster tells."""
        admin = AdminClient(_settings(self._access, lambda _: None, admin=True))
        resource = ConfigResource(ResourceType.TOPIC, topic)
        try:
            (answer,) = admin.describe_configs([resource], request_timeout=_ADMIN_TIMEOUT).values()
            entry = answer.result(_ADMIN_TIMEOUT).get("cleanup.policy")
        except (KafkaException, TimeoutError):
            return None
        return None if entry is None else str(entry.value)

    @property
    def _who(self) -> str:
        return f"user {self._access.user!r}" if self._access.user else "the collector"

    def _note(self, error: KafkaError) -> None:
        # After a refusal the library says that all brokers are down as well: what was refused is the reason.
        known = self._trouble
        told = known is not None and known.code() in _FOR_A_PERSON
        down = error.code() == KafkaError._ALL_BROKERS_DOWN and not told
        if error.code() in _FOR_A_PERSON or down or known is None:
            self._trouble = error

    def _ask_metadata(self) -> Any:
        """Asks in short steps, so that a refusal, which the library tells beside, is heard at once."""
        until = monotonic() + _TIMEOUT
        while True:
            try:
                metadata = self._consumer.list_topics(timeout=_SLICE)
            except KafkaException as error:
                self._consumer.poll(0)
                known = self._trouble
                if (known is not None and known.code() in _REFUSED | _DOWN) or monotonic() > until:
                    raise self._explain(known or error.args[0]) from None
            else:
                self._trouble = None
                return metadata

    def _explain(self, error: KafkaError) -> CollectorError:
        where = f"the Kafka cluster at {self._access.brokers}"
        words = f"{error.name()}: {error.str()}"
        if error.code() in _REFUSED:
            return FatalSource(
                f"{where} refuses {self._who}: {words}",
                advice="Check user, password, mechanism and the account's right to read the topics.",
            )
        if error.code() == KafkaError._SSL:
            return FatalSource(
                f"no TLS with {where}: {words}",
                advice="Check the brokers' certificates and names, and the options ca, certificate and key.",
            )
        return RetriableSource(f"{where} cannot be read: {words}")


def compile_pattern(word: str) -> Any:
    """A pattern of topics; raises ConfigError for what is none."""
    try:
        return re2.compile(word)
    except re2.error as error:
        raise ConfigError(f"{word!r} is no RE2 pattern of topics: {error}") from None


def _settings(access: Access, note: Any, admin: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {
        "bootstrap.servers": access.brokers,
        "client.id": access.client_id,
        "security.protocol": access.security,
        "error_cb": note,
        "log_level": 0,
        "socket.timeout.ms": int(_TIMEOUT * 1000),
        "socket.connection.setup.timeout.ms": int(_TIMEOUT * 1000),
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 1000,
    }
    if access.security.startswith("sasl"):
        found |= {
            "sasl.mechanism": access.mechanism,
            "sasl.username": access.user,
            "sasl.password": access.password,
        }
    files = {
        "ssl.ca.location": access.ca,
        "ssl.certificate.location": access.certificate,
        "ssl.key.location": access.key,
    }
    found |= {name: place for name, place in files.items() if place}
    if not admin:
        found |= {
            "group.id": access.client_id,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "error",
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "queued.max.messages.kbytes": _AHEAD_KB,
            "fetch.wait.max.ms": 100,
        }
    return found
