"""What else goes on in the demo's plant while the story of the order is told: at a PLC, in the MES, in the folder of
recipes, and at the gateway between the zones. Each is a source of its own, and each tells something that no other does.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from collectors.demo.mes import Mes
from collectors.demo.modbus import MIXING_TIME, ModbusPlc
from ledger.core.clock import WallClock, utc_text

_RECIPE = """recipe = "solvent blend"
version = {version}
mixing_time_s = {mixing}
setpoint_degC = {temperature}
"""
GATEWAY_MAPPING: Final = """
name = "demo-gateway"
version = 1
title = "Access log of the demo's gateway between the zones"
class = "servers-and-network"
drivers = ["tail"]
lacks = ["a gap-free counter", "reasons"]

[options]
format = "json"

[record]
id = { join = ["file.number", "file.offset"], by = "@" }
action = { path = "entry.event", map = { signed-in = "login", signed-out = "logout", refused = "login-failed", rule-changed = "configure" } }
outcome = { path = "entry.event", map = { refused = "denied", "*" = "success" } }
occurred_at = "entry.at"
actor = { account = "entry.user", kind = { text = "person" }, workstation = "entry.from" }
object = { type = { text = "gateway" }, id = "entry.gateway" }

[[record.changes]]
attribute = "entry.rule || 'session'"
old = "entry.old"
new = "entry.new"
"""  # noqa: E501 - a line of TOML


class ShopFloor:
    """A PLC, a MES, recipe files and a gateway log in one folder, for as long as the context is entered."""

    def __init__(self, folder: Path, clock: WallClock) -> None:
        self._clock = clock
        self.plc = ModbusPlc(folder / "plc")
        self.mes = Mes(folder / "mes")
        self.recipes = folder / "recipes"
        self.gateway = folder / "gateway" / "access.jsonl"
        self.recipes.mkdir(parents=True, exist_ok=True)
        self.gateway.parent.mkdir(parents=True, exist_ok=True)
        self._write_recipe(1, 900, 70.0)
        self._log(event="signed-in", user="engineer1")

    def __enter__(self) -> Self:
        self.plc.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.plc.stop()

    def act(self, step: str, batch: str) -> None:
        """What happens here along with a step of the story; most have nothing."""
        act = self._acts(batch).get(step)
        if act is not None:
            act()

    def _acts(self, batch: str) -> Mapping[str, Callable[[], None]]:
        return {
            "batch started": lambda: self.mes.open_record(batch, "operator1"),
            "reactor heated up": self._weigh(batch),
            "recipe setpoint changed": self._change_recipe,
            "write and logon refused": lambda: self._log(event="refused", user="operator1"),
            "alarm raised and acknowledged": lambda: self.mes.enter(
                batch, 1, "120.4", "operator1", "read again after the balance had settled"
            ),
            "buffer level changed": lambda: self.plc.write_mode(1),
            "batch finished": self._complete(batch),
            "reactor cleaned": lambda: self.plc.write_mode(0),
            "stock corrected": lambda: self._log(event="signed-out", user="engineer1"),
        }

    def _weigh(self, batch: str) -> Callable[[], None]:
        def act() -> None:
            self.mes.enter(batch, 1, "119.9", "operator1")
            self.plc.write_set_point(71.5)

        return act

    def _change_recipe(self) -> None:
        self._write_recipe(2, 960, 74.0)
        self.plc.write_registers(MIXING_TIME, [960, 0])
        self._log(event="rule-changed", user="engineer1", rule="allow plc 502", old="deny", new="read-only")

    def _complete(self, batch: str) -> Callable[[], None]:
        def act() -> None:
            self.mes.enter(batch, 2, "960", "operator1")
            for number in (1, 2):
                self.mes.complete(batch, number, "operator1")
            self.mes.complete(batch, 3, "quality1")

        return act

    def _write_recipe(self, version: int, mixing: int, temperature: float) -> None:
        file = self.recipes / "solvent-blend.toml"
        part = file.with_suffix(".part")
        part.write_text(_RECIPE.format(version=version, mixing=mixing, temperature=temperature), encoding="utf-8")
        part.replace(file)

    def _log(self, **event: str) -> None:
        line = {"at": utc_text(self._clock.now_us()), "gateway": "dmz-1", "from": "10.0.3.7", **event}
        with self.gateway.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
