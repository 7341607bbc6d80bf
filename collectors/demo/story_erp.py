"""People at the demo's ERP: planning, receiving, changing the recipe, running and closing one production order."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from collectors.demo.erp import ErpServer
from collectors.demo.erp_client import ErpSession
from collectors.demo.erp_seed import BASE, BOM, PRODUCT, SOLVENT, SUPPLIER
from collectors.demo.story_facts import FieldChange
from ledger.core.clock import WallClock

_NEEDS = ((SOLVENT, 80.0), (BASE, 12.5))
_YIELD = 90.0
_VALUED_FROM = {"SUP": Decimal("3.00"), "PROD": Decimal("0.00")}
"""Prices of what enters stock; Tryton allows none on moves within the warehouse, and works out that of a product."""


class Order:
    """One production order from its plan to its books; each method is one sitting of one person at the ERP.

    `changes` tells every field that a person changed, `unseen` those of them that were changed again in the same
    sitting.
    """

    def __init__(self, server: ErpServer, clock: WallClock) -> None:
        self._server = server
        self._clock = clock
        self.changes: list[FieldChange] = []
        self.unseen: list[FieldChange] = []
        self.batch = ""
        self.number = ""
        self.deleted = 0
        self.production = 0
        self.lot = 0
        self._materials: dict[str, int] = {}

    def plan(self) -> None:
        """planner1 opens the product's lot and an order for it, and plans a second order by mistake."""
        with self._server.session("planner1") as planner:
            product = _product(planner, PRODUCT)
            self.batch = f"BC-{len(planner.find('stock.lot', ['product', '=', product])) + 1:04d}"
            self.lot = planner.create("stock.lot", number=self.batch, product=product)
            self.production = planner.create("production", **self._order(planner, self.batch))
            self.deleted = planner.create("production", **self._order(planner, f"{self.batch} (twice)"))
            planner.press("production", "wait", self.production)
            self.number = planner.read("production", self.production, "number")["number"]

    def drop_the_mistake(self) -> None:
        """planner1 deletes the second order, which was still a draft."""
        with self._server.session("planner1") as planner:
            planner.delete("production", self.deleted)

    def receive(self) -> None:
        """stock1 takes in the materials, one lot each, and puts a part of the solvent beside the reactor."""
        with self._server.session("stock1") as stock:
            for name, _ in _NEEDS:
                product = _product(stock, name)
                number = f"RM-{name[0]}-{self.batch[3:]}"
                self._materials[name] = stock.create("stock.lot", number=number, product=product)
            place = _places(stock)
            company = stock.read("res.user", stock.find_one("res.user", ["login", "=", "stock1"]), "company")
            moves = [
                self._move(stock, name, 2 * quantity, "SUP", "IN") | {"lot": self._materials[name]}
                for name, quantity in _NEEDS
            ]
            shipment = stock.create(
                "stock.shipment.in",
                supplier=stock.find_one("party.party", ["name", "=", SUPPLIER]),
                company=company["company"],
                warehouse=place["WH"],
                warehouse_input=place["IN"],
                warehouse_storage=place["STO"],
                reference=f"DN-{self.batch[3:]}",
                incoming_moves=[["create", moves]],
            )
            stock.press("stock.shipment.in", "receive", shipment)
            stock.press("stock.shipment.in", "do", shipment)
            staged = self._move(stock, SOLVENT, 80.0, "STO", "STG") | {"lot": self._materials[SOLVENT]}
            transfer = stock.create(
                "stock.shipment.internal",
                from_location=place["STO"],
                to_location=place["STG"],
                company=company["company"],
                moves=[["create", [staged]]],
            )
            for button in ("wait", "assign_try", "do"):
                stock.press("stock.shipment.internal", button, transfer)

    def change_the_recipe(self) -> None:
        """engineer1 raises the quantity of the base in the bill of materials."""
        with self._server.session("engineer1") as engineer:
            bom = engineer.find_one("production.bom", ["name", "like", f"{BOM}%"])
            line = engineer.find_one(
                "production.bom.input", ["bom", "=", bom], ["product", "=", _product(engineer, BASE)]
            )
            self._change(engineer, "production.bom.input", line, quantity=_next_quantity(engineer, line))

    def reschedule(self) -> None:
        """planner1 takes the order back to its draft, moves its end by a day, and plans it again."""
        with self._server.session("planner1") as planner:
            planner.press("production", "draft", self.production)
            self._change(planner, "production", self.production, planned_date=self._today() + timedelta(days=2))
            planner.press("production", "wait", self.production)

    def start(self) -> None:
        """planner1 names the lots to be used, has them reserved, and sets the order running."""
        with self._server.session("planner1") as planner:
            lots = {_product(planner, name): lot for name, lot in self._materials.items()}
            for move in planner.read("production", self.production, "inputs")["inputs"]:
                product = planner.read("stock.move", move, "product")["product"]
                planner.write("stock.move", move, lot=lots[product])
            planner.press("production", "assign_try", self.production)
            planner.press("production", "run", self.production)

    def finish(self) -> None:
        """planner1 closes the order, which books the product's lot into stock."""
        with self._server.session("planner1") as planner:
            planner.press("production", "do", self.production)

    def correct_stock(self) -> None:
        """stock1 counts less solvent than the books say, and books the difference."""
        with self._server.session("stock1") as stock:
            counted = {
                "product": _product(stock, SOLVENT),
                "lot": self._materials[SOLVENT],
                "quantity": 78.5,
            }
            inventory = stock.create("stock.inventory", location=_places(stock)["STG"], lines=[["create", [counted]]])
            stock.press("stock.inventory", "confirm", inventory)

    def rename_the_recipe(self) -> None:
        """engineer1 renames the bill of materials twice in one sitting: a look before and after sees one change."""
        with self._server.session("engineer1") as engineer:
            bom = engineer.find_one("production.bom", ["name", "like", f"{BOM}%"])
            self._change(engineer, "production.bom", bom, name=f"{BOM} after {self.batch}, draft")
            self.unseen.append(self.changes[-1])
            self._change(engineer, "production.bom", bom, name=f"{BOM} after {self.batch}")

    def _order(self, planner: ErpSession, reference: str) -> dict[str, Any]:
        place = _places(planner)
        today = self._today()
        produced = self._move(planner, PRODUCT, _YIELD, "PROD", "STO") | {"lot": self.lot}
        return {
            "product": _product(planner, PRODUCT),
            "bom": planner.find_one("production.bom", ["name", "like", f"{BOM}%"]),
            "quantity": _YIELD,
            "unit": _kilogram(planner),
            "warehouse": place["WH"],
            "location": place["PROD"],
            "planned_start_date": today,
            "planned_date": today + timedelta(days=1),
            "reference": reference,
            "inputs": [["create", [self._move(planner, name, amount, "STO", "PROD") for name, amount in _NEEDS]]],
            "outputs": [["create", [produced]]],
        }

    def _today(self) -> date:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self._clock.now_us())).date()

    def _move(self, session: ErpSession, name: str, quantity: float, origin: str, target: str) -> dict[str, Any]:
        place = _places(session)
        move: dict[str, Any] = {
            "product": _product(session, name),
            "quantity": quantity,
            "unit": _kilogram(session),
            "from_location": place[origin],
            "to_location": place[target],
        }
        if origin in _VALUED_FROM:
            move["unit_price"] = _VALUED_FROM[origin]
            move["currency"] = session.find_one("currency.currency", ["code", "=", "EUR"])
        return move

    def _change(self, session: ErpSession, model: str, record: int, **value: Any) -> None:
        ((field, new),) = value.items()
        old = session.read(model, record, field)[field]
        session.write(model, record, **value)
        change = FieldChange(
            resource=f"{model},{record}", field=field, old=_plain(old), new=_plain(new), user=session.user
        )
        self.changes.append(change)


def reprice(server: ErpServer) -> None:
    """engineer1 raises the product's list price a little; what the ERP's idle life consists of."""
    with server.session("engineer1") as engineer:
        template = engineer.find_one("product.template", ["name", "=", PRODUCT])
        price = Decimal(engineer.read("product.template", template, "list_price")["list_price"]["decimal"])
        engineer.write("product.template", template, list_price=price + Decimal("0.10"))


def _plain(value: Any) -> float | str:
    """A date as ISO 8601, a decimal as its digits, whether Tryton's form or Python's."""
    if isinstance(value, dict):
        is_date = value["__class__"] == "date"
        return date(value["year"], value["month"], value["day"]).isoformat() if is_date else str(value["decimal"])
    return value if isinstance(value, float | str) else str(value)


def _next_quantity(session: ErpSession, line: int) -> float:
    return float(session.read("production.bom.input", line, "quantity")["quantity"]) + 0.5


def _product(session: ErpSession, name: str) -> int:
    return session.find_one("product.product", ["template.name", "=", name])


def _kilogram(session: ErpSession) -> int:
    return session.find_one("product.uom", ["name", "=", "Kilogram"])


def _places(session: ErpSession) -> dict[str, int]:
    rows = session.call("model.stock.location.search_read", [["code", "!=", None]], 0, None, [["id", "ASC"]], ["code"])
    return {row["code"]: row["id"] for row in rows}
