"""The English catalogue, one module a subject."""

from ledger.present.english import (
    door,
    identity,
    keys,
    notices,
    origins,
    pages,
    paper,
    people,
    privacy,
    report,
    sentences,
    signing,
    sources,
    terminals,
    tiles,
    witnesses,
    words,
    workflows,
)

_PARTS = (
    door,
    identity,
    keys,
    words,
    notices,
    sentences,
    pages,
    report,
    people,
    privacy,
    signing,
    terminals,
    workflows,
    paper,
    origins,
    sources,
    tiles,
    witnesses,
)
CATALOGUE: dict[str, str] = {key: text for part in _PARTS for key, text in part.MESSAGES.items()}
