"""Whatever is in a log or an event: it is read or told, and nothing else happens."""

import contextlib
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from collectors.infra.evtx import event_item
from collectors.infra.evtx_log import chunks, records
from ledger.core.errors import SkippableRecord
from tests.support.evtx_writer import Event, log_bytes

AT = datetime(2026, 11, 25, tzinfo=UTC)
WHOLE = log_bytes([[Event(record=one, id=4624, at=AT, data={"TargetUserName": f"op{one}"}) for one in range(1, 6)]])
END = len(WHOLE.rstrip(b"\0"))
values = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["#text", "#attributes", "Name", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)
names = st.sampled_from(["System", "EventData", "UserData", "Provider", "EventID", "Security", "TimeCreated"])


@given(st.lists(st.tuples(st.integers(0, END - 1), st.integers(0, 255)), max_size=6), st.integers(0, END))
def test_any_damage_to_a_log_ends_nothing_and_makes_no_other_events(changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(WHOLE[:END])
    for at, value in changes:
        data[at] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "Security.evtx"
        path.write_bytes(data[: END - cut % 600])
        with contextlib.suppress(SkippableRecord):
            for chunk in chunks(path):
                found, _ = records(chunk)
                assert len(found) <= 5


@given(st.dictionaries(names, values | st.dictionaries(names, values, max_size=3), max_size=4))
def test_any_event_is_read_or_refused(event: dict[str, object]) -> None:
    with contextlib.suppress(SkippableRecord):
        item = event_item(json.dumps({"Event": event}).encode())
        assert isinstance(item["fields"], list)
