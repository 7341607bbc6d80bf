"""Plants a challenge in Sparkplug B: a test edge node of the planter's own is born, changes one metric, and dies.

- It is never a real node: its name begins with `trailseal-`, and it gives no command. The account needs the right to
  publish as that node alone (`spBv1.0/GROUP/+/NODE`), and to read its data (`spBv1.0/GROUP/NDATA/NODE`).
- It behaves as the specification wants of a node (3.0, sections 4 and 5): a death as its will, numbers from 0 on, data
  of QoS 0 unless the site's nodes use another. So whoever was not listening misses it, as with the real nodes.
- The broker does not say whether it took a message of QoS 0: the change counts as planted once the broker has passed
  the message on, to the planter itself.
"""

from collections.abc import Mapping
from time import monotonic
from typing import Any, Final

import mqtt5

from collectors.base import Option
from collectors.challenge import Planter
from collectors.ot.mqtt_challenge import PLACE, SECRETS, TRUST, access_of
from collectors.ot.mqtt_session import Session, Wanted
from collectors.ot.sparkplug_payload import Payload
from ledger.core.clock import WallClock
from ledger.core.errors import ConfigError, FatalSource, RetriableSource

_OWN: Final = "trailseal-"
_TURN: Final = 256
_INT64: Final = 4
_TYPES: Final = {"Int64": _INT64, "Double": 10, "String": 12}
"""Data types and their numbers (specification 3.0, section 6.4.16)."""
_PASSED_ON_S: Final = 10.0
Metric = tuple[str, int, str | None]
"""Name, data type and value."""


class SparkplugPlanter(Planter):
    """See the module. What its node held is not asked for: a birth tells what the planting before left there."""

    type = "sparkplug"
    title = "lets a test edge node of its own change one metric (Sparkplug B)"
    options = (
        *PLACE,
        Option(name="group", meaning="the Sparkplug group in which the test node appears", required=True),
        Option(name="node", meaning=f"the test node; its name begins with {_OWN}", default=f"{_OWN}test"),
        Option(name="metric", meaning="the metric that changes", default="Challenge"),
        Option(name="datatype", meaning="String, Int64 or Double; the last two for values LOW..HIGH", default="String"),
        Option(name="qos", meaning="quality of service of the data: 0 as the specification has it, or 1", default="0"),
        *TRUST,
    )
    secrets = SECRETS

    def __init__(
        self, challenge: str, options: Mapping[str, str], secrets: Mapping[str, str], clock: WallClock
    ) -> None:
        super().__init__(challenge, options, secrets, clock)
        group, node = self.option("group"), self.option("node")
        if any(sign in name for name in (group, node) for sign in "/+#\x00") or not node.startswith(_OWN):
            raise ConfigError(
                f"challenge {challenge!r}: {group}/{node} is no test node",
                advice=f"Name one group, and a node of the challenge's own that begins with {_OWN}.",
            )
        self._datatype = _TYPES[self.word("datatype", tuple(_TYPES))]
        self._qos = int(self.word("qos", ("0", "1")))
        self._topics = {kind: f"spBv1.0/{group}/{kind}/{node}" for kind in ("NBIRTH", "NDATA", "NDEATH")}
        self._access = access_of(self)

    def read(self) -> str | None:
        """None: a broker keeps no births; what is tried is that it lets this user in, with that will, and read the
        test node's data. The node is not born for that.
        """
        with self._session(self._death(self._life())) as session:
            session.subscribe([Wanted(self._topics["NDATA"], self._qos)])
        return None

    def plant(self, old: str | None, new: str) -> None:
        metric, life = self.option("metric"), self._life()
        birth = self._payload(0, life, (metric, self._datatype, old))
        data = self._payload(1, (metric, self._datatype, new))
        death = self._death(life)
        with self._session(death) as session:
            session.subscribe([Wanted(self._topics["NDATA"], self._qos)])
            self._say(session, "NBIRTH", birth)
            self._say(session, "NDATA", data)
            came = self._is_passed_on(session, data)
            session.deliver(self._topics["NDEATH"], death)
        if not came:
            raise RetriableSource(
                f"the MQTT broker at {self._access.url} passed no message on {self._topics['NDATA']!r} on",
                advice="Let the account publish there, and read it.",
            )

    def _session(self, death: bytes) -> Session:
        return Session(self._access, clean=True, will=(self._topics["NDEATH"], death))

    def _life(self) -> Metric:
        """Which life of the node it is: birth and death of one name the same number."""
        return "bdSeq", _INT64, str(self._now_ms() // 1000 % _TURN)

    def _death(self, life: Metric) -> bytes:
        return self._payload(None, life)

    def _say(self, session: Session, kind: str, payload: bytes) -> None:
        if self._qos:
            session.deliver(self._topics[kind], payload)
        else:
            session.publish(self._topics[kind], payload)

    def _is_passed_on(self, session: Session, data: bytes) -> bool:
        """Whether the broker delivers the message, once it does or it is time to give up."""
        until = monotonic() + _PASSED_ON_S
        while (left := until - monotonic()) > 0:
            for message in session.receive(left):
                if isinstance(message, mqtt5.PublishPacket) and message.payload == data:
                    if message.packet_id:
                        session.acknowledge([(message.packet_id, int(message.qos))])
                    return True
        return False

    def _payload(self, seq: int | None, *metrics: Metric) -> bytes:
        """A payload that tells metrics, each by name, data type and value; None: it has none."""
        at = self._now_ms()
        payload = Payload(timestamp=at)
        if seq is not None:
            payload.seq = seq
        for name, datatype, value in metrics:
            self._set(payload.metrics.add(name=name, timestamp=at, datatype=datatype), datatype, value)
        encoded: bytes = payload.SerializeToString()
        return encoded

    def _set(self, metric: Any, datatype: int, value: str | None) -> None:
        try:
            if value is None:
                metric.is_null = True
            elif datatype == _TYPES["String"]:
                metric.string_value = value
            elif datatype == _INT64:
                metric.long_value = int(value) % 2**64
            else:
                metric.double_value = float(value)
        except ValueError:
            raise FatalSource(
                f"{value!r} is no {self.option('datatype')}", advice="Correct the challenge's value or its datatype."
            ) from None

    def _now_ms(self) -> int:
        return self.clock.now_us() // 1000
