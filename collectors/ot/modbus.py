"""Modbus TCP controllers: polls points and the device identification, and compares.

Reads only (function codes 1 to 4 and 43/14: `modbus_session` sends no other), block by block, never faster than the
option `requests_per_second` says, over one connection that is open for the length of a look. A block that the
controller refuses is read again point by point, so that one wrong address does not hide the others.

Objects: a `tag` for each point, with the raw registers in the original; the `controller`, with what it says of itself
(vendor, product code, revision, …), where it does; that is also what a run says of its version. Changes of a point's
address or type begin it anew. The protocol has no clock, and knows of no schema or trail.
"""

import threading
from collections.abc import Mapping

from collectors.base import Check, CheckReport, Option, Stop, judge_clock
from collectors.compare.look import Found, Look, state_text
from collectors.compare.memory import Memory
from collectors.compare.record import Shown, read_state
from collectors.facts import VERSION, facts
from collectors.mapping.expression import Item
from collectors.ot.modbus_points import Block, plan, read_place, state, value
from collectors.ot.modbus_session import ModbusSession, Refusal
from collectors.ot.plc import CONTROLLER, TAG, Controller, controller_options, judge_points
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import CollectorError
from ledger.core.source import SourceConfig

_ADDRESS = "TABLE:NUMBER[:TYPE[:ORDER]], as holding:40:float32:little (tables holding, input, coil, discrete)"
_NAMES = {
    "0": "vendor",
    "1": "product-code",
    "2": "revision",
    "3": "vendor-url",
    "4": "product-name",
    "5": "model-name",
    "6": "application-name",
}


class Modbus(Controller):
    """See the module."""

    type = "modbus"
    title = "Modbus TCP controller (polled)"
    format = "1"
    tells = (VERSION,)
    options = (
        *controller_options("502", _ADDRESS),
        Option(name="unit", meaning="unit identifier of the device", default="1"),
        Option(name="max_gap", meaning="registers or bits between two points that are read along", default="0"),
        Option(name="encoding", meaning="encoding of strings", default="utf-8"),
    )

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        super().__init__(config, secrets, clock)
        self._places = [read_place(point) for point in self.points]
        self._unit = int(self.number("unit", 0, 255))
        self._blocks = list(plan(self._places, int(self.number("max_gap", 0, 100))))
        self._encoding = self.encoding()

    def show(self, kind: str, identity: str, state: Item, facts: Mapping[str, str]) -> Shown:
        if kind == CONTROLLER:
            objects = ((number, bytes.fromhex(str(text))) for number, text in state.items())
            return Shown(
                attributes={
                    _NAMES.get(number, f"object-{number}"): data.decode("utf-8", "replace") for number, data in objects
                }
            )
        return self.shown_value(identity, value(str(state["raw"]), str(state["as"]), self._encoding), facts)

    def comparable(self, kind: str, old: str, new: str) -> bool:
        return kind != TAG or read_state(old).get("as") == read_state(new).get("as")

    def check(self) -> CheckReport:
        checks: list[Check] = []
        try:
            with self._session(threading.Event()) as session:
                checks.append(Check(name="reach", ok=True, says=f"the controller at {self.place} answers"))
                identity = session.identity()
                checks.append(_judge_identity(identity))
                look = Look(utc_text(self.clock.now_us()))
                for block in self._blocks:
                    self._read(session, block, look)
                checks.append(judge_points(look, len(self.points)))
        except CollectorError as error:
            checks.append(Check(name="reach", ok=False, says=error.message, advice=error.advice))
        else:
            checks.append(judge_clock(None))
        return CheckReport(checks=tuple(checks))

    def look(self, stop: Stop, known: Memory) -> Look:
        look = Look(utc_text(self.clock.now_us()))
        with self._session(stop) as session:
            identity = session.identity()
            if isinstance(identity, dict):
                objects = {str(number): data.hex() for number, data in identity.items()}
                look.add(Found(type=CONTROLLER, id=self.place, state=state_text(objects)))
                look.facts = facts(version=_words(identity))
            else:
                look.unlisted[CONTROLLER] = f"refused: {identity.words}"
            for block in self._blocks:
                self._read(session, block, look)
        look.ended = utc_text(self.clock.now_us())
        return look

    def _read(self, session: ModbusSession, block: Block, look: Look) -> None:
        """One block into the look; where it is refused as a whole, each of its points for itself."""
        data = session.read(block.table, block.start, block.count)
        if isinstance(data, bytes):
            for place in block.places:
                look.add(place.point.found(state(place, block, data)))
        elif len(block.places) > 1:
            for place in block.places:
                (alone,) = plan([place], 0)
                self._read(session, alone, look)
        else:
            look.unread[TAG, block.places[0].point.tag] = f"refused: {data.words}"

    def _session(self, stop: Stop) -> ModbusSession:
        return ModbusSession(
            self.host, self.port, self._unit, timeout=self.timeout, pace=self.pace, stop=stop, away=self.away
        )


def _judge_identity(identity: dict[int, bytes] | Refusal) -> Check:
    if isinstance(identity, Refusal):
        return Check(name="identity", ok=True, says=f"it does not say what it is: {identity.words}")
    return Check(name="identity", ok=True, says=f"it says that it is {_words(identity) or 'nothing'}")


def _words(identity: Mapping[int, bytes]) -> str:
    return " / ".join(data.decode("utf-8", "replace") for _, data in sorted(identity.items()))
