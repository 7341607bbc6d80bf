"""A real LIMS: GNU Health's laboratory on Tryton 7.0, from the opening of a sample to its result and its limits."""

from collections.abc import Iterator
from typing import Any

import pytest

from collectors.it.tryton import Tryton
from collectors.it.tryton_models import LABORATORY
from collectors.runner import Runner
from ledger.core.clock import SystemClock
from ledger.core.errors import FatalSource
from ledger.core.record import Action, LinkKind, Record
from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.support.gnuhealth import Lims, lims_folder, sample
from tests.support.memory_sink import MemorySink

CLOCK = SystemClock()
RESULT = "gnuhealth.lab.test.critearea"
pytestmark = [
    pytest.mark.timeout(400),  # where the environment has no database yet, the first test makes it
    pytest.mark.tested(
        system=SystemClass.LIMS,
        source="GNU Health, laboratory",
        type="tryton",
        against="GNU Health 5.0 on Tryton 7.0, a real server",
        holds="who, when; samples, results, limits, methods with old and new values inferred from two looks; buttons",
    ),
]


@pytest.fixture(scope="module")
def lims(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lims]:
    with Lims(lims_folder(tmp_path_factory.mktemp("gnuhealth") / "lims")) as server:
        yield server


def source(lims: Lims, **options: str) -> Tryton:
    given = {"url": lims.url, "user": "collector", "models": ", ".join(LABORATORY), **options}
    config = SourceConfig(id="lims", type="tryton", title="LIMS", options=given)
    return Tryton(config, {"password": lims.passwords["collector"]}, CLOCK)


def pull(sink: MemorySink, made: Tryton) -> list[Record]:
    before = len(sink.records)
    Runner(made, sink, CLOCK).pull()
    assert sink.rejected == []
    return sink.records[before:]


def pairs(record: Record) -> dict[str, tuple[Any, Any]]:
    return {change.attribute: (change.old, change.new) for change in record.changes}


def test_a_result_that_is_entered_and_changed_has_its_sample_lot_unit_and_limits(lims: Lims) -> None:
    sink = MemorySink("lims")
    pull(sink, source(lims))
    with lims.session("analyst1") as analyst:
        opened = sample(analyst, "LOT-7")
        number = analyst.read("gnuhealth.lab", opened, "name")["name"]
        (analyte,) = analyst.find(RESULT, ["gnuhealth_lab_id", "=", opened])
        created = {record.object.type: record for record in pull(sink, source(lims))}
        assert {record.action for record in created.values()} == {Action.CREATE}
        assert created["gnuhealth.lab"].actor.account == "analyst1"
        assert {(link.kind, link.id) for link in created[RESULT].links} == {
            (LinkKind.SAMPLE, number), (LinkKind.LOT, "LOT-7"), (LinkKind.DOCUMENT, "ASSAY"),
        }  # fmt: skip
        analyst.write(RESULT, analyte, result=93.1)
        (entered,) = pull(sink, source(lims))
        assert pairs(entered) == {"result": (None, "93.1")}
        analyst.write(RESULT, analyte, result=97.4, remarks="repeated")
        (repeated,) = pull(sink, source(lims))
    assert (repeated.action, repeated.actor.account) == (Action.UPDATE, "analyst1")
    assert pairs(repeated) == {"result": ("93.1", "97.4"), "remarks": (None, "repeated")}
    units = {change.attribute: change.unit for change in repeated.changes}
    assert units == {"result": "percent of label", "remarks": None}
    assert all(change.inferred is not None for change in repeated.changes)


def test_a_limit_of_a_method_and_the_release_of_a_sample_are_told(lims: Lims) -> None:
    sink = MemorySink("lims")
    with lims.session("analyst1") as analyst:
        opened = sample(analyst, "LOT-8")
    pull(sink, source(lims))
    with lims.session("manager1") as manager:
        method = manager.find_one("gnuhealth.lab.test_type", ["code", "=", "ASSAY"])
        (limit,) = manager.find(RESULT, ["test_type_id", "=", method])
        manager.write(RESULT, limit, lower_limit=90.0)
        manager.press("gnuhealth.lab", "generate_document", opened)
    records = pull(sink, source(lims))
    (widened,) = [record for record in records if record.object.type == RESULT]
    assert (widened.actor.account, pairs(widened)) == ("manager1", {"lower_limit": ("95.0", "90.0")})
    released = [record for record in records if record.object.type == "gnuhealth.lab"]
    assert {record.actor.account for record in released} == {"manager1"}
    assert ("draft", "done") in [pairs(record).get("state") for record in released]
    assert sink.gaps == []


def test_it_is_tried_and_its_version_said(lims: Lims) -> None:
    with lims.session("analyst1") as analyst:
        sample(analyst, "LOT-9")
    report = source(lims).check()
    assert all(check.ok for check in report.checks), report
    sink = MemorySink("lims")
    pull(sink, source(lims))
    (facts,) = [run.facts for run in sink.runs if run.facts is not None]
    assert (facts.version or "").startswith("Tryton 7.0.")
    with pytest.raises(FatalSource, match="refuses user 'somebody'"):
        pull(MemorySink("lims"), source(lims, user="somebody"))
    with pytest.raises(FatalSource, match="is not Tryton's JSON-RPC") as caught:
        pull(MemorySink("lims"), source(lims, url=f"{lims.url}rpc/"))
    assert "before 8.0: without `rpc/`" in (caught.value.advice or "")
