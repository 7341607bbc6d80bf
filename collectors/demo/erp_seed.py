"""Fills a fresh ERP with what the plant needs before its first order: company, people, rights, products, recipe.

Everything here is done by `admin` through the ERP's own interface, so it leaves the same traces as any work there.
"""

from decimal import Decimal
from typing import Any

import msgspec

from collectors.demo.erp_client import ErpSession

COLLECTOR_GROUP = "Audit Trail Collector"
PRODUCT, SOLVENT, BASE = "Buffer concentrate", "Solvent", "Base"
SUPPLIER = "Supplier"
BOM = f"{PRODUCT} BOM"
STAGING = "Production staging"

USER_GROUPS: dict[str, tuple[str, ...]] = {
    "planner1": ("Production", "Stock"),
    "stock1": ("Stock", "Stock Administration", "Stock Force Assignment"),
    "engineer1": ("Production Administration", "Product Administration"),
    "collector": (COLLECTOR_GROUP,),
}
"""People and the one technical user of the ERP, with the groups that give them their rights."""


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """A product of the seed: its name, whether the plant makes it, and its price in the company's currency."""

    name: str
    producible: bool
    price: str


_MATERIALS = (
    Material(name=PRODUCT, producible=True, price="45.00"),
    Material(name=SOLVENT, producible=False, price="3.20"),
    Material(name=BASE, producible=False, price="8.75"),
)


def seed(admin: ErpSession, passwords: dict[str, str]) -> None:
    """Creates all master data once; raises FatalSource when the ERP refuses a step."""
    currency = admin.create(
        "currency.currency",
        name="Euro",
        symbol="€",
        code="EUR",
        rounding=Decimal("0.01"),
        digits=2,
    )
    company = admin.create("company.company", party=admin.create("party.party", name="Demo site"), currency=currency)
    own = admin.find_one("res.user", ["login", "=", "admin"])
    admin.write("res.user", own, companies=[["add", [company]]], company=company)
    admin.load_preferences()
    admin.create("party.party", name=SUPPLIER)
    order_numbers = admin.find_one("ir.sequence", ["sequence_type.name", "=", "Production"])
    admin.write("ir.sequence", order_numbers, prefix="PO-", padding=4)
    _collector_rights(admin)
    for user, groups in USER_GROUPS.items():
        admin.create(
            "res.user",
            name=user,
            login=user,
            password=passwords[user],
            companies=[["add", [company]]],
            company=company,
            groups=[["add", [admin.find_one("res.group", ["name", "=", name]) for name in groups]]],
        )
    storage = admin.find_one("stock.location", ["code", "=", "STO"])
    admin.create("stock.location", name=STAGING, code="STG", type="storage", parent=storage)
    products = {material.name: _product(admin, material) for material in _MATERIALS}
    _recipe(admin, products)


def _collector_rights(admin: ErpSession) -> None:
    """Lets the collector's group read everything of the business, change nothing, and not read Tryton's own inside.

    Tryton lets everybody change a model for which no right is declared, so each model gets a line. What Tryton grants
    to all users (reading users, models and `ir.model.log`) stays; so do two rights that no line takes away: creating
    `ir.email` and marking a `res.notification` of one's own as read.
    """
    group = admin.create("res.group", name=COLLECTOR_GROUP)
    models = admin.call("model.ir.model.search_read", [], 0, None, [["name", "ASC"]], ["name"])
    lines = [
        {
            "model": model["name"],
            "group": group,
            "perm_read": not model["name"].startswith(("ir.", "res.")),
            "perm_write": False,
            "perm_create": False,
            "perm_delete": False,
        }
        for model in models
    ]
    admin.call("model.ir.model.access.create", lines)


def _product(admin: ErpSession, material: Material) -> int:
    values: dict[str, Any] = {
        "name": material.name,
        "type": "goods",
        "default_uom": admin.find_one("product.uom", ["name", "=", "Kilogram"]),
        "list_price": Decimal(material.price),
        "producible": material.producible,
        "products": [["create", [{"cost_price": Decimal(material.price)}]]],
    }
    template = admin.create("product.template", **values)
    return admin.find_one("product.product", ["template", "=", template])


def _recipe(admin: ErpSession, products: dict[str, int]) -> None:
    kilogram = admin.find_one("product.uom", ["name", "=", "Kilogram"])

    def line(name: str, quantity: float) -> dict[str, Any]:
        return {"product": products[name], "unit": kilogram, "quantity": quantity}

    bom = admin.create(
        "production.bom",
        name=BOM,
        inputs=[["create", [line(SOLVENT, 80.0), line(BASE, 12.5)]]],
        outputs=[["create", [line(PRODUCT, 90.0)]]],
    )
    admin.create("product.product-production.bom", product=products[PRODUCT], bom=bom)
