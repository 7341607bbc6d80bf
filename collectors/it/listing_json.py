"""Cuts JSON answers into verbatim pieces: the items of a page, the members of an item, and envelopes of both.

Bytes that are no UTF-8 stay what they are: the item that holds them is rejected later, with its bytes, and no other.
"""

import json
from collections.abc import Mapping
from decimal import Decimal

from collectors.it.listing_spec import Path
from collectors.verbatim import items, members

_ESCAPE = "surrogateescape"


def to_text(body: bytes) -> str:
    """The body as text, from which `to_bytes` gives the same bytes again (but for a byte order mark)."""
    return body.decode("utf-8-sig", _ESCAPE)


def to_bytes(text: str) -> bytes:
    """The bytes that the text was read from."""
    return text.encode("utf-8", _ESCAPE)


def split(text: str, path: Path) -> tuple[dict[str, object], list[str] | None]:
    """What stands around the list at a path, as values, and the verbatim items of that list.

    None for the list where there is none; an empty one for null. Raises ValueError and RecursionError.
    """
    if not path:
        return {}, items(text)
    head, rest = path[0], path[1:]
    parts = members(text)
    around = {name: json.loads(part, parse_float=Decimal) for name, part in parts.items() if name != head}
    if head not in parts:
        return around, None
    if parts[head] == "null":
        return around, []
    inner, found = split(parts[head], rest)
    return ({**around, head: inner} if rest else around), found


def cut(text: str, path: Path) -> str | None:
    """The verbatim text at a path; None where it is not there. Raises ValueError and RecursionError."""
    for name in path:
        found = members(text).get(name)
        if found is None:
            return None
        text = found
    return text


def without(text: str, path: Path) -> str:
    """An object's text with the member at a path left out; all other members verbatim. Raises as `cut`."""
    parts = members(text)
    head, rest = path[0], path[1:]
    if head not in parts:
        return text
    if not rest:
        return as_object({name: part for name, part in parts.items() if name != head})
    if not parts[head].startswith("{"):
        return text
    return as_object({**parts, head: without(parts[head], rest)})


def as_object(parts: Mapping[str, str]) -> str:
    """A JSON object of verbatim parts."""
    return "{" + ",".join(f"{json.dumps(name)}:{part}" for name, part in parts.items()) + "}"
