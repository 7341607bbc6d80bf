"""BACnet/IP devices (building automation): polls points, objects, identity and configuration, and compares.

Reads only (`bacnet_session` sends no service but Read-Property, Read-Property-Multiple and Read-Range), at most so
many requests a second as the option says, by unicast to one device; the option `route` reaches one behind a router.
Objects:

- `tag`: the points, by name. Of each object: present value, status flags, out of service, who holds the command (the
  priority array, with what the standard reserves each priority for), limits and whatever else the option `properties`
  says, as far as the object has it; or the one property that the point's address names;
- `object`: each object that the device lists, with its name: what was made, renamed and deleted;
- `controller`: vendor, model, firmware and software version, name, place; `mode`: the device's status, a record of
  action start or stop where it changes;
- `entry-of-trend-log,1`: what a log of the option `logs` recorded, by its number, at the device's time (`bacnet_log`);
- `configuration`: the database revision, which a device raises when objects are made, deleted or renamed, or a
  configuration is restored, and the time of the last restore; `restart`: when and why it started last.

What a device or object does not have it refuses, and is left out. An answer that does not fit into one frame is asked
for in parts. The device's clock (local date and time, with its own offset to UTC) is measured at each look.

Of itself it tells vendor, model, firmware and software version, and as its schema the fingerprint of its objects and
their names; it knows of no audit-trail setting.
"""

import re
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from collectors.base import Check, CheckReport, Option, Stop, judge_clock
from collectors.clocks import clock_told
from collectors.compare.look import Found, Look, state_text
from collectors.compare.memory import Memory
from collectors.compare.record import Shown, read_state
from collectors.facts import SCHEMA, VERSION, facts, fingerprint
from collectors.mapping.expression import Item
from collectors.options import read_list
from collectors.ot import bacnet_log, bacnet_values
from collectors.ot.bacnet_log import is_entry, read_log
from collectors.ot.bacnet_session import BacnetSession
from collectors.ot.bacnet_wire import Reference, Refusal, Route, object_name, property_number
from collectors.ot.plc import CONTROLLER, TAG, Controller, Point, controller_options, judge_points
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import CollectorError, ConfigError, FatalSource
from ledger.core.record import Action
from ledger.core.run import SourceFacts
from ledger.core.source import SourceConfig
from ledger.core.times import Clock

_ADDRESS = "the object as TYPE:NUMBER (analog-value:3), or one property of it (analog-value:3.high-limit)"
_OBJECT, _MODE, _CONFIGURATION, _RESTART = "object", "mode", "configuration", "restart"
_PARTS: Mapping[str, tuple[str, ...]] = {
    CONTROLLER: (
        "object-identifier", "object-name", "vendor-identifier", "vendor-name", "model-name", "firmware-revision",
        "application-software-version", "protocol-version", "protocol-revision", "serial-number", "location",
        "description",
    ),
    _MODE: ("system-status",),
    _CONFIGURATION: ("database-revision", "last-restore-time"),
    _RESTART: ("last-restart-reason", "time-of-device-restart"),
}  # fmt: skip
_VERSION = ("vendor-name", "model-name", "firmware-revision", "application-software-version")
_CLOCK = "clock"
_TIMES = ("local-date", "local-time", "utc-offset", "daylight-savings-status")
_ALL = (*_PARTS, _OBJECT, _CLOCK)
_PROPERTIES = (
    "present-value, status-flags, out-of-service, event-state, reliability, priority-array, relinquish-default, "
    "high-limit, low-limit, deadband, units"
)
_LAST_DEVICE = 4_194_302
_MOST_OBJECTS = 20_000
_NO_NETWORK = 65_535
_RESOLUTION_US = 10_000
_METHOD = "device clock read over BACnet (hundredths of a second), half the round trip as uncertainty"
_ROUTE = re.compile(r"(?P<network>\d{1,5}):(?P<address>(?:[0-9a-f]{2}){1,7})")


class Bacnet(Controller):
    """See the module."""

    type = "bacnet"
    title = "BACnet/IP device (polled)"
    format = "1"
    options = (
        *(option for option in controller_options("", _ADDRESS) if option.name != "port"),
        Option(name="port", meaning="UDP port of the device, or of the router to it", default="47808"),
        Option(
            name="local_port", meaning="UDP port to ask from, for devices that answer one only; 0: any", default="0"
        ),
        Option(name="device", meaning="instance number of the device", required=True),
        Option(
            name="route",
            meaning="NETWORK:ADDRESS of a device behind a router, the address in hexadecimal (2001:05); direct without",
            default="direct",
        ),
        Option(name="properties", meaning="what is read of each object of a point", default=_PROPERTIES),
        Option(
            name="details",
            meaning="what is read besides the points, comma-separated; none for no",
            default=", ".join(_ALL),
        ),
        Option(name="logs", meaning="trend logs whose entries are read, comma-separated, as trend-log:1"),
        Option(name="log_entries", meaning="entries of a log at one look at most", default="500"),
        Option(name="per_request", meaning="properties in one request at most", default="20"),
        Option(name="repeats", meaning="how often a request is repeated that is not answered", default="2"),
    )

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        super().__init__(config, secrets, clock)
        properties = read_list(self.option("properties"))
        self._points = [(point, *_read_address(point, properties)) for point in self.points]
        self._device = f"device,{int(self.number('device', 0, _LAST_DEVICE))}"
        self._route = self._read_route()
        self._local_port = int(self.number("local_port", 0, 65535))
        self._together = int(self.number("per_request", 1, 100))
        self._logs = tuple(_read_log_name(text) for text in read_list(self.option("logs")))
        self._log_entries = int(self.number("log_entries", 1, 5000))
        self._repeats = int(self.number("repeats", 0, 10))
        details = read_list(self.option("details"))
        self._details = () if details == ("none",) else details
        if unknown := [name for name in self._details if name not in _ALL]:
            raise ConfigError(
                f"source {config.id!r}: option 'details' names {unknown[0]!r}",
                advice=f"Use some of: {', '.join(_ALL)}; or none.",
            )

        told = {VERSION: CONTROLLER, SCHEMA: _OBJECT}
        self.tells = tuple(fact for fact, part in told.items() if part in self._details)

    @property
    def place(self) -> str:
        return super().place if self._route is None else f"{super().place} by {self.option('route')}"

    def show(self, kind: str, identity: str, state: Item, facts: Mapping[str, str]) -> Shown:
        if is_entry(kind):
            return bacnet_log.show(kind, state, self.config.zone)
        properties = {str(name): str(raw) for name, raw in _members(state["read"]).items()}
        if kind == TAG:
            said = bacnet_values.point(str(state["as"]), properties, facts.get("unit"))
            base = self.shown_value(identity, said.attributes.get("value"), facts)
            return msgspec.structs.replace(said, count=base.count, links=base.links)
        if kind == _OBJECT:
            name = str(bacnet_values.element(bytes.fromhex(properties["object-name"])))
            return Shown(attributes={"object-name": name}, name=name)
        if kind == _MODE:
            return bacnet_values.mode(properties)
        if kind == _CONFIGURATION:
            return bacnet_values.configuration(properties)
        return Shown(attributes=bacnet_values.device(properties), into=Action.START if kind == _RESTART else None)

    def comparable(self, kind: str, old: str, new: str) -> bool:
        before, after = read_state(old), read_state(new)
        return kind != TAG or (before.get("as"), before.get("asked")) == (after.get("as"), after.get("asked"))

    def check(self) -> CheckReport:
        checks: list[Check] = []
        clock = None
        try:
            with self._session(threading.Event()) as session:
                look = self._look(session, Memory())
                clock = look.clock
                checks.append(Check(name="reach", ok=True, says=f"the device at {self.place} answers"))
                checks += [_judge_details(look), judge_points(look, len(self.points))]
        except CollectorError as error:
            checks.append(Check(name="reach", ok=False, says=error.message, advice=error.advice))
        else:
            checks.append(judge_clock(clock))
        return CheckReport(checks=tuple(checks), clock=clock)

    def look(self, stop: Stop, known: Memory) -> Look:
        with self._session(stop) as session:
            return self._look(session, known)

    def _look(self, session: BacnetSession, known: Memory) -> Look:
        look = Look(utc_text(self.clock.now_us()))
        self._make_sure(session)
        if _CLOCK in self._details:
            look.clock = self._measure(session)
        for kind, properties in _PARTS.items():
            if kind in self._details:
                self._read_part(session, kind, properties, look)
        if _OBJECT in self._details:
            self._read_objects(session, look)
        look.facts = self._facts(look)
        self._read_points(session, look)
        for name in self._logs:
            try:
                read_log(session, name, known, self._log_entries, look)
            except ValueError as error:
                raise self.away(error) from None
        look.ended = utc_text(self.clock.now_us())
        return look

    def _make_sure(self, session: BacnetSession) -> None:
        """Raises FatalSource where another device answers than is configured."""
        answered = session.read(self._device, "object-identifier")
        if isinstance(answered, Refusal):
            raise FatalSource(
                f"what answers at {self.place} is not {self._device}: {answered.words}",
                advice="Set the option `device` to the instance number of the device that is there.",
            )

    def _element(self, raw: bytes) -> Any:
        try:
            return bacnet_values.element(raw)
        except ValueError as error:
            raise self.away(error) from None

    def _read_part(self, session: BacnetSession, kind: str, properties: Sequence[str], look: Look) -> None:
        references = [Reference(object=self._device, property=prop) for prop in properties]
        found = session.read_many(references, self._together)
        read = {one.property: raw.hex() for one, raw in found.items() if isinstance(raw, bytes)}
        if read:
            look.add(Found(type=kind, id=self.place, state=state_text({"read": read})))
        else:
            look.unlisted[kind] = next(raw.words for raw in found.values() if isinstance(raw, Refusal))

    def _read_objects(self, session: BacnetSession, look: Look) -> None:
        look.listed.add(_OBJECT)
        before = session.read(self._device, "database-revision")
        names = self._list_objects(session)
        if isinstance(names, Refusal):
            look.unlisted[_OBJECT] = names.words
            return
        references = [Reference(object=name, property="object-name") for name in dict.fromkeys(names)]
        found = session.read_many(references, self._together)
        if session.read(self._device, "database-revision") != before:
            look.unlisted[_OBJECT] = "the device was configured while its objects were listed"
            return
        for one, raw in found.items():
            if isinstance(raw, Refusal):
                look.unread[_OBJECT, one.object] = raw.words
            else:
                look.add(Found(type=_OBJECT, id=one.object, state=state_text({"read": {one.property: raw.hex()}})))

    def _facts(self, look: Look) -> SourceFacts | None:
        """The version, and the schema where every object could be read."""
        version, found = None, look.get((CONTROLLER, self.place))
        if found is not None:
            said = self.show(CONTROLLER, self.place, read_state(found.state), {}).attributes
            version = " ".join(f"{name} {said[name]}" for name in _VERSION if name in said)
        objects = [f"{one.id} {one.state}" for one in look if one.type == _OBJECT]
        whole = objects and not any(kind == _OBJECT for kind, _ in look.unread)
        return facts(version=version, schema=fingerprint(objects) if whole else None)

    def _list_objects(self, session: BacnetSession) -> list[str] | Refusal:
        """The list in one answer, else element by element."""
        whole = session.read(self._device, "object-list")
        if isinstance(whole, bytes):
            listed = self._element(whole)
            return [str(one) for one in (listed if isinstance(listed, list) else [listed])]
        size = session.read(self._device, "object-list", 0)
        if isinstance(size, Refusal):
            return whole
        count = int(self._element(size))
        if not 0 < count <= _MOST_OBJECTS:
            return Refusal(sort="list", code=f"of {count} objects")
        references = [
            Reference(object=self._device, property="object-list", index=index) for index in range(1, count + 1)
        ]
        names: list[str] = []
        for raw in session.read_many(references, self._together).values():
            if isinstance(raw, Refusal):
                return raw
            names.append(str(self._element(raw)))
        return names

    def _read_points(self, session: BacnetSession, look: Look) -> None:
        references = {
            Reference(object=name, property=prop): None for _, name, properties in self._points for prop in properties
        }
        found = session.read_many(list(references), self._together)
        for point, name, properties in self._points:
            answers = {prop: found[Reference(object=name, property=prop)] for prop in properties}
            read = {prop: raw.hex() for prop, raw in answers.items() if isinstance(raw, bytes)}
            refused = [raw for raw in answers.values() if isinstance(raw, Refusal)]
            hard = next((raw for raw in refused if not raw.absent), None)
            if hard is not None or not read:
                look.unread[TAG, point.tag] = f"refused: {(hard or refused[0]).words}"
            else:
                look.add(point.found({"as": name, "asked": properties, "read": read}))

    def _measure(self, session: BacnetSession) -> Clock | None:
        asked_us = self.clock.now_us()
        references = [Reference(object=self._device, property=prop) for prop in _TIMES]
        found = session.read_many(references, len(_TIMES))
        answered_us = self.clock.now_us()
        try:
            instant_us = bacnet_values.clock_us(
                {one.property: raw for one, raw in found.items() if isinstance(raw, bytes)}
            )
        except ValueError:
            instant_us = None
        if instant_us is None:
            return None
        return clock_told(instant_us, asked_us, answered_us, _METHOD, _RESOLUTION_US)

    def _session(self, stop: Stop) -> BacnetSession:
        return BacnetSession(
            self.host,
            self.port,
            self._route,
            local_port=self._local_port,
            timeout=self.timeout,
            repeats=self._repeats,
            pace=self.pace,
            stop=stop,
            away=self.away,
        )

    def _read_route(self) -> Route | None:
        text = self.option("route")
        if text == "direct":
            return None
        parts = _ROUTE.fullmatch(text.lower())
        if parts is None or not 0 < int(parts["network"]) < _NO_NETWORK:
            raise ConfigError(
                f"source {self.config.id!r}: option 'route' is {text!r}",
                advice="Use NETWORK:ADDRESS as 2001:05, or direct.",
            )
        return Route(network=int(parts["network"]), address=bytes.fromhex(parts["address"]))


def _read_address(point: Point, properties: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The object of a point, and what is read of it."""
    name, _, prop = point.address.partition(".")
    asked = (prop,) if prop else properties
    try:
        for one in asked:
            property_number(one)
        return object_name(name), asked
    except (ValueError, TypeError) as error:
        raise ConfigError(
            f"option 'points': {point.tag}: {point.address!r} cannot be read: {error}",
            advice="Write TYPE:NUMBER or TYPE:NUMBER.PROPERTY in the standard's words, as analog-value:3.high-limit.",
        ) from None


def _read_log_name(text: str) -> str:
    try:
        return object_name(text)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"option 'logs': {error}", advice="Write TYPE:NUMBER, as trend-log:1.") from None


def _members(value: object) -> dict[object, object]:
    if not isinstance(value, dict):
        raise TypeError("no JSON object")
    return value


def _judge_details(look: Look) -> Check:
    found: dict[str, int] = {}
    for one in look:
        if one.type != TAG:
            found[one.type] = found.get(one.type, 0) + 1
    says = f"read: {', '.join(f'{count} {kind}' for kind, count in sorted(found.items())) or 'nothing'}"
    if look.unlisted:
        says += f"; not given: {', '.join(f'{kind} ({why})' for kind, why in sorted(look.unlisted.items()))}"
    return Check(name="details", ok=True, says=says)
