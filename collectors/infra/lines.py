"""The original of a record that stood in a file: its bytes as they were written, and where they stood.

A JSON object: `file` (name), `number` (of the file, as the collector counts them), `offset` (of the first byte, or the
number of the item in a file that is read whole), the bytes as `text` where they are UTF-8, else as `base64`; `header`
is the line of the file that names its columns.
"""

import msgspec

from collectors.infra.entries import EntryReader
from collectors.mapping.expression import Item
from collectors.payload import pack, unpack
from ledger.core.errors import SkippableRecord

MEDIA_TYPE = "application/json"


class Line(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """See the module."""

    file: str
    number: int
    offset: int
    text: str | None = None
    base64: str | None = None
    header: str | None = None

    def data(self) -> bytes:
        """The bytes; raises SkippableRecord where they are given twice, not at all, or not in base64."""
        return unpack(self.text, self.base64)


_DECODER = msgspec.json.Decoder(Line)


def make_line(file: str, number: int, offset: int, data: bytes, header: str | None = None) -> Line:
    """The line with its bytes in the form that holds them."""
    text, base64 = pack(data)
    return Line(file=file, number=number, offset=offset, text=text, base64=base64, header=header)


def read_line(data: bytes) -> Line:
    """The line that an original holds; raises SkippableRecord for anything else."""
    try:
        return _DECODER.decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise SkippableRecord(f"not the original of a line: {error}") from None


def line_item(line: Line, reader: EntryReader, encoding: str) -> Item:
    """What a mapping sees: `entry` (the fields), `text` (all of it) and `file` (`name`, `number`, `offset`)."""
    if line.text is not None and line.base64 is None and encoding == "utf-8":
        text = line.text
    else:
        text = line.data().decode(encoding, "replace")
    if line.offset == 0:
        text = text.removeprefix("\ufeff")
    return {
        "entry": reader.read(text, line.header),
        "text": text,
        "file": {"name": line.file, "number": line.number, "offset": line.offset},
    }
