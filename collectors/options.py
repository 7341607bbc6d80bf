"""Reads the two shapes that an option's text can have besides a single word: a list and a map."""

from ledger.core.errors import ConfigError


def read_list(text: str) -> tuple[str, ...]:
    """Words separated by commas or line breaks, in order, each once; empty ones are left out."""
    words = (word.strip() for word in text.replace("\n", ",").split(","))
    return tuple(dict.fromkeys(word for word in words if word))


def read_map(text: str, what: str) -> dict[str, str]:
    """Pairs `KEY = VALUE` separated by commas or line breaks; the last `=` of a pair divides it.

    Raises ConfigError, naming `what`, for a pair without key or value and for a key given twice.
    """
    pairs: dict[str, str] = {}
    for pair in read_list(text):
        key, _, value = (part.strip() for part in pair.rpartition("="))
        if not key or not value or key in pairs:
            raise ConfigError(
                f"option {what!r}: {pair!r} is not a pair of its own", advice="Write KEY = VALUE, KEY = VALUE."
            )
        pairs[key] = value
    return pairs
