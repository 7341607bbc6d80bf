"""Paged JSON over HTTP: lists of audit records, or of things that hold the entries of their own history.

What is asked for, how pages follow each other and where the items stand is said by options, most of which a product's
mapping template sets. See `collectors.it.listing` for what is handed over when, `listing_pages` for how a list is read
while it changes, `listing_item` for what an original holds.

The source's clock is measured by the Date header of its answers: whole seconds, and half the round trip. What a product
says of itself it says on a page of its own (options `about…`), if at all.
"""

from collections.abc import Mapping
from datetime import timedelta

from collectors.base import Check, Option
from collectors.facts import AUDIT_TRAIL, SCHEMA, VERSION, facts
from collectors.it.http import Http, checked_address
from collectors.it.http_auth import OPTIONS, SECRETS
from collectors.it.listing import ListingCollector
from collectors.it.listing_options import (
    BOUNDS,
    URL,
    credentials,
    expression,
    instant,
    limits,
    lists,
    must_be_known,
    pairs,
    path,
    window,
    word,
    zone,
)
from collectors.it.listing_spec import Paging, Spec
from collectors.mapping.collector import json_item
from collectors.mapping.expression import as_text
from collectors.mapping.moments import Moment, Read, compile_moment
from collectors.options import read_list
from ledger.core.clock import WallClock
from ledger.core.errors import ConfigError, SkippableRecord
from ledger.core.run import SourceFacts
from ledger.core.source import SourceConfig

_SIZE = {Paging.OFFSET: "limit", Paging.PAGE: "per_page"}
_PLACE = {Paging.OFFSET: "offset", Paging.PAGE: "page", Paging.TOKEN: "page_token"}


class Rest(ListingCollector):
    """See the module."""

    type = "rest"
    title = "Paged JSON over HTTP (REST)"
    format = "1"
    tells: tuple[str, ...] = (SCHEMA,)
    options = (
        URL,
        Option(name="path", meaning="path of the list below the address; {each} is filled in", required=True),
        Option(name="each", meaning="what the list is read for, one after another, comma-separated"),
        Option(name="query", meaning="parameters of every request, NAME=VALUE&NAME=VALUE"),
        Option(name="since", meaning="parameters for what changed from {since} on, in place of those of `query`"),
        Option(
            name="since_format",
            meaning="how {since} is written: a strftime pattern, unix, unix-ms or unix-us",
            default="%Y-%m-%dT%H:%M:%SZ",
        ),
        Option(name="since_zone", meaning="zone in which {since} is written", default="UTC"),
        Option(name="reach_days", meaning="how far back the source can be asked; what lies before that is a gap"),
        Option(name="items", meaning="where the items stand in an answer, names divided by dots; empty: it is a list"),
        Option(name="time", meaning="JMESPath of the time at which a listed item last changed"),
        Option(name="time_format", meaning="how it is written: iso, unix, unix-ms, …, or a pattern", default="iso"),
        Option(name="time_zone", meaning="zone of a time without offset; without it: the source's"),
        Option(name="sorted", meaning="whether the query sorts the list by that time, ascending", default="no"),
        Option(name="paging", meaning=f"how pages follow each other: {', '.join(Paging)}", default="none"),
        Option(name="size_param", meaning="parameter for the page size"),
        Option(name="place_param", meaning="parameter for offset, page number or token"),
        Option(name="next", meaning="JMESPath of the next page's address or token in an answer"),
        Option(name="total", meaning="JMESPath of the number of all items in an answer"),
        Option(name="detail", meaning="path of one whole item, {id} and the like filled in from the listed one"),
        Option(name="detail_item", meaning="where the whole item stands in that answer, names divided by dots"),
        Option(name="nested", meaning="lists within an item whose members are records, comma-separated paths"),
        Option(name="nested_total", meaning="where the item counts the members of the first of them"),
        Option(name="keep", meaning="members of the item that are kept with each of them, comma-separated"),
        Option(name="itself", meaning="whether the item is a record besides the lists within it", default="no"),
        Option(name="problem", meaning="JMESPath that finds words only where an answer says that something is wrong"),
        Option(name="about", meaning="path of a page on which the product says what it is, asked once at every run"),
        Option(name="about_version", meaning="JMESPath of its version on that page", default="version"),
        Option(name="about_audit", meaning="JMESPath of its audit-trail setting on that page"),
        Option(name="probe", meaning="path that only a signed-in account may read, asked first at every run"),
        Option(name="passing", meaning="words in it that mean: try again later, comma-separated"),
        *BOUNDS,
        *OPTIONS,
    )
    secrets = SECRETS

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        super().__init__(config, secrets, clock)
        self.base = checked_address(self.option("url"))
        self.credentials = credentials(self)
        self.limits = limits(self)
        self.spec = self._read_spec()
        named = (VERSION, "about_version"), (AUDIT_TRAIL, "about_audit")
        self._about = {name: take for name, option in named if (take := expression(self, option)) is not None}
        self.tells = (SCHEMA, *self._about) if self.option("about") else (SCHEMA,)

    def about(self, http: Http) -> SourceFacts | None:
        if not self.option("about"):
            return None
        answer = http.get(http.address(self.option("about")))
        if answer.status != 200:
            return None
        try:
            page = json_item(answer.body)
            return facts(**{name: as_text(take(page)) for name, take in self._about.items()})
        except SkippableRecord:
            return None

    def more_checks(self, http: Http) -> list[Check]:
        if self.spec.since:
            return []
        return [
            Check(
                name="since",
                ok=True,
                says="the list cannot be asked for by time: all of it is read at every run",
                advice="Where the source can filter by time, say so with the options since and time.",
            )
        ]

    def _read_spec(self) -> Spec:
        paging = Paging(word(self, "paging", tuple(Paging)))
        where, query, since = self.option("path"), self.option("query"), self.option("since")
        must_be_known(where, {"each"}, "path")
        must_be_known(query, {"each"}, "query")
        must_be_known(since, {"each", "since"}, "since")
        spec = Spec(
            path=where,
            query=pairs(query, "query"),
            since=pairs(since, "since"),
            since_format=self.option("since_format"),
            since_zone=zone(self.option("since_zone"), "since_zone"),
            start=instant(self.option("start"), "start"),
            each=lists(self.option("each"), needed="{each}" in where + query + since),
            paging=paging,
            page_size=int(self.number("page_size", 1, 100_000)),
            size_param=self.option("size_param") or _SIZE.get(paging, ""),
            place_param=self.option("place_param") or _PLACE.get(paging, ""),
            items=path(self.option("items")),
            next=expression(self, "next"),
            total=expression(self, "total"),
            problem=expression(self, "problem"),
            probe=self.option("probe"),
            passing=read_list(self.option("passing")),
            time=self._read_time(),
            window=window(self),
            reach=timedelta(days=self.number("reach_days", 0.01, 36_500)) if self.option("reach_days") else None,
            sorted=word(self, "sorted", ("yes", "no")) == "yes",
            detail=self.option("detail"),
            detail_item=path(self.option("detail_item")),
            nested=tuple(path(one) for one in read_list(self.option("nested"))),
            nested_total=path(self.option("nested_total")),
            keep=read_list(self.option("keep")),
            itself=not self.option("nested") or word(self, "itself", ("yes", "no")) == "yes",
        )
        _check(spec)
        return spec

    def _read_time(self) -> Read | None:
        if not self.option("time"):
            return None
        moment = Moment(
            at=self.option("time"), format=self.option("time_format"), zone=self.option("time_zone") or None
        )
        return compile_moment(moment, self.config.zone, "option time")


def _check(spec: Spec) -> None:
    """Raises ConfigError for options that do not go together."""
    for wrong, says, advice in (
        (spec.since and spec.time is None, "since is set, and time is not", "Say where an item's time stands."),
        (spec.start is not None and not spec.since, "start is set, and since is not", "Set since, or leave start out."),
        (spec.sorted and spec.time is None, "sorted is yes, and time is not set", "Say where an item's time stands."),
        (
            spec.paging in {Paging.NEXT, Paging.TOKEN} and spec.next is None,
            f"paging is {spec.paging}, and next is not set",
            "Say where the next page's address or token stands.",
        ),
        (
            spec.paging is Paging.TIME and not (spec.sorted and spec.since),
            "paging is time, and since or sorted is not set",
            "Set since, time and sorted = yes.",
        ),
        (spec.keep and not spec.nested, "keep is set, and nested is not", "Leave keep out."),
    ):
        if wrong:
            raise ConfigError(f"the options do not go together: {says}", advice=advice)
