"""chrony on a host: by which source its clock is set, at what stratum, how far it is off, and which sources it is told.

`chronyc` is asked over the loopback address (or the network, where chronyd lets it) for what everybody may read; two
looks are compared (`collectors.compare`). Steps of the clock are not kept by chronyd: they stand in its log, which type
`tail` reads with the template chrony-log.

- `tracking`: a record where reference, stratum, leap status or being synchronised changed, or the clock went beyond
  `limit` seconds from its reference, or came back. Within the limit the offset moves all the time and is not told.
- `source`: a record where a source of time was added or removed, became usable or ceased to be. Sources of one name (a
  pool's) are one object.
- chronyc says how far the host's clock is from its reference, not what it shows: it cannot be compared with ours.
- The version that a run says is that of chronyc on the collector's machine: chronyd is not asked for its own.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from collectors.base import Check, CheckReport, Option, Stop, judge_clock
from collectors.compare.collector import ComparingCollector, Stopped, baseline_option
from collectors.compare.look import Found, Look, state_text
from collectors.compare.memory import Memory
from collectors.compare.record import Shown
from collectors.facts import VERSION, facts
from collectors.mapping.expression import Item
from collectors.programs import run
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import ConfigError, FatalSource, RetriableSource, SkippableRecord
from ledger.core.record import Action
from ledger.core.source import SourceConfig

_BYTES: Final = 1024 * 1024
_SECONDS: Final = 30.0
_TRACKING: Final = 14
_SOURCE: Final = 10
_UNSYNCHRONISED: Final = "Not synchronised"
_MODES: Final = {"^": "server", "=": "peer", "#": "local clock"}
_STATES: Final = {
    "*": "usable",
    "+": "usable",
    "-": "usable",
    "?": "not usable",
    "x": "wrong, as the others say",
    "~": "too variable",
}


class Chrony(ComparingCollector):
    """See the module."""

    type = "chrony"
    title = "Time synchronisation (chrony)"
    format = "1"
    tells = (VERSION,)
    options = (
        Option(name="host", meaning="address of the host on which chronyd runs", default="127.0.0.1"),
        Option(name="port", meaning="its command port", default="323"),
        Option(name="limit", meaning="seconds beyond which the clock's offset is told", default="0.1"),
        baseline_option("each"),
    )

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        super().__init__(config, secrets, clock)
        self._host, self._port = self.option("host"), int(self.number("port", 1, 65535))
        self.number("limit", 0, 86_400)
        self._limit = Decimal(self.option("limit"))
        if self._host.startswith(("-", "/")) or "," in self._host:
            raise ConfigError(f"option 'host' is {self._host!r}", advice="Write one address or name.")

    @property
    def scope(self) -> str:
        return f"{self._host}:{self._port}"

    def check(self) -> CheckReport:
        try:
            tracking, sources = self._ask()
            shown = self.show("tracking", "clock", {"csv": tracking}, {}).attributes
        except (RetriableSource, FatalSource, SkippableRecord) as error:
            return CheckReport(checks=(Check(name="reach", ok=False, says=error.message, advice=error.advice),))
        synchronised, offset = bool(shown["synchronised"]), str(shown["offset"])
        says = f"chronyd at {self.scope} follows {shown['reference']} at stratum {shown['stratum']}, {offset}"
        checks = (
            Check(name="reach", ok=True, says=f"chronyd at {self.scope} has {len(sources)} sources of time"),
            Check(
                name="synchronised",
                ok=synchronised and offset.startswith("within"),
                says=says if synchronised else f"chronyd at {self.scope} is not synchronised",
                advice="" if synchronised else "Check its sources (chronyc sources) and the network to them.",
            ),
        )
        return CheckReport(checks=(*checks, judge_clock(None)))

    def look(self, stop: Stop, known: Memory) -> Look:
        if stop.is_set():
            raise Stopped
        look = Look(utc_text(self.clock.now_us()))
        tracking, sources = self._ask()
        look.add(Found(type="tracking", id="clock", state=state_text({"csv": tracking})))
        for name, lines in sources.items():
            look.add(Found(type="source", id=name, state=state_text({"csv": lines})))
        look.listed = {"tracking", "source"}
        look.facts = facts(version=self._version())
        look.ended = utc_text(self.clock.now_us())
        return look

    def show(self, kind: str, identity: str, state: Item, facts: Mapping[str, str]) -> Shown:
        if kind == "tracking":
            return self._show_tracking(state["csv"])
        lines = state["csv"]
        if kind != "source" or not isinstance(lines, list) or not lines:
            raise SkippableRecord(f"no state of chrony's: {kind}")
        parts = [_divide(line, 2, _SOURCE) for line in lines]
        return Shown(
            attributes={
                "name": parts[0][2],
                "mode": ", ".join(sorted({_MODES.get(part[0], part[0]) for part in parts})),
                "state": ", ".join(sorted({_STATES.get(part[1], part[1]) for part in parts})),
                "addresses": len(parts),
            },
            into=Action.UPDATE,
        )

    def _show_tracking(self, line: object) -> Shown:
        part = _divide(line, 1, _TRACKING)
        try:
            beyond, stratum = abs(Decimal(part[4])) > self._limit, int(part[2])
        except (ArithmeticError, ValueError):
            raise SkippableRecord(f"chronyc gives no number as offset or stratum: {line!r}") from None
        return Shown(
            attributes={
                "reference": part[1] or part[0],
                "reference id": part[0],
                "stratum": stratum,
                "leap status": part[13],
                "synchronised": part[13] != _UNSYNCHRONISED,
                "offset": f"{part[4]} s" if beyond else f"within {self._limit} s",
            },
            into=Action.ALARM if beyond or part[13] == _UNSYNCHRONISED else Action.UPDATE,
        )

    def _ask(self) -> tuple[str, dict[str, list[str]]]:
        """The line of tracking, and those of each source by its name. Tracking is asked twice: at the end it shows that
        the list of sources is whole.
        """
        ran = run(
            (
                "chronyc",
                "-c",
                "-N",
                "-h",
                self._host,
                "-p",
                str(self._port),
                "-m",
                "tracking",
                "sources -a",
                "tracking",
            ),
            env={},
            seconds=_SECONDS,
            max_bytes=_BYTES,
            place=self.scope,
        )
        text = ran.out.decode("utf-8", "replace")
        lines = text.splitlines()
        if ran.code != 0 or ran.cut or len(lines) < 2 or not text.endswith("\n"):
            raise self._away(f"{text.strip()[-200:]} {ran.error}".strip())
        tracking, *sources, last = lines
        found: dict[str, list[str]] = {}
        try:
            for line in (tracking, last):
                _divide(line, 1, _TRACKING)
            for line in sources:
                found.setdefault(_divide(line, 2, _SOURCE)[2], []).append(line)
        except SkippableRecord as error:
            raise self._away(error.message) from None
        return tracking, {name: sorted(lines) for name, lines in found.items()}

    def _version(self) -> str | None:
        """That of chronyc, which comes with chronyd from one package; the protocol does not tell chronyd's own."""
        ran = run(("chronyc", "-v"), env={}, seconds=_SECONDS, max_bytes=_BYTES, place=self.scope)
        line = ran.out.decode("utf-8", "replace").partition(" (+")[0]
        return line.strip() if ran.code == 0 else None

    def _away(self, why: str) -> RetriableSource:
        return RetriableSource(
            f"{self.scope}: chronyd's answer is none that can be read: {why}",
            advice="Check that chronyd runs there and takes commands on that port (cmdport, bindcmdaddress, cmdallow).",
        )


def _divide(line: object, name_at: int, count: int) -> list[str]:
    """The fields of one of chronyc's lines, which mark nothing: only the field of the name may hold commas."""
    if not isinstance(line, str):
        raise SkippableRecord("a line of chronyc that is no text")
    parts = line.split(",")
    more = len(parts) - count
    if more < 0:
        raise SkippableRecord(f"a line of chronyc with {len(parts)} fields: {line!r}")
    return [*parts[:name_at], ",".join(parts[name_at : name_at + more + 1]), *parts[name_at + more + 1 :]]
