"""Whatever a report or an original holds, it is read or refused; no file ends a look or comes twice."""

import contextlib
import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from collectors.infra.backup_look import _objects
from collectors.infra.backup_original import BackupOriginal, backup_item
from ledger.core.errors import SkippableRecord

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from(["id", "time", "operation", "files_new", "archive", "num_errors"]), JSON)


@given(st.binary(max_size=200))
def test_any_file_is_objects_or_refused(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert all(isinstance(json.loads(text), dict) for text in _objects(data))


@given(st.lists(OBJECTS, min_size=1, max_size=4), st.sampled_from(["lines", "array"]))
def test_objects_come_out_as_they_were_written(objects: list[dict[str, object]], form: str) -> None:
    written = [json.dumps(one) for one in objects]
    text = "\n".join(written) if form == "lines" else f"[{', '.join(written)}]"
    assert _objects(text.encode()) == written


@given(OBJECTS, st.sampled_from(["snapshot", "gone", "check", "report"]), st.text(max_size=8))
def test_any_original_is_an_item_or_refused(said: dict[str, object], kind: str, identity: str) -> None:
    original = BackupOriginal(kind=kind, key=f"{kind}/{identity}", text=json.dumps(said), statistics="{}")  # type: ignore[arg-type]
    with contextlib.suppress(SkippableRecord):
        assert backup_item(msgspec.json.encode(original))["kind"] == kind


@given(st.binary(max_size=100))
def test_any_bytes_are_an_item_or_refused(data: bytes) -> None:
    with contextlib.suppress(SkippableRecord):
        backup_item(data)
