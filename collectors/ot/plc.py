"""What all controllers that are polled have in common: points, a rate that is never exceeded, the options for both.

A point is written `TAG = ADDRESS [unit] @equipment`; unit and equipment may be left out.
"""

import re
from collections.abc import Mapping
from time import monotonic
from typing import ClassVar

import msgspec

from collectors.base import Check, Option, Stop
from collectors.compare.collector import UNSEEN, ComparingCollector, Stopped, baseline_option
from collectors.compare.look import Found, Look, state_text
from collectors.compare.record import Shown
from collectors.options import read_list
from ledger.core.clock import WallClock
from ledger.core.errors import ConfigError, RetriableSource
from ledger.core.record import Link, LinkBasis, LinkKind
from ledger.core.source import SourceConfig

TAG = "tag"
CONTROLLER = "controller"
PLC_LACKS = (
    *UNSEEN,
    "a single instant for all values: blocks of points are read one after the other",
    "what is not among the points",
)
_POINT = re.compile(r"(?P<tag>[^=]+?)(?:\s*=\s*(?P<address>\S+))?(?:\s+\[(?P<unit>[^\]]+)\])?(?:\s+@\s*(?P<asset>.+))?")
_FASTEST = 100.0
_FEW = 5


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One value that is watched: its tag, its address in the controller's own terms, unit and equipment."""

    tag: str
    address: str
    unit: str = ""
    asset: str = ""

    def found(self, state: Mapping[str, object]) -> Found:
        facts = {name: value for name, value in (("unit", self.unit), ("equipment", self.asset)) if value}
        return Found(type=TAG, id=self.tag, state=state_text(state), facts=facts)


class Pace:
    """Keeps requests apart: at most so many a second, over connections and runs. A stop ends the wait."""

    def __init__(self, per_second: float) -> None:
        self._apart = 1.0 / per_second
        self._next = 0.0

    def wait(self, stop: Stop) -> None:
        """Returns when the next request may go out; raises Stopped instead once it is time to stop."""
        if stop.wait(max(0.0, self._next - monotonic())):
            raise Stopped
        self._next = monotonic() + self._apart


def controller_options(port: str, address: str) -> tuple[Option, ...]:
    """The options of every controller; `address` says how the type writes one."""
    return (
        Option(name="host", meaning="host name or IP address of the controller", required=True),
        Option(name="port", meaning="TCP port of the controller", default=port),
        Option(
            name="points",
            meaning=f"what is watched, comma- or line-separated: TAG = ADDRESS [unit] @equipment; ADDRESS is {address}",
        ),
        Option(
            name="change_counter",
            meaning="tag of a point that the controller raises with each change of another one, if it has such",
        ),
        Option(
            name="requests_per_second", meaning="requests a second at most, a connection counts as one", default="5"
        ),
        Option(name="timeout_seconds", meaning="how long an answer may take", default="5"),
        baseline_option("each"),
    )


def judge_points(look: Look, count: int) -> Check:
    """Whether every point could be read."""
    if look.unread:
        refused = "; ".join(f"{tag}: {reason}" for (_, tag), reason in list(look.unread.items())[:_FEW])
        return Check(
            name="points",
            ok=False,
            says=f"{len(look.unread)} of {count} points cannot be read: {refused}",
            advice="Correct their addresses, or leave them out.",
        )
    if not count:
        return Check(
            name="points", ok=False, says="no points are configured", advice="List them in the option `points`."
        )
    return Check(name="points", ok=True, says=f"all {count} points can be read")


def read_points(text: str, addressed: bool = True) -> tuple[Point, ...]:
    """The points of an option; raises ConfigError for one that cannot be read, and for a tag that comes twice.

    Where `addressed` is false the tag is its own address unless another one is given.
    """
    points: dict[str, Point] = {}
    for entry in read_list(text):
        parts = _POINT.fullmatch(entry)
        if parts is None or (addressed and not parts["address"]) or parts["tag"] in points:
            raise ConfigError(
                f"option 'points': {entry!r} is not a point of its own", advice="Write TAG = ADDRESS [unit] @equipment."
            )
        points[parts["tag"]] = Point(
            tag=parts["tag"],
            address=parts["address"] or parts["tag"],
            unit=parts["unit"] or "",
            asset=parts["asset"] or "",
        )
    return tuple(points.values())


class Controller(ComparingCollector):
    """A controller that is polled. A driver turns `points` into requests, and waits for `pace` before each of them."""

    lacks = PLC_LACKS
    addressed: ClassVar[bool] = True

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        super().__init__(config, secrets, clock)
        self.points = read_points(self.option("points"), self.addressed)
        self.host = self.option("host")
        self.port = int(self.number("port", 1, 65535))
        self.pace = Pace(self.number("requests_per_second", 0.05, _FASTEST))
        self.timeout = self.number("timeout_seconds", 0.1, 60)
        self._counter = self.option("change_counter")
        if self._counter and self._counter not in {point.tag for point in self.points}:
            raise ConfigError(
                f"source {config.id!r}: option 'change_counter' names {self._counter!r}, which is no point",
                advice="Write the tag of one of the points.",
            )

    @property
    def place(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def change_counter(self) -> tuple[str, str] | None:
        return (TAG, self._counter) if self._counter else None

    def encoding(self) -> str:
        """The option `encoding`; raises ConfigError for one that there is not."""
        name = self.option("encoding")
        try:
            "a".encode(name)
        except LookupError:
            raise ConfigError(
                f"source {self.config.id!r}: option 'encoding' is {name!r}", advice="Use utf-8, latin-1 or cp1252."
            ) from None
        return name

    def yes(self, name: str) -> bool:
        """An option that is yes or no; raises ConfigError for anything else."""
        if self.option(name) not in ("yes", "no"):
            raise ConfigError(
                f"source {self.config.id!r}: option {name!r} is {self.option(name)!r}", advice="Use yes or no."
            )
        return self.option(name) == "yes"

    def away(self, what: object) -> RetriableSource:
        """The controller does not answer, or breaks off."""
        return RetriableSource(
            f"the controller at {self.place} did not answer: {what}",
            advice="Check that it runs, that the network reaches it and that it has a connection free.",
        )

    def shown_value(self, tag: str, value: object, facts: Mapping[str, str]) -> Shown:
        """The value of a point, with the unit and equipment that the configuration says."""
        count = value if tag == self._counter and isinstance(value, int) and not isinstance(value, bool) else None
        equipment = facts.get("equipment")
        return Shown(
            attributes={"value": value},
            units={"value": facts["unit"]} if "unit" in facts else {},
            count=count,
            links=(Link(kind=LinkKind.EQUIPMENT, id=equipment, basis=LinkBasis.DERIVED),) if equipment else (),
        )
