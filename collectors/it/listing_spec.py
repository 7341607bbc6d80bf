"""What a list of a source is and how it is asked for: what each driver of JSON over HTTP fills in, in its own way."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from collectors.it.http import Pairs
from collectors.mapping.expression import Take
from collectors.mapping.moments import Read

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_COUNTS: Final = {"unix": 1_000_000, "unix-ms": 1_000, "unix-us": 1}

Path = tuple[str, ...]
"""Names of members, from the outside in."""


class Paging(StrEnum):
    """How the next page is asked for.

    `none`: there is one page. `offset`, `page`: by the number of items or pages before it. `link`: by the Link header
    (RFC 8288). `next`: by an address in the answer. `token`: by a token in the answer. `time`: from the last time on.
    """

    NONE = "none"
    OFFSET = "offset"
    PAGE = "page"
    LINK = "link"
    NEXT = "next"
    TOKEN = "token"  # noqa: S105
    TIME = "time"


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """One list, or one for each of several things. `{each}` and `{since}` stand for what is filled in.

    `since` are parameters for all that changed from a time on; they take the place of those of the same name in
    `query`; the source answers for no longer than `reach` back. `sorted` says that the list is ascending by `time`.
    `detail` is the address of the whole item, `{id}` and the like filled in from what was listed. `nested` are lists
    within an item whose members are the records, each with the members `keep` of the item around it. `probe` is read
    first: some sources take a wrong key for no key, and show what anybody may see.
    """

    path: str
    query: Pairs = ()
    since: Pairs = ()
    since_format: str = "%Y-%m-%dT%H:%M:%SZ"
    since_zone: ZoneInfo = ZoneInfo("UTC")
    start: int | None = None
    each: tuple[str, ...] = ("",)
    paging: Paging = Paging.NONE
    page_size: int = 100
    size_param: str = ""
    place_param: str = ""
    items: Path = ()
    next: Take | None = None
    total: Take | None = None
    problem: Take | None = None
    passing: tuple[str, ...] = ()
    probe: str = ""
    time: Read | None = None
    window: timedelta = timedelta(0)
    reach: timedelta | None = None
    sorted: bool = False
    detail: str = ""
    detail_item: Path = ()
    nested: tuple[Path, ...] = ()
    nested_total: Path = ()
    keep: tuple[str, ...] = ()
    itself: bool = True

    @property
    def wrapped(self) -> bool:
        """Whether an original is an envelope, because the item alone does not say what it belongs to."""
        return bool(self.nested) or self.each != ("",)

    def moment(self, instant_us: int) -> str:
        """An instant as the source wants it, cut to what its format can say: never later than the instant."""
        if self.since_format in _COUNTS:
            return str(instant_us // _COUNTS[self.since_format])
        moment = (_EPOCH + timedelta(microseconds=instant_us)).astimezone(self.since_zone)
        return moment.strftime(self.since_format)

    def parameters(self, each: str, since: int | None) -> list[tuple[str, str]]:
        """The parameters of the first page."""
        by_time = self.since if since is not None else ()
        replaced = {name for name, _ in by_time}
        pairs = [(name, value) for name, value in self.query if name not in replaced]
        if self.size_param:
            pairs.append((self.size_param, str(self.page_size)))
        moment = self.moment(since) if since is not None else ""
        filled = [(name, value.replace("{each}", each)) for name, value in pairs]
        return filled + [(name, value.replace("{each}", each).replace("{since}", moment)) for name, value in by_time]
