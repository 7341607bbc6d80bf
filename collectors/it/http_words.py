"""What a source says when something is wrong, in few printable words, whatever it sends."""

import json

import jmespath

from collectors.text import clean

_LONGEST = 300
_BYTES = 65_536
_PLACES = jmespath.compile(
    "[error.message.value, error.message, errors[0].message, errors[0], Errors[0], errorMessages[0], message, Message,"
    " error_description, error] | [?@ != null] | [0]"
)
"""Where products put their words: OData and SAP, Veeva, Redmine, AVEVA, Jira, Microsoft, OAuth."""


def excerpt(said: bytes | str) -> str:
    """The message of an error body, or else its beginning; at most 300 characters, in one line."""
    text = said[:_BYTES].decode("utf-8", "replace") if isinstance(said, bytes) else said
    try:
        found = _PLACES.search(json.loads(text)) if text[:1] in {"{", "["} else None
    except (ValueError, RecursionError):
        found = None
    words = clean(found if isinstance(found, str) else text)
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in words).split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
