"""Whatever is dropped: a file is divided or refused, and what is divided is read or refused, never anything else."""

import contextlib
import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from collectors.infra.entries import ENTRY_OPTIONS, FORMATS
from collectors.infra.folder_items import ITEM_OPTIONS, Envelope, FileFacts, Items, read_envelope
from ledger.core.errors import SkippableRecord

DEFAULTS = {option.name: option.default or "" for option in (*ENTRY_OPTIONS, *ITEM_OPTIONS)}
FACTS = FileFacts(name="a", item=1, items=1, modified="", sha256="", id="")
bits = st.sampled_from(
    ["<a>", "</a>", "<row x='1'>", "</row>", "&amp;", "&x;", '"', ",", "\n", ";", "[", "]", "{", "}", ":"]
)
contents = st.binary(max_size=100) | st.lists(bits | st.text(max_size=4), max_size=25).map(
    lambda parts: "".join(parts).encode("utf-8", "replace")
)


@given(
    st.sampled_from([*FORMATS, "xml"]),
    st.sampled_from(["", "row"]),
    st.sampled_from(["utf-8", "utf-16", "latin-1"]),
    contents,
)
def test_any_file_is_divided_or_refused_and_each_item_read_or_refused(
    form: str, items: str, encoding: str, data: bytes
) -> None:
    given_ = {"format": form, "encoding": encoding, "items": items if form in {"json", "xml"} else ""}
    given_ |= {"columns": "a,b" if form == "delimited" else "", "pattern": "(?P<a>.)", "head_lines": "0"}
    reader = Items(lambda name: given_.get(name) or DEFAULTS[name])
    with contextlib.suppress(SkippableRecord):
        for part in reader.divide(data):
            envelope = Envelope(file=FACTS, part=part)
            again = read_envelope(msgspec.json.encode(envelope))
            assert again == envelope
            with contextlib.suppress(SkippableRecord):
                reader.read(again)


@given(
    st.lists(
        st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.none() | st.floats(), max_size=3), max_size=6
    )
)
def test_json_items_are_the_ones_that_were_written(items: list[dict[str, object]]) -> None:
    reader = Items(lambda name: {"format": "json", "items": "rows"}.get(name) or DEFAULTS[name])
    text = json.dumps({"rows": items}, ensure_ascii=False)
    parts = reader.divide(text.encode("utf-8", "replace"))
    assert len(parts) == len(items)
    assert all(part.text is not None and part.text in text for part in parts)
