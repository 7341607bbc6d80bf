"""The demo's story: one production order from plan to stock, told by people at work in the ERP and at the reactor.

The story comes in steps, so that a collector can look between them. A step is synchronous and opens the sessions it
needs, so a server may be restarted between two steps. Most of what happens at the control system names the batch
nowhere: it belongs to the order only because the order occupied REACTOR-1 at the time. Work at BUFFER-2 goes on
meanwhile and belongs to no batch.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator, Sequence
from threading import Event as StopEvent

import msgspec

from collectors.demo.erp import ErpServer
from collectors.demo.opcua import OpcUaServer
from collectors.demo.opcua_plant import ALARM_LIMIT, BATCH_ID, BATCH_STATE, BUFFER, REACTOR
from collectors.demo.story_dcs import AlarmPanel, Station, at_station, fail_to_sign_in
from collectors.demo.story_erp import Order, reprice
from collectors.demo.story_facts import StoryFacts, TagWrite
from ledger.core.clock import SystemClock, WallClock
from ledger.core.errors import Conflict

TEMPERATURE = f"{REACTOR}.TIC101.SP"
MODE = f"{REACTOR}.TIC101.Mode"
PRESSURE = f"{REACTOR}.PIC201.SP"
RECIPE_TEMPERATURE = f"{REACTOR}.Recipe.SetpointTemp"
RECIPE_HOLD = f"{REACTOR}.Recipe.HoldTime"
LEVEL = f"{BUFFER}.LIC301.SP"
_PAUSE = 0.02
"""Seconds between two writes of a ramp."""
_ALARM_SECONDS = 15.0
_IDLE_SECONDS = 5.0


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A named piece of the story; calling `act` makes it happen. `in_erp`: in the ERP, not at the control system."""

    name: str
    act: Callable[[], None]
    in_erp: bool = True


class Story:
    """One run of the story; `facts` is what happened, once every step has been taken in order."""

    def __init__(self, erp: ErpServer, dcs: OpcUaServer, clock: WallClock | None = None) -> None:
        self._erp = erp
        self._dcs = dcs
        self._order = Order(erp, clock or SystemClock())
        self._writes: list[TagWrite] = []
        self._occupied: TagWrite | None = None
        self._freed: TagWrite | None = None

    def run(self, progress: Callable[[str], None]) -> StoryFacts:
        """Takes all steps; `progress` is told the name of each before it begins."""
        for step in self.steps():
            progress(step.name)
            step.act()
        return self.facts

    def steps(self) -> Iterator[Step]:
        """The steps in their order; each must have acted before the next one is taken."""
        order = self._order
        yield Step(name="order planned", act=order.plan)
        yield Step(name="order planned by mistake deleted", act=order.drop_the_mistake)
        yield Step(name="materials received", act=order.receive)
        yield Step(name="order rescheduled", act=order.reschedule)
        yield Step(name="bill of materials changed", act=order.change_the_recipe)
        yield Step(name="order set running", act=order.start)
        yield self._step("batch started", "operator1", self._start_batch)
        yield self._step("reactor heated up", "operator1", self._heat)
        yield self._step("recipe setpoint changed", "engineer1", self._change_recipe)
        yield self._step("write and logon refused", "operator1", self._be_refused)
        yield self._step("alarm raised and acknowledged", "operator1", self._overshoot)
        yield self._step("buffer level changed", "operator1", self._work_at_buffer)
        yield self._step("reactor cooled down", "operator1", self._cool)
        yield self._step("batch finished", "operator1", self._finish_batch)
        yield Step(name="order done", act=order.finish)
        yield self._step("reactor cleaned", "operator1", self._clean)
        yield Step(name="stock corrected", act=order.correct_stock)
        yield Step(name="bill of materials renamed", act=order.rename_the_recipe)

    @property
    def batch(self) -> str:
        """The order's batch; empty before it is planned."""
        return self._order.batch

    @property
    def facts(self) -> StoryFacts:
        """Raises Conflict while the batch has not been finished."""
        start, end = self._occupied, self._freed
        if start is None or start.at_us is None or end is None or end.at_us is None:
            raise Conflict("the story is not told to its end: the batch is not finished")
        return StoryFacts(
            batch=self._order.batch,
            order=self._order.number,
            order_resource=f"production,{self._order.production}",
            lot_resource=f"stock.lot,{self._order.lot}",
            equipment=REACTOR,
            occupied_from_us=start.at_us,
            occupied_until_us=end.at_us,
            tag_writes=tuple(self._writes),
            field_changes=tuple(self._order.changes),
            unseen=tuple(self._order.unseen),
            deleted=f"production,{self._order.deleted}",
            alarm_acknowledged_by="operator1",
            refused_logon="operator1",
        )

    def live(self, stop: StopEvent) -> None:
        """Keeps small changes coming until `stop` is set, one every few seconds; no batch and no facts know them."""
        for turn in itertools.count():
            if stop.wait(_IDLE_SECONDS):
                return
            if turn % 4 == 3:
                reprice(self._erp)
            else:
                asyncio.run(self._sit("operator1", self._nudge, []))

    def _step(self, name: str, user: str, work: Callable[[Station], Awaitable[None]]) -> Step:
        return Step(name=name, act=lambda: asyncio.run(self._sit(user, work, self._writes)), in_erp=False)

    async def _sit(self, user: str, work: Callable[[Station], Awaitable[None]], said: list[TagWrite]) -> None:
        async with at_station(self._dcs, user, said) as station:
            await work(station)

    async def _start_batch(self, station: Station) -> None:
        self._occupied = await station.write(BATCH_ID, self._order.batch)
        await station.write(BATCH_STATE, "running")
        await station.write(MODE, "MANUAL")

    async def _heat(self, station: Station) -> None:
        await _ramp(station, TEMPERATURE, [25.0 + 2.5 * step for step in range(1, 20)])
        await _ramp(station, PRESSURE, [1.0 + 0.125 * step for step in range(1, 13)])
        await station.write(MODE, "AUTO")

    async def _change_recipe(self, station: Station) -> None:
        await _ramp(station, RECIPE_TEMPERATURE, (72.0, 74.0))
        await _ramp(station, RECIPE_HOLD, (35.0, 32.0, 33.0))

    async def _be_refused(self, station: Station) -> None:
        """operator1 has no right to the recipe, types a pressure in words, and at last the password wrong."""
        await station.write(RECIPE_TEMPERATURE, 90.0)
        await station.write(RECIPE_HOLD, 5.0)
        await station.write(PRESSURE, "two")
        await fail_to_sign_in(self._dcs, "operator1")

    async def _overshoot(self, station: Station) -> None:
        panel = AlarmPanel()
        await panel.switch_on(station)
        await station.write(TEMPERATURE, ALARM_LIMIT + 10.0)
        condition, event_id = await panel.wait_for(True, _ALARM_SECONDS)
        await station.acknowledge(condition, event_id, "seen, set point goes back")
        await station.write(TEMPERATURE, ALARM_LIMIT - 12.5)
        await panel.wait_for(False, _ALARM_SECONDS)
        await _ramp(station, PRESSURE, (2.375, 2.25, 2.375, 2.5))

    async def _work_at_buffer(self, station: Station) -> None:
        await _ramp(station, LEVEL, (52.0, 54.0, 56.0, 58.0, 60.0))

    async def _cool(self, station: Station) -> None:
        await _ramp(station, TEMPERATURE, [72.5 - 2.5 * step for step in range(1, 20)])
        await _ramp(station, PRESSURE, (2.0, 1.6, 1.3, 1.0))

    async def _finish_batch(self, station: Station) -> None:
        await station.write(BATCH_STATE, "complete")
        self._freed = await station.write(BATCH_ID, "")
        await station.write(BATCH_STATE, "idle")

    async def _clean(self, station: Station) -> None:
        """The reactor is free: these writes are after the batch and must not be taken for its own."""
        await _ramp(station, TEMPERATURE, (40.0, 60.0, 25.0))

    async def _nudge(self, station: Station) -> None:
        level = float(await station.read(LEVEL))
        await station.write(LEVEL, 50.0 if level >= 60.0 else level + 1.0)


async def _ramp(station: Station, tag: str, values: Sequence[float]) -> None:
    for value in values:
        await station.write(tag, value)
        await asyncio.sleep(_PAUSE)
