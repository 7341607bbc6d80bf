"""Reads one list of a source from a time on, page by page, so that no item is left out while others change.

An offset counts items, and the items before it can change places while pages are read: then one is skipped. So a list
that is sorted by time is asked for again from the time of the last item on, after every page (keyset paging), and an
offset is used only among items of the same time. What is read twice by that is handed on once.
"""

from collections import OrderedDict
from collections.abc import Generator, Iterator
from hashlib import blake2b
from itertools import pairwise
from urllib.parse import quote

import msgspec

from collectors.it.http import Answer, Http, with_query
from collectors.it.listing_json import split, to_bytes, to_text
from collectors.it.listing_spec import Paging, Spec
from collectors.mapping.collector import json_item
from collectors.mapping.expression import MISSING, Take, as_text
from ledger.core.errors import FatalSource, RetriableSource, SkippableRecord

MAX_PAGES = 100_000
"""Pages of one list; more is no list but a loop."""
_REMEMBERED = 10_000
_COUNTED = frozenset({Paging.OFFSET, Paging.PAGE})


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One item as the list gave it, and the instant at which it last changed, where it says so."""

    text: str
    at: int | None


class Tag(msgspec.Struct, frozen=True, kw_only=True):
    """The ETag of a list that came on one page, and the digest of the address that it was read from."""

    tag: str
    of: str


class _Page(msgspec.Struct, frozen=True, kw_only=True):
    answer: Answer
    listed: list[Listed]
    around: dict[str, object]

    @property
    def last(self) -> int | None:
        return max((one.at for one in self.listed if one.at is not None), default=None)


class Walk:
    """One reading of one list. Iterate once; then `missing`, `unchanged` and `tag` say how it went."""

    def __init__(self, http: Http, spec: Spec, each: str, since: int | None, tag: Tag | None = None) -> None:
        self.missing = 0
        """So many items fewer came than the source itself counted."""
        self.unchanged = False
        """The source says that nothing changed since the reading that `tag` was taken from."""
        self.tag: Tag | None = None
        """For the next reading, where this one took one page and the source gave it an ETag."""
        self._http = http
        self._spec = spec
        self._each = each
        self._since = since
        self._known_tag = tag
        self._pages = 0
        self._seen: OrderedDict[bytes, None] = OrderedDict()
        self._restarts = spec.sorted and bool(spec.since) and spec.paging in {*_COUNTED, Paging.TIME}

    def __iter__(self) -> Iterator[Listed]:
        since: int | None = self._since
        again = True
        while again:
            since, again = yield from self._stretch(since)

    def _stretch(self, since: int | None) -> Generator[Listed, None, tuple[int | None, bool]]:
        """Reads pages until the end, or until it is better to ask anew from a later time on, which it then returns."""
        url: str | None = self._first(since)
        read, number, total, asked, before = 0, 0, None, set[bytes](), list[str]()
        while url is not None:
            if (mark := _digest(url)) in asked:
                raise FatalSource(f"{self._http.base} leads in a circle: the page {url} names itself as one to come")
            asked.add(mark)
            page = self._page(url)
            if page is None:
                self.unchanged = True
                return None, False
            if (texts := [one.text for one in page.listed]) and texts == before:
                raise FatalSource(
                    f"{self._http.base} gives the same page again, whatever place in the list is asked for",
                    advice="Correct the options paging and place_param.",
                )
            before = texts
            fresh = yield from self._new(page)
            read, number = read + len(page.listed), number + 1
            counted = _number(self._spec.total, page.around)
            total = counted if counted is not None else total
            if self._spec.paging is Paging.TIME:
                return self._onward(page, since, fresh)
            ended = not page.listed or (total is not None and read >= total)
            if self._restarts and not ended and self._later(page.last, since):
                return page.last, True
            url = self._following(page, since, read, number, ended)
        self.missing = max(0, (total or 0) - read)
        return None, False

    def _new(self, page: _Page) -> Generator[Listed, None, int]:
        """Hands on what this reading has not handed on yet, but for what is older than it was to be; how many it was.

        A source may be able to filter by the day or the minute only, or not at all.
        """
        fresh = 0
        for one in page.listed:
            if one.at is not None and self._since is not None and one.at < self._since:
                continue
            mark = _digest(one.text)
            if mark in self._seen:
                continue
            self._seen[mark] = None
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
            fresh += 1
            yield one
        return fresh

    def _later(self, last: int | None, since: int | None) -> bool:
        """Whether asking from `last` on is another question than asking from `since` on."""
        if last is None:
            return False
        return since is None or (last > since and self._spec.moment(last) != self._spec.moment(since))

    def _onward(self, page: _Page, since: int | None, fresh: int) -> tuple[int | None, bool]:
        if self._later(page.last, since):
            return page.last, True
        if fresh and len(page.listed) >= self._spec.page_size:
            raise FatalSource(
                f"{self._http.base} has {len(page.listed)} things or more of the same time, and gives no more at once",
                advice="Raise the option page_size beyond that number.",
            )
        return None, False

    def _first(self, since: int | None) -> str:
        path = self._spec.path.replace("{each}", quote(self._each, safe=""))
        return with_query(self._http.address(path), self._spec.parameters(self._each, since))

    def _following(self, page: _Page, since: int | None, read: int, number: int, ended: bool) -> str | None:
        spec = self._spec
        if spec.paging in _COUNTED:
            if ended:
                return None
            place = read if spec.paging is Paging.OFFSET else number + 1
            return with_query(self._first(since), [(spec.place_param, str(place))])
        if spec.paging is Paging.LINK:
            link = page.answer.next_link
            return None if link is None else self._http.address(link, page.answer.url)
        found = None if spec.next is None else as_text(_take(spec.next, page.around))
        if not found or spec.paging is Paging.NONE:
            return None
        if spec.paging is Paging.TOKEN:
            return with_query(self._first(since), [(spec.place_param, found)])
        return self._http.address(found, page.answer.url)

    def _page(self, url: str) -> _Page | None:
        self._pages += 1
        if self._pages > MAX_PAGES:
            raise FatalSource(f"{self._http.base} gives more than {MAX_PAGES} pages of one list")
        of = _digest(url).hex()
        conditional = self._pages == 1 and self._known_tag is not None and self._known_tag.of == of
        headers = {"If-None-Match": self._known_tag.tag} if conditional and self._known_tag else {}
        answer = self._http.get(url, headers)
        if answer.status == 304 and conditional:
            self.tag = self._known_tag
            return None
        if answer.status != 200:
            raise FatalSource(
                f"{self._http.base} has no list at {url} (status {answer.status})",
                advice="Check the source's address and path; a list that the account may not see can look so, too.",
            )
        tag = answer.headers.get("etag", "")
        self.tag = Tag(tag=tag, of=of) if tag and tag.isascii() and len(tag) <= 200 and self._pages == 1 else None
        return self._read(answer)

    def _read(self, answer: Answer) -> _Page:
        try:
            around, found = split(to_text(answer.body), self._spec.items)
        except (ValueError, RecursionError) as error:
            raise RetriableSource(
                f"{self._http.base} answered with something else than the JSON of a list: {self._http.said(answer)}",
                advice=f"A proxy or a maintenance page may have answered; else check path and items ({error}).",
            ) from None
        self._raise_problem(around)
        if found is None:
            raise FatalSource(
                f"{self._http.base} answered without a list at {'.'.join(self._spec.items)!r}: "
                f"{self._http.said(answer)}",
                advice="Check the option that says where the items stand.",
            )
        listed = [Listed(text=text, at=self._at(text)) for text in found]
        if self._spec.sorted:
            self._check_order(listed)
        return _Page(answer=answer, listed=listed, around=around)

    def _raise_problem(self, around: dict[str, object]) -> None:
        told = None if self._spec.problem is None else _take(self._spec.problem, around)
        if told in (None, False, "") or told is MISSING:
            return
        words = as_text(told) or "it does not say what"
        message = f"{self._http.base} answered that something is wrong: {words[:300]}"
        if any(word in words for word in self._spec.passing):
            raise RetriableSource(message)
        raise FatalSource(message, advice="Check the source's options and the account's rights.")

    def _at(self, text: str) -> int | None:
        if self._spec.time is None:
            return None
        try:
            moment = self._spec.time(json_item(to_bytes(text)))
        except SkippableRecord:
            return None
        return None if moment is None else moment.instant_us

    def _check_order(self, listed: list[Listed]) -> None:
        times = [one.at for one in listed if one.at is not None]
        if any(late < early for early, late in pairwise(times)):
            raise FatalSource(
                f"{self._http.base} gives a list that does not ascend by time, and the options say that it does",
                advice="Have it sorted by the query, or set the option sorted to no.",
            )


def _digest(text: str) -> bytes:
    return blake2b(to_bytes(text), digest_size=12).digest()


def _take(take: Take, around: dict[str, object]) -> object:
    try:
        return take(around)
    except SkippableRecord:
        return None


def _number(take: Take | None, around: dict[str, object]) -> int | None:
    text = None if take is None else as_text(_take(take, around))
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 16 else None
