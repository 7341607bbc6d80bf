"""Product data in a real Tryton: bills of material line by line, and revisions of products, with old and new values."""

from collections.abc import Iterator
from typing import Any

import pytest

from collectors.demo.erp import ErpServer
from collectors.demo.erp_client import ErpSession
from collectors.demo.erp_seed import BASE, BOM, PRODUCT, SOLVENT
from collectors.it.tryton import Tryton
from collectors.it.tryton_models import MODELS, for_version
from collectors.runner import Runner
from ledger.core.clock import SystemClock
from ledger.core.record import Action, LinkKind, Record
from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.support.erp_template import seeded_erp_folder
from tests.support.memory_sink import MemorySink

CLOCK = SystemClock()
pytestmark = [
    pytest.mark.timeout(300),  # the first test that needs the ERP waits for its set-up
    pytest.mark.tested(
        system=SystemClass.PLM,
        source="Tryton: bills of material, product revisions",
        type="tryton",
        against="Tryton 8.2, a real server",
        holds="who, when; lines added, changed and removed with old and new values; which product replaces which",
    ),
]
MODELS_OF_PRODUCTS = (
    "production.bom, production.bom.input, production.bom.output, product.product-production.bom, product.product, "
    "product.template"
)


class Plant:
    """The ERP, and a source that has looked once."""

    def __init__(self, server: ErpServer) -> None:
        self.server = server
        self.sink = MemorySink("plm")
        self.look()

    def look(self) -> list[Record]:
        before = len(self.sink.records)
        options = {"url": self.server.url, "user": "collector", "models": MODELS_OF_PRODUCTS}
        config = SourceConfig(id="plm", type="tryton", title="PLM", options=options)
        made = Tryton(config, {"password": self.server.passwords["collector"]}, CLOCK)
        Runner(made, self.sink, CLOCK).pull()
        assert self.sink.rejected == []
        return self.sink.records[before:]


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    with ErpServer(seeded_erp_folder(tmp_path_factory, "plm")) as server:
        yield Plant(server)


@pytest.fixture
def engineer(plant: Plant) -> Iterator[ErpSession]:
    with plant.server.session("engineer1") as session:
        yield session


def product(session: ErpSession, name: str) -> int:
    return session.find_one("product.product", ["template.name", "=", name])


def line(session: ErpSession, name: str) -> int:
    return session.find_one("production.bom.input", ["product.template.name", "=", name])


def pairs(record: Record) -> dict[str, tuple[Any, Any]]:
    return {change.attribute: (change.old, change.new) for change in record.changes}


def of(records: list[Record], model: str) -> list[Record]:
    return [record for record in records if record.object.type == model]


def test_a_changed_line_has_its_old_and_new_quantity(plant: Plant, engineer: ErpSession) -> None:
    engineer.write("production.bom.input", line(engineer, SOLVENT), quantity=75.0)
    (record,) = of(plant.look(), "production.bom.input")
    assert (record.action, record.actor.account) == (Action.UPDATE, "engineer1")
    assert pairs(record) == {"quantity": ("80.0", "75.0")}
    assert record.changes[0].unit == "kg"
    assert {(link.kind, link.id) for link in record.links} == {(LinkKind.RECIPE, BOM), (LinkKind.MATERIAL, SOLVENT)}


def test_a_line_that_is_added_and_one_that_is_removed_through_their_bill(plant: Plant, engineer: ErpSession) -> None:
    bom = engineer.find_one("production.bom", ["name", "=", BOM])
    base, kilogram = line(engineer, BASE), engineer.find_one("product.uom", ["name", "=", "Kilogram"])
    water = engineer.create(
        "product.template", name="Water", type="goods", default_uom=kilogram, products=[["create", [{}]]]
    )
    added = {"product": product(engineer, "Water"), "unit": kilogram, "quantity": 20.0}
    engineer.write("production.bom", bom, inputs=[["create", [added]], ["delete", [base]]])
    records = plant.look()
    lines = {record.action: record for record in of(records, "production.bom.input")}
    assert set(lines) == {Action.CREATE, Action.DELETE}
    assert pairs(lines[Action.CREATE])["quantity"][1] == "20.0"
    assert (LinkKind.MATERIAL, "Water") in {(link.kind, link.id) for link in lines[Action.CREATE].links}
    assert pairs(lines[Action.DELETE])["quantity"][0] == "12.5"
    (bill,) = of(records, "production.bom")
    assert ([change.attribute for change in bill.changes], bill.actor.account) == (["inputs"], "engineer1")
    assert [record.object.id for record in of(records, "product.template")] == [str(water)]


def test_a_new_revision_of_a_product_and_of_its_bill_say_what_they_replace(plant: Plant, engineer: ErpSession) -> None:
    old, bom = product(engineer, PRODUCT), engineer.find_one("production.bom", ["name", "=", BOM])
    template = engineer.read("product.product", old, "template")["template"]
    new = engineer.create("product.product", template=template, suffix_code="B")
    engineer.write("product.product", old, suffix_code="A", replaced_by=new)
    uses = engineer.find_one("product.product-production.bom", ["product", "=", old])
    output = engineer.find("production.bom.output", ["bom", "=", bom])[0]
    revision = engineer.create(
        "production.bom",
        name=f"{BOM} revision B",
        outputs=[["create", [{
            "product": old, "quantity": 90.0,
            "unit": engineer.read("production.bom.output", output, "unit")["unit"],
        }]]],
    )  # fmt: skip
    engineer.write("product.product-production.bom", uses, bom=revision)
    records = plant.look()
    (replaced,) = [one for one in of(records, "product.product") if "replaced_by" in pairs(one)]
    assert pairs(replaced) == {"replaced_by": (None, new), "suffix_code": (None, "A")}
    assert {link.id for link in replaced.links if link.kind is LinkKind.MATERIAL} >= {"A", "B"}
    (made_by,) = of(records, "product.product-production.bom")
    assert pairs(made_by) == {"bom": (bom, revision)}
    assert {link.id for link in made_by.links if link.kind is LinkKind.RECIPE} == {BOM, f"{BOM} revision B"}


def test_a_server_that_does_not_have_a_field_yet_is_not_asked_for_it() -> None:
    older, newer = for_version(MODELS, "7.0.59"), for_version(MODELS, "8.2.1")
    assert newer == MODELS
    asked = older["product.product"].asked()
    assert not [path for path in asked if path.startswith("replaced_by")]
    assert older["product.template"] == MODELS["product.template"]
