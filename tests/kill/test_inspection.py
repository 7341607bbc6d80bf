"""The inspection after a kill finds what it is there to find."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from ledger.core.authority import Authority
from ledger.core.record import Original
from ledger.core.source import SourceConfig
from ledger.creating import create
from ledger.service import Service
from ledger.settings import Settings
from tests.kill.inspection import Inspection
from tests.kill.producer import Acknowledged, Producer
from tests.support.ledgers import put_schema

AUTHORITY = Authority(actor="local:tester", authenticated=False)


class Scene:
    """A ledger with two runs of one producer, the second one not acknowledged."""

    def __init__(self, folder: Path) -> None:
        settings = Settings(origin="plant.example/inspected")
        put_schema(folder, settings)
        self.service: Service = create(folder, settings, AUTHORITY)
        self.service.sources.register(SourceConfig(id="keyed", type="push", title="keyed"), AUTHORITY)
        self.producer = Producer("keyed", 3, keyed=True)
        run = self.producer.next_run()
        self.producer.acknowledge(run, self.service.ingest.submit(run, AUTHORITY))
        self.producer.pending = self.producer.next_run()
        self.inspection = Inspection(folder, [self.producer])

    @property
    def first(self) -> tuple[str, Acknowledged]:
        return next(iter(self.producer.acknowledged.items()))


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path / "ledger")
    yield made
    made.service.close()


def test_an_honest_ledger_passes_with_its_pending_run_in_it_or_not(scene: Scene) -> None:
    scene.inspection.check()
    assert scene.inspection.unanswered == 0
    assert scene.producer.pending is not None
    scene.service.ingest.submit(scene.producer.pending, AUTHORITY)
    scene.inspection.check()
    assert scene.inspection.unanswered == 1


def test_a_lost_record_is_found(scene: Scene) -> None:
    _, known = scene.first
    lost = msgspec.structs.replace(known.submission.record, source_record_id="lost")
    scene.producer.acknowledged["lost"] = Acknowledged(msgspec.structs.replace(known.submission, record=lost), 99)
    with pytest.raises(AssertionError, match=r"'lost'.* was acknowledged as entry 99, now it is in None"):
        scene.inspection.check()


def test_a_record_at_another_index_is_found(scene: Scene) -> None:
    record_id, known = scene.first
    scene.producer.acknowledged[record_id] = Acknowledged(known.submission, known.index + 1)
    with pytest.raises(AssertionError, match=f"acknowledged as entry {known.index + 1}"):
        scene.inspection.check()


def test_another_content_is_found(scene: Scene) -> None:
    record_id, known = scene.first
    record = msgspec.structs.replace(known.submission.record, reason="another")
    original = Original(data=b"another", media_type="text/plain", parser="bench", parser_version="1")
    for changed in (
        msgspec.structs.replace(known.submission, record=record),
        msgspec.structs.replace(known.submission, original=original),
    ):
        scene.producer.acknowledged[record_id] = Acknowledged(changed, known.index)
        with pytest.raises(AssertionError, match=f"entry {known.index}"):
            scene.inspection.check()


def test_a_doubled_record_is_found(scene: Scene) -> None:
    _, known = scene.first
    record = msgspec.structs.replace(known.submission.record, reason="told otherwise")
    again = msgspec.structs.replace(
        scene.producer.next_run(),
        submissions=(msgspec.structs.replace(known.submission, record=record),),
    )
    scene.service.ingest.submit(again, AUTHORITY)
    with pytest.raises(AssertionError, match=f"is in entry {known.index} and again in entry"):
        scene.inspection.check()


def test_a_run_that_is_there_in_part_is_found(scene: Scene) -> None:
    assert scene.producer.pending is not None
    part = msgspec.structs.replace(scene.producer.pending, submissions=scene.producer.pending.submissions[:1])
    scene.service.ingest.submit(part, AUTHORITY)
    with pytest.raises(AssertionError, match="only 1 of"):
        scene.inspection.check()


def test_a_record_that_was_never_sent_is_found(scene: Scene) -> None:
    assert scene.producer.pending is not None
    scene.service.ingest.submit(scene.producer.pending, AUTHORITY)
    scene.producer.pending = None
    with pytest.raises(AssertionError, match="never sent"):
        scene.inspection.check()
