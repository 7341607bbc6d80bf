"""A message's payload in an original and in an item: text where it is UTF-8, else base64; never a byte lost."""

from base64 import b64decode, b64encode
from typing import Final

from collectors.json_text import read_json
from ledger.core.errors import ConfigError, SkippableRecord

FORMATS: Final = ("json", "text", "bytes")


def pack(data: bytes) -> tuple[str | None, str | None]:
    """The payload as text, or else as base64: exactly one of the two."""
    try:
        return data.decode(), None
    except UnicodeDecodeError:
        return None, b64encode(data).decode("ascii")


def unpack(text: str | None, base64: str | None) -> bytes:
    """What `pack` packed; raises SkippableRecord where an original holds neither or both, or no base64."""
    if (text is None) == (base64 is None):
        raise SkippableRecord("the original holds no payload")
    if text is not None:
        try:
            return text.encode()
        except UnicodeEncodeError as error:
            raise SkippableRecord(f"the payload is not UTF-8: {error}") from None
    try:
        return b64decode(base64 or "", validate=True)
    except ValueError as error:
        raise SkippableRecord(f"the payload is not base64: {error}") from None


def read_payload(text: str | None, base64: str | None, form: str) -> object:
    """The payload as a mapping sees it: the value that JSON text holds, with fractions as Decimal; text; or bytes.

    Raises SkippableRecord for a payload that does not have the form.
    """
    if form == "bytes":
        return unpack(text, base64)
    if text is None:
        unpack(text, base64)
        raise SkippableRecord("the payload is not UTF-8", advice="Set the source's option payload to bytes.")
    if form == "text":
        return text
    try:
        return read_json(text)
    except (ValueError, RecursionError) as error:
        raise SkippableRecord(f"the payload is not JSON: {error}", advice="Is the option payload right?") from None


def known_form(form: str) -> str:
    """The option `payload`; raises ConfigError for one that there is not."""
    if form not in FORMATS:
        raise ConfigError(f"option 'payload' is {form!r}", advice=f"Use one of: {', '.join(FORMATS)}.")
    return form
