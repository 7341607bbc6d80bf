"""Whatever a message holds, it is read or refused; items are the same by their bytes as by their elements."""

import contextlib
from xml.sax.saxutils import escape, quoteattr

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from collectors.it.b2mml_original import MessageOriginal, message_item
from collectors.it.b2mml_xml import elements, parse, scan, values
from ledger.core.errors import SkippableRecord

NAMES = st.sampled_from(["a", "e", "p:e", "b-1", "Ä"])
TEXT = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8).map(
    lambda text: escape(text.replace("\ufffe", "").replace("\uffff", ""))
)


def _element(name: str, value: str, inner: list[str]) -> str:
    attribute = f" k={quoteattr(value)}" if value.isascii() else ""
    return f"<{name}{attribute}>{''.join(inner)}</{name}>" if inner else f"<{name}{attribute}/>"


TREES = st.recursive(
    TEXT,
    lambda inner: st.builds(_element, NAMES, st.sampled_from(["", ">", "</e>"]), st.lists(inner, max_size=4)),
    max_leaves=12,
)


@given(st.lists(TREES, max_size=4))
def test_items_cut_from_a_document_say_what_its_elements_say(trees: list[str]) -> None:
    data = f'<root xmlns:p="urn:p" xmlns="urn:d">{"".join(trees)}</root>'.encode()
    found = scan(data, ("e",))
    there = list(elements(parse(data), ("e",)))
    assert len(there) == len(found.parts)
    for part, element in zip(found.parts, there, strict=True):
        cut = parse(data[part.start : part.end], found.encoding, part.namespaces)
        assert (cut.tag, values(cut)) == (element.tag, values(element))


@given(
    st.binary(max_size=60),
    st.sampled_from([b"", b"<e>", b"<e a='", b'<?xml version="1.0" encoding="', b"<!DOCTYPE e ["]),
)
def test_any_bytes_are_read_or_refused(data: bytes, before: bytes) -> None:
    with contextlib.suppress(SkippableRecord):
        parse(before + data + b"</e>" if before else data)
    with contextlib.suppress(SkippableRecord):
        message_item(data)


@given(st.text(max_size=40), st.dictionaries(st.text(max_size=4), st.text(max_size=8), max_size=2), st.text(max_size=6))
def test_any_original_is_an_item_or_refused(text: str, namespaces: dict[str, str], encoding: str) -> None:
    for name in ("utf-8", encoding):
        original = MessageOriginal(
            name="m", document="d", number=1, text=f"<e>{text}</e>", encoding=name, namespaces=namespaces
        )
        with contextlib.suppress(SkippableRecord):
            assert message_item(msgspec.json.encode(original))["name"] == "e"
