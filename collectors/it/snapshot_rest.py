"""A list of JSON over HTTP whose source keeps no trail: looks at its items and compares.

An item is an object, named by its key members; its state is the item as the source wrote it, byte for byte. Members of
objects within it are attributes of their own (`limits.high`), lists are compared whole. Members that change by
themselves (a time of the last look, a counter of reads) are left out by the option `ignore`.

- A list that comes on pages can lose an item to a change in between. So an item of before that is not in the list is
  gone only when a second reading of the whole list does not hold it either; and where the source counts its items
  (option `total`) and gives fewer, nothing is called gone, and a gap says so.
- Where an item counts its changes (option `count`), one that was changed more than once between two looks is marked so;
  where it keeps the time of its last change (option `modified`), that is the time of the record.
- The source's clock is measured by the Date header of its answers.
"""

from collections.abc import Mapping

from collectors.base import Check, CheckReport, Option, Stop, judge_clock
from collectors.compare.collector import UNSEEN, ComparingCollector, Stopped, baseline_option
from collectors.compare.look import Found, Look, Refused, object_id
from collectors.compare.memory import Memory
from collectors.compare.record import Shown, read_state
from collectors.facts import SCHEMA, Members, facts
from collectors.it.http import Http, Pause, checked_address, trust
from collectors.it.http_auth import OPTIONS, SECRETS
from collectors.it.listing_json import to_bytes
from collectors.it.listing_options import URL, credentials, expression, limits, must_be_known, pairs, path, word
from collectors.it.listing_pages import Walk
from collectors.it.listing_spec import Paging, Spec
from collectors.mapping.collector import json_item
from collectors.mapping.expression import MISSING, Item, as_text, compile_path
from collectors.mapping.moments import Moment, compile_moment
from collectors.options import read_list
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import CollectorError, ConfigError, FatalSource, SkippableRecord
from ledger.core.source import SourceConfig

_SIZE = {Paging.OFFSET: "limit", Paging.PAGE: "per_page"}
_PLACE = {Paging.OFFSET: "offset", Paging.PAGE: "page", Paging.TOKEN: "page_token"}
_PAGINGS = tuple(paging for paging in Paging if paging is not Paging.TIME)
_DEPTH = 8


class SnapshotRest(ComparingCollector):
    """See the module."""

    type = "snapshot-rest"
    title = "List of JSON over HTTP (snapshot and compare)"
    format = "1"
    lacks = UNSEEN
    tells = (SCHEMA,)
    options = (
        URL,
        Option(name="path", meaning="path of the list below the address", required=True),
        Option(name="query", meaning="parameters of every request, NAME=VALUE&NAME=VALUE"),
        Option(name="items", meaning="where the items stand in an answer, names divided by dots; empty: it is a list"),
        Option(name="key", meaning="JMESPath of what names an item; several, comma-separated", required=True),
        Option(name="object", meaning="what an item is called in records", default="item"),
        Option(name="name", meaning="JMESPath of a name that people know an item by"),
        Option(name="ignore", meaning="members that are not compared, comma-separated, names divided by dots"),
        Option(name="modified", meaning="JMESPath of the time at which an item was last changed"),
        Option(name="modified_format", meaning="how it is written: iso, unix, unix-ms, …, or a pattern", default="iso"),
        Option(name="count", meaning="JMESPath of a number that counts the changes of an item (a version)"),
        Option(name="paging", meaning=f"how pages follow each other: {', '.join(_PAGINGS)}", default="none"),
        Option(name="page_size", meaning="items asked for at once", default="100"),
        Option(name="size_param", meaning="parameter for the page size"),
        Option(name="place_param", meaning="parameter for offset, page number or token"),
        Option(name="next", meaning="JMESPath of the next page's address or token in an answer"),
        Option(name="total", meaning="JMESPath of the number of all items in an answer"),
        Option(name="max_mebibytes", meaning="an answer holds at most this much", default="32"),
        Option(name="timeout", meaning="seconds of silence after which an answer is given up", default="30"),
        Option(
            name="ca_file",
            meaning="certificates (PEM) of the authorities that may vouch for the source, in place of the system's",
        ),
        baseline_option("one"),
        *OPTIONS,
    )
    secrets = SECRETS

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        super().__init__(config, secrets, clock)
        self._base = checked_address(self.option("url"))
        self._credentials = credentials(self)
        self._limits = limits(self)
        self._spec = self._read_spec()
        self._key = [compile_path(one, "option key") for one in read_list(self.option("key"))]
        self._ignore = frozenset(read_list(self.option("ignore")))
        self._name, self._count = expression(self, "name"), expression(self, "count")
        self._kind = self.option("object")
        moment = Moment(at=self.option("modified") or "none", format=self.option("modified_format"))
        self._moment = compile_moment(moment, config.zone, "option modified") if self.option("modified") else None
        self._pause = Pause()

    @property
    def scope(self) -> str:
        named = ("path", "query", "items", "key", "object")
        return "\n".join((self._base, *(self.option(name) for name in named)))

    def show(self, kind: str, identity: str, state: Item, facts: Mapping[str, str]) -> Shown:
        attributes: dict[str, object] = {}
        self._flatten(state, "", attributes, 0)
        count = None if self._count is None else as_text(self._count(state))
        return Shown(
            attributes=attributes,
            name=None if self._name is None else as_text(self._name(state)),
            moment=None if self._moment is None else self._moment(state),
            count=int(count) if count is not None and count.isascii() and count.isdigit() and len(count) < 16 else None,
        )

    def check(self) -> CheckReport:
        checks: list[Check] = []
        try:
            with self._session(None) as http:
                checks.append(Check(name="sign-in", ok=True, says=f"{http.base} is asked as {http.account}"))
                look = Look(utc_text(self.clock.now_us()))
                self._read(http, look, None, Memory())
                checks.append(_judge_items(look, self._kind))
                clock = http.source_clock
        except (CollectorError, ConfigError) as error:
            return CheckReport(
                checks=(*checks, Check(name="source", ok=False, says=error.message, advice=error.advice))
            )
        return CheckReport(checks=(*checks, judge_clock(clock)), clock=clock)

    def look(self, stop: Stop, known: Memory) -> Look:
        look = Look(utc_text(self.clock.now_us()))
        look.listed.add(self._kind)
        with self._session(stop) as http:
            self._read(http, look, stop, known)
            look.clock = http.source_clock
        look.facts = facts(schema=_schema(look))
        look.ended = utc_text(self.clock.now_us())
        return look

    def _read(self, http: Http, look: Look, stop: Stop | None, known: Memory) -> None:
        first = _Reading(self, http, stop)
        items = first.items
        if first.doubled or any(identity not in items for identity in known.states.get(self._kind, ())):
            second = _Reading(self, http, stop)
            if both := sorted(first.doubled & second.doubled):
                raise FatalSource(
                    f"{self._kind} {both[0]!r} comes twice in the list at {http.base}",
                    advice="What names an item is not unique there; choose another key in the source's options.",
                )
            items = {**items, **second.items}
            first.missing = min(first.missing, second.missing)
        for identity, text in items.items():
            look.add(Found(type=self._kind, id=identity, state=text))
        look.refused = first.refused
        if first.missing:
            look.unlisted[self._kind] = f"{first.missing} items fewer came than the source itself counts"

    def identity(self, item: Item) -> str:
        """What names an item; raises SkippableRecord where it lacks a part of it."""
        parts = [take(item) for take in self._key]
        texts = [as_text(part) for part in parts if part is not MISSING]
        if len(texts) < len(parts) or None in texts:
            raise SkippableRecord("the item has not what names it")
        if len(texts) == 1:
            return object_id(str(texts[0]))
        return object_id("/".join(str(text).replace("%", "%25").replace("/", "%2F") for text in texts))

    def walk(self, http: Http) -> Walk:
        return Walk(http, self._spec, "", None)

    def _flatten(self, members: Item, before: str, found: dict[str, object], depth: int) -> None:
        for name, value in members.items():
            full = f"{before}{name}"
            if full in self._ignore:
                continue
            if isinstance(value, Mapping) and value and depth < _DEPTH:
                self._flatten(value, f"{full}.", found, depth + 1)
            else:
                found[full] = value

    def _session(self, stop: Stop | None) -> Http:
        self._pause.check(self._base)
        http = Http(
            self._base,
            self.clock,
            verify=trust(self.option("ca_file")),
            limits=self._limits,
            stop=stop,
            pause=self._pause,
        )
        try:
            self._credentials.sign_in(http)
        except BaseException:
            http.close()
            raise
        return http

    def _read_spec(self) -> Spec:
        paging = Paging(word(self, "paging", _PAGINGS))
        must_be_known(self.option("path"), set(), "path")
        must_be_known(self.option("query"), set(), "query")
        following = expression(self, "next")
        if paging in {Paging.NEXT, Paging.TOKEN} and following is None:
            raise ConfigError(
                f"paging is {paging}, and next is not set", advice="Say where the next page's address or token stands."
            )
        return Spec(
            path=self.option("path"),
            query=pairs(self.option("query"), "query"),
            paging=paging,
            page_size=int(self.number("page_size", 1, 100_000)),
            size_param=self.option("size_param") or _SIZE.get(paging, ""),
            place_param=self.option("place_param") or _PLACE.get(paging, ""),
            items=path(self.option("items")),
            next=following,
            total=expression(self, "total"),
        )


class _Reading:
    """One reading of the whole list: id → the item's text; ids that came with two texts; what is no item."""

    def __init__(self, source: SnapshotRest, http: Http, stop: Stop | None) -> None:
        self.items: dict[str, str] = {}
        self.doubled: set[str] = set()
        self.refused: list[Refused] = []
        walk = source.walk(http)
        for listed in walk:
            if stop is not None and stop.is_set():
                raise Stopped
            try:
                text = to_bytes(listed.text).decode("utf-8")
                identity = source.identity(json_item(text.encode()))
            except (SkippableRecord, UnicodeDecodeError) as error:
                self._refuse(listed.text, f"no item: {error}")
                continue
            if self.items.get(identity, text) != text:
                self.doubled.add(identity)
            self.items[identity] = text
        self.missing = walk.missing

    def _refuse(self, text: str, reason: str) -> None:
        self.refused.append(Refused(data=to_bytes(text), media_type="application/json", reason=reason))


def _schema(look: Look) -> str | None:
    """What tells one set of members from another, over all items: one without some of them is no other schema."""
    members = Members()
    for one in look:
        members.add(read_state(one.state))
    return members.schema


def _judge_items(look: Look, kind: str) -> Check:
    if look.refused or look.unlisted:
        trouble = [*look.unlisted.values(), *(one.reason for one in look.refused)]
        return Check(
            name="items",
            ok=False,
            says=f"{len(look)} of kind {kind!r}, and not all of the list: {trouble[0]}",
            advice="Correct the options key, items, paging and total.",
        )
    return Check(name="items", ok=True, says=f"{len(look)} of kind {kind!r}, each named by its key")
