"""Whatever chronyc's lines hold, they are shown or refused; a name may hold any commas."""

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from collectors.infra.chrony import Chrony, _divide
from ledger.core.clock import SystemClock
from ledger.core.errors import SkippableRecord
from ledger.core.source import SourceConfig

CHRONY = Chrony(SourceConfig(id="time", type="chrony", title="Time"), {}, SystemClock())
FIELD = st.one_of(
    st.text(max_size=6), st.decimals().map(str), st.sampled_from(["*", "^", "NaN", "Normal", "-1e999999"])
)


@given(st.lists(FIELD, max_size=20), st.sampled_from(["tracking", "source"]), st.booleans())
def test_any_line_is_shown_or_refused(fields: list[str], kind: str, listed: bool) -> None:
    line = ",".join(fields)
    with contextlib.suppress(SkippableRecord):
        assert CHRONY.show(kind, "x", {"csv": [line] if listed else line}, {}).attributes


@given(st.text(alphabet="a,b;", max_size=12), st.lists(st.text(alphabet="01.", max_size=3), min_size=9, max_size=9))
def test_a_name_comes_out_whole_with_its_commas(name: str, others: list[str]) -> None:
    line = ",".join([*others[:2], name, *others[2:]])
    assert _divide(line, 2, 10) == [*others[:2], name, *others[2:]]
