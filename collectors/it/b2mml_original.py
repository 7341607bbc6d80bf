"""The original of a message, or of one element of it: its bytes, and where they stood."""

from typing import Final

import msgspec

from collectors.it.b2mml_xml import local, parse, values
from collectors.mapping.expression import Item
from collectors.payload import unpack
from ledger.core.errors import SkippableRecord

MEDIA_TYPE: Final = "application/json"


class MessageOriginal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A JSON object. `document` is the first half of the SHA-256 of the whole document, `number` which item of it this
    is; `namespaces` hold where the bytes stood (null: they are the whole document), `context` is what stood above.
    """

    name: str
    document: str
    number: int
    modified: str | None = None
    root: str = ""
    namespace: str = ""
    encoding: str = "utf-8"
    namespaces: dict[str, str] | None = None
    context: dict[str, dict[str, str]] = {}
    text: str | None = None
    base64: str | None = None


def message_item(data: bytes) -> Item:
    """What a mapping sees: `name` of the element, `item` (what it holds), `context`, `message`, and `key`.

    Raises SkippableRecord for what is no such original, or no XML within the bounds.
    """
    try:
        found = msgspec.json.decode(data, type=MessageOriginal)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise SkippableRecord(f"not the original of a message: {error}") from None
    element = parse(unpack(found.text, found.base64), found.encoding, found.namespaces)
    return {
        "key": f"{found.document}/{found.number}",
        "name": local(element),
        "item": values(element),
        "context": found.context,
        "message": {
            "name": found.name,
            "modified": found.modified,
            "root": found.root,
            "namespace": found.namespace,
            "document": found.document,
            "number": found.number,
        },
    }
