"""Makes originals of a listed item: the item itself, and each member of the lists within it, in the source's own words.

Where an item does not say by itself what it belongs to, its original is an envelope of verbatim texts:

    {"each": "WEBID", "part": "journals", "parent": {"id": 17}, "item": {"id": 4, "notes": "…"}}

`part` is the path of the list that the member stands in, or `item` for the item itself (then without the lists within
it, which are originals of their own); `parent` are the members that the driver was told to keep.
"""

import json
import re
from collections.abc import Iterator
from urllib.parse import quote

from collectors.it.http import Http
from collectors.it.listing_json import as_object, cut, split, to_bytes, to_text, without
from collectors.it.listing_spec import Path, Spec
from collectors.mapping.expression import as_text
from collectors.verbatim import members
from ledger.core.errors import FatalSource, SkippableRecord

ITSELF = "item"
_FIELD = re.compile(r"\{([^{}]+)\}")


class Gone(Exception):
    """The item was listed, and was no longer there when it was read."""


def whole(http: Http, spec: Spec, text: str) -> str:
    """The item in full: as it was listed, or read from its own address.

    Raises Gone, SkippableRecord for an item that does not say where it is, RetriableSource and FatalSource.
    """
    if not spec.detail:
        return text
    answer = http.get(http.address(_FIELD.sub(lambda field: _filled(text, field.group(1)), spec.detail)))
    if answer.status == 404:
        raise Gone
    try:
        found = cut(to_text(answer.body), spec.detail_item)
    except (ValueError, RecursionError):
        found = None
    if answer.status != 200 or found is None:
        raise FatalSource(
            f"{http.base} gives no item at {answer.url}: {http.said(answer)}",
            advice="Check the options detail and detail_item.",
        )
    return found


def originals(spec: Spec, each: str, text: str) -> Iterator[bytes]:
    """The bytes of each original that a whole item holds; raises SkippableRecord for one that cannot be taken apart."""
    if not spec.wrapped:
        yield to_bytes(text)
        return
    try:
        yield from [to_bytes(as_object(parts)) for parts in _envelopes(spec, each, text)]
    except (ValueError, RecursionError) as error:
        raise SkippableRecord(f"the item cannot be taken apart: {error}") from None


def short_of(spec: Spec, text: str) -> int:
    """So many members fewer stand in the item's list than the item itself counts."""
    if not spec.nested_total or not spec.nested:
        return 0
    try:
        counted = cut(text, spec.nested_total)
        return max(0, int(counted or 0) - len(_list(text, spec.nested[0])))
    except (ValueError, RecursionError):
        return 0


def _envelopes(spec: Spec, each: str, text: str) -> Iterator[dict[str, str]]:
    outside = {"each": json.dumps(each)} if each else {}
    if spec.itself:
        alone = text
        for path in spec.nested:
            alone = without(alone, path)
        part = {"part": json.dumps(ITSELF)} if spec.nested else {}
        yield {**outside, **part, "item": alone}
    around = members(text) if spec.nested else {}
    parent = as_object({name: around[name] for name in spec.keep if name in around})
    for path in spec.nested:
        part = {"part": json.dumps(".".join(path))}
        for one in _list(text, path):
            yield {**outside, **part, "parent": parent, "item": one}


def _list(text: str, path: Path) -> list[str]:
    """The verbatim members of a list within an item; none where it, or what holds it, is not there or null."""
    holder = cut(text, path[:-1])
    if holder is None or holder == "null":
        return []
    return split(holder, path[-1:])[1] or []


def _filled(text: str, path: str) -> str:
    try:
        found = cut(text, tuple(path.split(".")))
        value = None if found is None else as_text(json.loads(found))
    except (ValueError, RecursionError):
        value = None
    if not value:
        raise SkippableRecord(f"the item has no {path!r}, by which it is to be read")
    return quote(value, safe="")
