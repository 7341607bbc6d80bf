"""What one look at a source found, bounded in size."""

import hashlib
from collections.abc import Iterator, Mapping

import msgspec

from collectors.base import MAX_SNAPSHOT
from collectors.text import clean
from ledger.core.errors import FatalSource
from ledger.core.run import SourceFacts
from ledger.core.times import Clock

_MAX_ID = 512
_ENTRY_BYTES = 16
"""What an object adds to a snapshot besides its id and state: quotes, colon, comma, and a little more."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One object: its type and id in the source, and its state as the text of a JSON object, as the source gave it.

    `facts` are what the configuration says about it (unit, equipment): they go into originals and are never compared.
    """

    type: str
    id: str
    state: str
    facts: Mapping[str, str] = {}


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the source gave and that is no object: it is rejected once, not at every look."""

    data: bytes
    media_type: str
    reason: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


class Look:
    """Fills while a driver reads; raises FatalSource when it would not fit into a snapshot, or an id comes twice.

    `began` and `ended` are the collector's clock (`utc_text`). `listed` are the types whose objects were all listed: of
    those, an object of the look before that is not found is deleted. Types that are `rolling` only grow, and forget
    their oldest objects by themselves. An object of any other type that is not found left the configuration.
    """

    def __init__(self, began: str) -> None:
        self.began = began
        self.ended = began
        self.listed: set[str] = set()
        self.rolling: set[str] = set()
        self.unlisted: dict[str, str] = {}
        """Type → why its objects could not be listed: all of the look before stay as they were."""
        self.clock: Clock | None = None
        self.facts: SourceFacts | None = None
        """What the source says of itself."""
        self.refused: list[Refused] = []
        self.unread: dict[tuple[str, str], str] = {}
        """Type and id → why an object that is there could not be read: its state of the look before stays."""
        self._found: dict[tuple[str, str], Found] = {}
        self._size = 0

    def add(self, found: Found) -> None:
        found = msgspec.structs.replace(found, id=object_id(found.id))
        if (found.type, found.id) in self._found:
            raise FatalSource(
                f"{found.type} {found.id!r} comes twice at one look",
                advice="What names an object is not unique there; choose another key in the source's options.",
            )
        self._size += len(found.state.encode()) + len(found.id.encode()) + _ENTRY_BYTES
        if self._size > MAX_SNAPSHOT:
            raise FatalSource(
                f"what there is to compare is larger than {MAX_SNAPSHOT // 1024 // 1024} MiB, "
                f"after {len(self._found)} objects",
                advice="Look at less: fewer objects or fewer members of each; or register several sources for parts.",
            )
        self._found[found.type, found.id] = found

    def get(self, key: tuple[str, str]) -> Found | None:
        return self._found.get(key)

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[Found]:
        return iter(self._found.values())

    def __contains__(self, key: tuple[str, str]) -> bool:
        return key in self._found


def object_id(text: str) -> str:
    """The id as a record can hold it; one that it can't hold as it is (empty, too long, U+0000, a lone surrogate) is
    cleaned and cut, and ends in its SHA-256, so that two of them stay apart.
    """
    fitting = clean(text) or "(empty)"
    if fitting == text and len(text) <= _MAX_ID:
        return text
    return f"{fitting[: _MAX_ID - 65]}#{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def state_text(state: Mapping[str, object]) -> str:
    """A state that a driver puts together itself, as text: the same members give the same text."""
    return msgspec.json.encode(state, order="sorted").decode()
