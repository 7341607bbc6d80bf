"""A source without a trail, in memory: what stands on a shelf, and a collector that looks at it and compares."""

from collections.abc import Mapping

from collectors.base import CheckReport, Option, Stop
from collectors.compare.collector import ComparingCollector, Stopped, baseline_option
from collectors.compare.look import Found, Look, Refused, state_text
from collectors.compare.memory import Memory
from collectors.compare.record import Shown
from collectors.mapping.expression import Item
from ledger.core.clock import utc_text
from ledger.core.record import Action
from ledger.core.source import SourceConfig
from ledger.core.times import parse_source_time

START_US = 1_764_000_000_000_000


class HandClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.us = START_US

    def now_us(self) -> int:
        return self.us

    def pass_seconds(self, seconds: float) -> None:
        self.us += round(seconds * 1e6)


class Shelf:
    """The objects: id → members. `watched` limits a look to some, as a list of points in a configuration does."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, object]] = {}
        self.unread: set[str] = set()
        self.refused: list[bytes] = []
        self.hidden = ""
        self.rolling = False
        self.watched: set[str] | None = None
        self.scope = "shelf 1"


class ShelfCollector(ComparingCollector):
    """Looks at a shelf for a second of its clock; members `at` and `count` are the shelf's own time and count."""

    type = "shelf"
    title = "Shelf"
    format = "1"
    options = (baseline_option("each"), Option(name="place", meaning="where the shelf stands"))

    def __init__(self, shelf: Shelf, clock: HandClock, **options: str) -> None:
        config = SourceConfig(id="shelf", type="shelf", title="Shelf", options=options)
        super().__init__(config, {}, clock)
        self._shelf = shelf
        self._hand = clock

    @property
    def scope(self) -> str:
        return self._shelf.scope

    def check(self) -> CheckReport:
        return CheckReport(checks=())

    def look(self, stop: Stop, known: Memory) -> Look:
        if stop.is_set():
            raise Stopped
        shelf = self._shelf
        look = Look(utc_text(self._hand.now_us()))
        if shelf.watched is None and shelf.rolling:
            look.rolling.add("thing")
        elif shelf.watched is None:
            look.listed.add("thing")
        if shelf.hidden:
            look.unlisted["thing"] = shelf.hidden
        for name, members in ({} if shelf.hidden else shelf.objects).items():
            if shelf.watched is not None and name not in shelf.watched:
                continue
            if name in shelf.unread:
                look.unread["thing", name] = "it is behind another"
            else:
                look.add(Found(type="thing", id=name, state=state_text(members), facts={"unit": "kg"}))
        look.refused = [Refused(data=data, media_type="text/plain", reason="no thing") for data in shelf.refused]
        self._hand.pass_seconds(1)
        look.ended = utc_text(self._hand.now_us())
        return look

    def show(self, kind: str, identity: str, state: Item, facts: Mapping[str, str]) -> Shown:
        members = {name: value for name, value in state.items() if not name.startswith("_")}
        moment, count = state.get("at"), state.get("count")
        return Shown(
            attributes=members,
            units={"weight": facts["unit"]} if "unit" in facts else {},
            moment=parse_source_time(moment) if isinstance(moment, str) else None,
            count=count if isinstance(count, int) else None,
            happened=Action.ALARM if "alarm" in members else None,
        )
