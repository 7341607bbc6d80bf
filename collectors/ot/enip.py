"""EtherNet/IP controllers (Logix): polls tags, mode and identity, and compares.

Reads only (`enip_session` sends no other CIP service), at most so many requests a second as the option says, with
several tags in one request; unconnected, in one session that is open for the length of a look. Objects:

- `tag`: the points, by name; type and bytes in the original;
- `controller`: vendor, product, revision, serial number; `mode`: key switch and faults, a record of action start or
  stop where it changes;
- `program`: the name of the project that is loaded; `edit-state`: attributes 1, 2, 3, 4 and 10 of class 0xAC, which
  change with every download and online edit of tags (Rockwell 1756-PM020); `audit-value`: attribute 0x1B of class 0x8E,
  which the controller changes on every event that its change detection watches (1756-PM015).

What a controller does not have it refuses, and is left out; for one that breaks the connection instead, leave it out of
the option `details`. The controller's clock (class 0x8B, UTC) is measured at each look.

Of itself it tells product and revision, and as what stands for an audit-trail setting the position of the key switch.
"""

import re
import struct
import threading
from collections.abc import Mapping, Sequence

from collectors.base import Check, CheckReport, Option, Stop, judge_clock
from collectors.clocks import clock_told
from collectors.compare.look import Found, Look, state_text
from collectors.compare.memory import Memory
from collectors.compare.record import Shown, read_state
from collectors.facts import AUDIT_TRAIL, VERSION, facts
from collectors.mapping.expression import Item
from collectors.options import read_list
from collectors.ot import enip_values
from collectors.ot.enip_session import GET_ALL, GET_LIST, GET_ONE, EnipSession, Refusal, tag_path
from collectors.ot.plc import CONTROLLER, TAG, Controller, Point, controller_options, judge_points
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import CollectorError, ConfigError
from ledger.core.run import SourceFacts
from ledger.core.source import SourceConfig
from ledger.core.times import Clock

_ADDRESS = "the name of the tag, as Program:Main.Step or Recipe[0]{5} (five elements); the same as TAG if left out"
_NAME = re.compile(r"(?P<name>[A-Za-z_:][A-Za-z0-9_:.\[\]]*)(?:\{(?P<count>\d{1,4})\})?")
_MODE, _PROGRAM, _EDITS, _AUDIT = "mode", "program", "edit-state", "audit-value"
_CLOCK = "clock"
_DETAILS = {
    _PROGRAM: (GET_ALL, 0x64, b"", None),
    _EDITS: (GET_LIST, 0xAC, struct.pack("<6H", 5, 1, 2, 3, 4, 10), None),
    _AUDIT: (GET_ONE, 0x8E, b"", 0x1B),
}
_ALL = ("identity", *_DETAILS, _CLOCK)
_METHOD = "controller clock read over CIP (UTC), half the round trip as uncertainty"


class Enip(Controller):
    """See the module."""

    type = "enip"
    title = "EtherNet/IP controller, Logix (polled)"
    format = "1"
    tells = (VERSION, AUDIT_TRAIL)
    addressed = False
    options = (
        *controller_options("44818", _ADDRESS),
        Option(
            name="route",
            meaning="from the network interface to the controller, as bp/0 (backplane, slot 0), or direct",
            default="bp/0",
        ),
        Option(
            name="details",
            meaning="what is read besides the points, comma-separated; none for no",
            default=", ".join(_ALL),
        ),
        Option(name="per_request", meaning="tags in one request at most", default="5"),
        Option(name="encoding", meaning="encoding of strings", default="utf-8"),
    )

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        super().__init__(config, secrets, clock)
        self._tags = [(point, *_read_name(point)) for point in self.points]
        self._together = int(self.number("per_request", 1, 20))
        self._encoding = self.encoding()
        route = self.option("route")
        if route != "direct" and not re.fullmatch(r"[A-Za-z0-9.]+/[A-Za-z0-9.]+(/[A-Za-z0-9.]+/[A-Za-z0-9.]+)*", route):
            raise ConfigError(
                f"source {config.id!r}: option 'route' is {route!r}", advice="Use pairs as bp/0, or direct."
            )
        self._route = "" if route == "direct" else route
        details = read_list(self.option("details"))
        self._details = () if details == ("none",) else details
        if unknown := [name for name in self._details if name not in _ALL]:
            raise ConfigError(
                f"source {config.id!r}: option 'details' names {unknown[0]!r}",
                advice=f"Use some of: {', '.join(_ALL)}; or none.",
            )

    def show(self, kind: str, identity: str, state: Item, facts: Mapping[str, str]) -> Shown:
        raw = bytes.fromhex(str(state["raw"]))
        if kind == TAG:
            return self.shown_value(identity, enip_values.value(raw, self._encoding), facts)
        if kind == CONTROLLER:
            return Shown(attributes=enip_values.identity(raw))
        if kind == _MODE:
            return enip_values.mode(raw)
        if kind == _PROGRAM:
            return Shown(attributes={"name": enip_values.program_name(raw)})
        return Shown(attributes={"value": raw.hex()})

    def comparable(self, kind: str, old: str, new: str) -> bool:
        return kind != TAG or read_state(old).get("count") == read_state(new).get("count")

    def check(self) -> CheckReport:
        checks: list[Check] = []
        clock = None
        try:
            with self._session(threading.Event()) as session:
                checks.append(Check(name="reach", ok=True, says=f"the controller at {self.place} answers"))
                look = self._look(session)
                clock = look.clock
                checks += [_judge_details(look), judge_points(look, len(self.points))]
        except CollectorError as error:
            checks.append(Check(name="reach", ok=False, says=error.message, advice=error.advice))
        else:
            checks.append(judge_clock(clock))
        return CheckReport(checks=tuple(checks), clock=clock)

    def look(self, stop: Stop, known: Memory) -> Look:
        with self._session(stop) as session:
            return self._look(session)

    def _look(self, session: EnipSession) -> Look:
        look = Look(utc_text(self.clock.now_us()))
        if _CLOCK in self._details:
            look.clock = self._measure(session)
        if "identity" in self._details:
            self._read_identity(session, look)
        look.facts = self._facts(look)
        for kind, (service, class_code, data, attribute) in _DETAILS.items():
            if kind in self._details:
                found = session.get(service, class_code, data, attribute)
                if isinstance(found, Refusal):
                    look.unlisted[kind] = found.words
                else:
                    look.add(_found(kind, self.place, found))
        for start in range(0, len(self._tags), self._together):
            _read_tags(session, self._tags[start : start + self._together], look)
        look.ended = utc_text(self.clock.now_us())
        return look

    def _read_identity(self, session: EnipSession, look: Look) -> None:
        found = session.get(GET_ALL, 0x01)
        try:
            if isinstance(found, Refusal):
                raise ValueError(found.words)
            lasting, status = enip_values.split_identity(found)
        except ValueError as error:
            look.unlisted |= {CONTROLLER: str(error), _MODE: str(error)}
            return
        look.add(_found(CONTROLLER, self.place, lasting))
        look.add(_found(_MODE, self.place, status))

    def _facts(self, look: Look) -> SourceFacts | None:
        """Product and revision; the key switch, which decides whether the program can be changed over the network."""
        try:
            said, mode = (self._shown(look, kind) for kind in (CONTROLLER, _MODE))
        except (KeyError, ValueError, struct.error):
            return None
        version = f"{said['product-name']} revision {said['revision']}" if said else None
        switch = str(mode.get("key-switch") or "").partition(" ")[0]  # in REMOTE, run and program are no setting
        return facts(version=version, audit_trail=f"key switch {switch}" if switch else None)

    def _shown(self, look: Look, kind: str) -> Mapping[str, object]:
        found = look.get((kind, self.place))
        return {} if found is None else self.show(kind, self.place, read_state(found.state), {}).attributes

    def _measure(self, session: EnipSession) -> Clock | None:
        asked_us = self.clock.now_us()
        told = session.get(GET_LIST, 0x8B, struct.pack("<2H", 1, 6))
        answered_us = self.clock.now_us()
        try:
            instant_us = None if isinstance(told, Refusal) else enip_values.clock_us(told)
        except struct.error:
            instant_us = None
        if instant_us is None:
            return None
        return clock_told(instant_us, asked_us, answered_us, _METHOD)

    def _session(self, stop: Stop) -> EnipSession:
        return EnipSession(
            self.host, self.port, self._route, timeout=self.timeout, pace=self.pace, stop=stop, away=self.away
        )


def _found(kind: str, identity: str, data: bytes) -> Found:
    return Found(type=kind, id=identity, state=state_text({"raw": data.hex()}))


def _read_tags(session: EnipSession, tags: Sequence[tuple[Point, str, int]], look: Look) -> None:
    """Some tags in one request; where it is refused as a whole, each for itself."""
    answers = session.read_tags([(name, count) for _, name, count in tags])
    if isinstance(answers, Refusal):
        for tag in tags:
            _read_tags(session, [tag], look)
        return
    for (point, _, count), answer in zip(tags, answers, strict=True):
        if isinstance(answer, Refusal):
            look.unread[TAG, point.tag] = f"refused: {answer.words}"
        else:
            look.add(point.found({"raw": answer.hex(), "count": count}))


def _read_name(point: Point) -> tuple[str, int]:
    parts = _NAME.fullmatch(point.address)
    count = int(parts["count"] or 1) if parts else 0
    try:
        if parts is None or count < 1:
            raise ValueError
        tag_path(parts["name"])
    except ValueError:
        raise ConfigError(
            f"option 'points': {point.tag}: {point.address!r} is no name of a tag",
            advice="Write it as the project has it, as Program:Main.Step or Recipe[0]{5}.",
        ) from None
    return parts["name"], count


def _judge_details(look: Look) -> Check:
    found = sorted({one.type for one in look if one.type != TAG})
    says = f"read: {', '.join(found) or 'nothing'}"
    if look.unlisted:
        says += f"; not given: {', '.join(f'{kind} ({why})' for kind, why in sorted(look.unlisted.items()))}"
    return Check(name="details", ok=True, says=says)
