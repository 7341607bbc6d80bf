"""S7 controllers (S7-300, 400, 1200, 1500 by the classic protocol): polls and compares.

Reads only (`s7_session` sends no other request), at most so many requests a second as the option says, over one
connection that is open for the length of a look. Objects:

- `tag`: the points; raw bytes in the original;
- `controller`, `order-code`, `protection`: names and serial number; order code and firmware; protection level, position
  of the mode switch and, where the CPU has them, checksums of hardware configuration and program;
- `mode`: RUN, STOP, …, with the CPU's own time of the transition; becomes a record of action start or stop;
- `block-ob`, `block-fc`, …: every block that is loaded, with checksum, code time, author and sizes: a download shows as
  blocks that changed, came or went;
- `diagnostic-entry`: entries of the diagnostic buffer, with the CPU's own time.

What a CPU refuses (a 1500 with optimised blocks lists none) is left out, and `check` says so. The CPU's clock is
measured at each look; it tells no zone, so it is read in the source's.

Of itself it tells order code and firmware, and as what stands for an audit-trail setting its protection levels: who may
change it, as it keeps no trail.
"""

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime

from collectors.base import Check, CheckReport, Option, Stop, judge_clock
from collectors.clocks import clock_told
from collectors.compare.look import Found, Look, state_text
from collectors.compare.memory import Memory
from collectors.compare.record import Shown, read_state
from collectors.facts import AUDIT_TRAIL, VERSION, facts
from collectors.mapping.expression import Item
from collectors.options import read_list
from collectors.ot import s7_lists
from collectors.ot.plc import CONTROLLER, TAG, Controller, controller_options, judge_points
from collectors.ot.s7_points import plan, read_place, state, value
from collectors.ot.s7_session import BLOCK_CODES, Refusal, S7Session
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import CollectorError, ConfigError
from ledger.core.run import SourceFacts
from ledger.core.source import SourceConfig
from ledger.core.times import Clock, parse_source_time

_ADDRESS = "DB10.DBD4:REAL, DB10.DBX0.3:BOOL, DB10:20:STRING[40], MW20:WORD, I0.0:BOOL or the like"
_MODE, _ENTRY = "mode", "diagnostic-entry"
_LISTS = {
    CONTROLLER: (s7_lists.IDENTIFICATION, 0),
    "order-code": (s7_lists.ORDER_CODE, 0),
    "protection": (s7_lists.PROTECTION, s7_lists.PROTECTION_INDEX),
    _MODE: (s7_lists.MODE, 0),
}
_METHOD = "CPU clock read over S7, 1 ms resolution, half the round trip as uncertainty"
_RESOLUTION_US = 1_000
_GUARD = ("protection-level", "protection-by-parameter")


class S7(Controller):
    """See the module."""

    type = "s7"
    title = "S7 controller (polled)"
    format = "1"
    tells = (VERSION, AUDIT_TRAIL)
    options = (
        *controller_options("102", _ADDRESS),
        Option(name="rack", meaning="rack of the CPU", default="0"),
        Option(
            name="slot",
            meaning="slot of the CPU: 2 for S7-300, 1 for S7-1200 and 1500, as configured for 400",
            default="1",
        ),
        Option(
            name="blocks",
            meaning="kinds of blocks that are watched, comma-separated; none for no",
            default="OB, FC, FB, DB, SDB",
        ),
        Option(name="diagnostics", meaning="whether the diagnostic buffer is read: yes or no", default="yes"),
        Option(name="max_gap", meaning="bytes between two points that are read along", default="16"),
        Option(name="encoding", meaning="encoding of STRING", default="latin-1"),
    )

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        super().__init__(config, secrets, clock)
        self._places = [read_place(point) for point in self.points]
        self._rack, self._slot = int(self.number("rack", 0, 7)), int(self.number("slot", 0, 31))
        self._gap = int(self.number("max_gap", 0, 200))
        self._encoding = self.encoding()
        self._diagnostics = self.yes("diagnostics")
        kinds = read_list(self.option("blocks"))
        self._kinds = () if kinds == ("none",) else kinds
        if unknown := [kind for kind in self._kinds if kind not in BLOCK_CODES]:
            raise ConfigError(
                f"source {config.id!r}: option 'blocks' names {unknown[0]!r}",
                advice=f"Use some of: {', '.join(BLOCK_CODES)}; or none.",
            )

    def show(self, kind: str, identity: str, state: Item, facts: Mapping[str, str]) -> Shown:
        raw = str(state["raw"])
        if kind == TAG:
            return self.shown_value(identity, value(raw, str(state["as"]), self._encoding), facts)
        if kind == _MODE:
            return s7_lists.mode(bytes.fromhex(raw), self.config.zone)
        if kind == _ENTRY:
            return s7_lists.entry(bytes.fromhex(raw), self.config.zone)
        return s7_lists.shown_parts(kind, bytes.fromhex(raw))

    def comparable(self, kind: str, old: str, new: str) -> bool:
        return kind != TAG or read_state(old).get("as") == read_state(new).get("as")

    def check(self) -> CheckReport:
        checks: list[Check] = []
        clock = None
        try:
            with self._session(threading.Event()) as session:
                checks.append(Check(name="reach", ok=True, says=f"the controller at {self.place} answers"))
                look = self._look(session)
                clock = look.clock
                checks += [_judge_lists(look), judge_points(look, len(self.points))]
        except CollectorError as error:
            checks.append(Check(name="reach", ok=False, says=error.message, advice=error.advice))
        else:
            checks.append(judge_clock(clock))
        return CheckReport(checks=tuple(checks), clock=clock)

    def look(self, stop: Stop, known: Memory) -> Look:
        with self._session(stop) as session:
            return self._look(session)

    def _look(self, session: S7Session) -> Look:
        look = Look(utc_text(self.clock.now_us()))
        look.clock = self._measure(session)
        for kind, (identity, index) in _LISTS.items():
            found = session.status_list(identity, index)
            if isinstance(found, Refusal):
                look.unlisted[kind] = found.words
            else:
                look.add(_found(kind, self.place, found))
        look.facts = self._facts(look)
        if self._diagnostics:
            _read_diagnostics(session, look)
        _read_blocks(session, self._kinds, look)
        self._read_points(session, look)
        look.ended = utc_text(self.clock.now_us())
        return look

    def _facts(self, look: Look) -> SourceFacts | None:
        """The checksums that the list of protection also has, and the mode switch, are records of their own."""
        code, guard = (look.get((kind, self.place)) for kind in ("order-code", "protection"))
        return facts(
            version=None if code is None else _said(code, "order-code", "firmware"),
            audit_trail=None if guard is None else _said(guard, *_GUARD),
        )

    def _read_points(self, session: S7Session, look: Look) -> None:
        """Stretch by stretch; one that is refused as a whole, each of its points for itself."""
        waiting = list(plan(self._places, session.largest, self._gap))[::-1]
        while waiting:
            stretch = waiting.pop()
            data = session.read(stretch.area, stretch.number, stretch.start, stretch.size)
            if isinstance(data, bytes):
                for place in stretch.places:
                    look.add(place.point.found(state(place, stretch, data)))
            elif len(stretch.places) > 1:
                waiting += [alone for place in stretch.places[::-1] for alone in plan([place], session.largest, 0)]
            else:
                look.unread[TAG, stretch.places[0].point.tag] = f"refused: {data.words}"

    def _measure(self, session: S7Session) -> Clock | None:
        asked_us = self.clock.now_us()
        told = session.clock()
        answered_us = self.clock.now_us()
        if not isinstance(told, datetime):
            return None
        instant_us = parse_source_time(told.isoformat(timespec="milliseconds"), self.config.zone).instant_us
        if instant_us is None:
            return None
        return clock_told(instant_us, asked_us, answered_us, _METHOD, _RESOLUTION_US)

    def _session(self, stop: Stop) -> S7Session:
        return S7Session(
            self.host,
            self.port,
            self._rack,
            self._slot,
            timeout=self.timeout,
            pace=self.pace,
            stop=stop,
            away=self.away,
        )


def _found(kind: str, identity: str, data: bytes) -> Found:
    return Found(type=kind, id=identity, state=state_text({"raw": data.hex()}))


def _said(found: Found, *names: str) -> str:
    """Some members of a status list in words; empty for one of a form that is not known."""
    known = s7_lists.shown_parts(found.type, bytes.fromhex(str(read_state(found.state)["raw"]))).attributes
    return ", ".join(f"{name} {known[name]}" for name in names if known.get(name) not in (None, ""))


def _read_diagnostics(session: S7Session, look: Look) -> None:
    look.rolling.add(_ENTRY)
    found = session.status_list(s7_lists.DIAGNOSTICS)
    try:
        if isinstance(found, Refusal):
            raise ValueError(found.words)
        records = s7_lists.entries(found)
    except ValueError as error:
        look.unlisted[_ENTRY] = str(error)
        return
    seen: dict[bytes, int] = {}
    for record in records:
        seen[record] = seen.get(record, 0) + 1  # the same event twice within a millisecond
        look.add(_found(_ENTRY, f"{record.hex()}{f'#{seen[record]}' if seen[record] > 1 else ''}", record))


def _read_blocks(session: S7Session, kinds: Sequence[str], look: Look) -> None:
    counts = session.counts() if kinds else {}
    for kind in kinds:
        look.listed.add(_block_type(kind))
        if isinstance(counts, Refusal) or counts[kind]:  # some CPUs refuse to list a kind of which there are none
            _read_kind(session, kind, look)


def _block_type(kind: str) -> str:
    return f"block-{kind.lower()}"


def _read_kind(session: S7Session, kind: str, look: Look) -> None:
    name = _block_type(kind)
    numbers = session.blocks(kind)
    if isinstance(numbers, Refusal):
        look.unlisted[name] = numbers.words
        return
    for number in numbers:
        found = session.block(kind, number)
        if isinstance(found, Refusal):
            look.unread[name, f"{kind}{number}"] = found.words
        else:
            look.add(_found(name, f"{kind}{number}", found))


def _judge_lists(look: Look) -> Check:
    found: dict[str, int] = {}
    for one in look:
        if one.type != TAG:
            found[one.type] = found.get(one.type, 0) + 1
    says = f"read: {', '.join(f'{count} {kind}' for kind, count in sorted(found.items())) or 'nothing'}"
    if look.unlisted:
        says += f"; not given: {', '.join(f'{kind} ({why})' for kind, why in sorted(look.unlisted.items()))}"
    return Check(name="lists", ok=True, says=says)
