"""The equivalence statement of a source: what its own trail lacks, what is added here, what stays open."""

from collections.abc import Iterable
from typing import Final

import msgspec

from ledger.core.source import ARCHIVE, BY_HAND, SourceConfig
from ledger.sources.challenge_kinds import ChallengeResult
from ledger.sources.handover import Handover, sentences
from ledger.sources.life import Standing
from ledger.sources.life_kinds import LifeState


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What a source's own trail lacks, what is added here, and what stays open; as of the source's standing."""

    source: str
    title: str
    type: str
    state: LifeState
    since: int | None
    lacks: tuple[str, ...]
    adds: tuple[str, ...]
    open: tuple[str, ...]
    challenge: ChallengeResult | None = None
    """What came of the last planted change; null: none was planted."""
    imported: tuple[str, ...] = ()
    """Imports of an old audit trail that it holds, or that it goes on from: from when on it is collected live."""


_ADDS: Final = (
    "each record is kept with the exact bytes that the source gave, and can be derived from them again",
    "since its receipt no record can be changed, removed, inserted or reordered unseen",
    "each collection is on record with where it began and ended; time without contact and gaps are named",
    "the source's clock is measured where it tells its time, and four times are kept apart",
    "the same record collected again with other content is kept beside the first, and is a finding",
)
_OPEN: Final = (
    "what happened before the receipt here is the source's word: exposed is the time from its record to the receipt",
)

_IMPORT_ADDS: Final = (
    "each record is kept with the exact bytes of its row, and can be derived from them again",
    "since its import no record can be changed, removed, inserted or reordered unseen",
    "what was imported is read back and held against the old system's figures; another person states a true copy",
)
_IMPORT_OPEN: Final = (
    "until its import the trail was the old system's alone: what was changed in it before then cannot be seen here",
)

_HAND_ADDS: Final = (
    "each record says who entered it by hand and why, and is marked so wherever it is shown; who enters does not check",
    "since it was entered no record can be changed, removed, inserted or reordered unseen; a correction stands beside",
)
_HAND_OPEN: Final = ("whether all was entered, and rightly, people alone can say: no system holds it against theirs",)

_OF_TYPE: Final = {ARCHIVE: (_IMPORT_ADDS, _IMPORT_OPEN), BY_HAND: (_HAND_ADDS, _HAND_OPEN)}
"""What is added and what stays open, where that is not as of what is collected."""


def equivalence(
    config: SourceConfig,
    now: Standing,
    lacks: tuple[str, ...],
    challenge: ChallengeResult | None = None,
    handovers: Iterable[Handover] = (),
) -> Statement:
    """The statement of a source that stands so, whose own trail `lacks` this."""
    # An actor or a moment that the source does not tell is not made good by anything here.
    adds, opens = _OF_TYPE.get(config.type, (_ADDS, _OPEN))
    still = tuple(f"not made good here: {lack}" for lack in lacks)
    return Statement(
        source=config.id,
        title=config.title,
        type=config.type,
        state=now.state,
        since=now.entry,
        lacks=lacks,
        adds=adds,
        open=(*still, *opens),
        challenge=challenge,
        imported=tuple(line for one in handovers for line in sentences(one)),
    )
