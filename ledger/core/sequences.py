"""A source's own numbering of its records: the series, and the number in it."""

import re
from typing import Final

_NUMBERED: Final = re.compile(r"(.*?)([0-9]{1,18})", re.ASCII | re.DOTALL)


def cut(text: str | None) -> tuple[str | None, int | None]:
    """Cut a source's sequence into what it begins with and the number at its end; None and None where it ends in none.

    `2026/A-00042` gives `2026/A-` and 42. Of more than 18 digits the last 18 are the number: it fits 64 bits.
    """
    found = None if text is None else _NUMBERED.fullmatch(text)
    return (None, None) if found is None else (found[1], int(found[2]))
