"""Words about objects: their versions, and what stood in their fields."""

from typing import Final

MESSAGES: Final = {
    "object.exists.yes": "there",
    "object.exists.no": "not there",
    "object.exists.unknown": "whether it is there is not known",
    "object.since": "since entry {index}",
    "object.before-all": "before the first change that is known",
    "object.or": "or",
    "object.undated": "{count} records of it that nothing places in time are left out.",
    "object.state.read": "As things stood at {at}, as of size {size}.",
    "object.signed": "● signed by {name}: {meaning}, {at} ({address})",
    "object.corrected": "▲ its source gave this record again with other content: entry {index}",
    "object.broken": "does not go on from entry {index}, which left {value}",
    "object.cannot-tell": "what it follows cannot be told",
    "object.after-signature": "changed after signature {address}",
}
