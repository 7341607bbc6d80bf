"""An edge node of Sparkplug B whose payloads another implementation writes (pysparkplug)."""

from collections.abc import Sequence
from time import time_ns

from pysparkplug import DataType, DBirth, DData, DDeath, Metric, NBirth, NCmd, NData, NDeath
from pysparkplug._payload import Payload

from tests.support.mosquitto import Mosquitto


def now_ms() -> int:
    return time_ns() // 1_000_000


def metric(
    name: str | None,
    value: object,
    datatype: DataType = DataType.STRING,
    *,
    alias: int | None = None,
    at: int | None = None,
    historical: bool = False,
) -> Metric:
    return Metric(
        timestamp=at or now_ms(),
        name=name,
        datatype=datatype,
        value=value,  # type: ignore[arg-type]
        alias=alias,
        is_historical=historical,
        is_null=value is None,
    )


class EdgeNode:
    """Publishes what an edge node says, counting its messages. QoS 0 is the specification's for data."""

    def __init__(self, broker: Mosquitto, group: str, node: str, qos: int = 0) -> None:
        self._broker = broker
        self._group, self._node = group, node
        self._qos = qos
        self._seq = 0
        self._bd_seq = 0

    def birth(self, metrics: Sequence[Metric] = ()) -> None:
        self._seq = 0
        told = (*metrics, metric("bdSeq", self._bd_seq, DataType.INT64))
        self._say("NBIRTH", NBirth(timestamp=now_ms(), seq=self._next(), metrics=told))

    def device_birth(self, device: str, metrics: Sequence[Metric]) -> None:
        self._say("DBIRTH", DBirth(timestamp=now_ms(), seq=self._next(), metrics=tuple(metrics)), device)

    def data(self, metrics: Sequence[Metric], device: str = "", *, types: bool = True) -> None:
        kind = DData if device else NData
        payload = kind(timestamp=now_ms(), seq=self._next(), metrics=tuple(metrics))
        self._say("DDATA" if device else "NDATA", payload, device, types=types)

    def command(self, metrics: Sequence[Metric]) -> None:
        """What a host application says to the node."""
        self._say("NCMD", NCmd(timestamp=now_ms(), metrics=tuple(metrics)))

    def device_death(self, device: str) -> None:
        self._say("DDEATH", DDeath(timestamp=now_ms(), seq=self._next()), device)

    def death(self) -> None:
        payload = NDeath(timestamp=now_ms(), bd_seq_metric=metric("bdSeq", self._bd_seq, DataType.INT64))
        self._say("NDEATH", payload)
        self._bd_seq = (self._bd_seq + 1) % 256

    def skip(self, number: int = 1) -> None:
        """So many messages are counted, but never sent."""
        for _ in range(number):
            self._next()

    def _next(self) -> int:
        seq, self._seq = self._seq, (self._seq + 1) % 256
        return seq

    def _say(self, kind: str, payload: Payload, device: str = "", *, types: bool = True) -> None:
        topic = "/".join(part for part in ("spBv1.0", self._group, kind, self._node, device) if part)
        self._broker.publish([(topic, payload.encode(include_dtypes=types))], self._qos)
