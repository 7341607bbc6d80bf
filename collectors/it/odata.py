"""OData V4: an entity set of change records, asked for by time, in the server's pages or in ours.

The server's count of what matches (`$count`) is compared with what came: fewer is a gap. Pages follow the server's
`@odata.nextLink`, or, for a server that gives none, `$top` and `$skip`; how the list is kept whole meanwhile stands in
`collectors.it.listing_pages`. A set that came on one page with an ETag is asked for again with `If-None-Match`. Of
itself a service tells its version of the protocol and, by `$metadata`, its schema; products differ in where they tell
their own version. Its clock is measured by the Date header of its answers.
"""

import json
from collections.abc import Mapping

from collectors.base import Check, Option
from collectors.facts import SCHEMA, VERSION, facts, fingerprint
from collectors.it.http import Http, checked_address
from collectors.it.http_auth import OPTIONS, SECRETS
from collectors.it.listing import ListingCollector
from collectors.it.listing_options import BOUNDS, URL, credentials, instant, limits, pairs, path, window, word, zone
from collectors.it.listing_spec import Paging, Spec
from collectors.mapping.expression import compile_path
from collectors.mapping.moments import Moment, compile_moment
from collectors.options import read_list
from ledger.core.clock import WallClock
from ledger.core.errors import ConfigError
from ledger.core.run import SourceFacts
from ledger.core.source import SourceConfig

_NEXT = '"@odata.nextLink"'
_COUNT = '"@odata.count"'


class OData(ListingCollector):
    """See the module."""

    type = "odata"
    title = "OData V4 (SAP and others)"
    format = "1"
    tells = (VERSION, SCHEMA)
    options = (
        URL,
        Option(
            name="entity_set", meaning="name of the entity set, below the address (the service root)", required=True
        ),
        Option(
            name="time", meaning="property that says when an entity was written, for filter and order", required=True
        ),
        Option(name="time_at", meaning="JMESPath of that time in an entity, where it is more than the property"),
        Option(name="time_format", meaning="how it is written: iso, unix, unix-ms, …, or a pattern", default="iso"),
        Option(name="time_zone", meaning="zone of a time without offset; without it: the source's"),
        Option(
            name="since_format",
            meaning="how a time is written in the filter, a strftime pattern",
            default="%Y-%m-%dT%H:%M:%SZ",
        ),
        Option(name="since_zone", meaning="zone in which it is written there", default="UTC"),
        Option(name="filter", meaning="what else an entity has to be, as in $filter"),
        Option(name="orderby", meaning="order of the set, ascending by time; without it: the property time"),
        Option(name="select", meaning="properties asked for ($select); without it: all"),
        Option(name="expand", meaning="related entities asked for with each ($expand)"),
        Option(name="query", meaning="more parameters of every request, NAME=VALUE&NAME=VALUE (sap-client=100)"),
        Option(name="nested", meaning="expanded lists whose members are records, comma-separated paths"),
        Option(name="keep", meaning="properties of the entity that are kept with each of them, comma-separated"),
        Option(name="itself", meaning="whether the entity is a record besides the lists within it", default="no"),
        Option(name="paging", meaning="server (it gives @odata.nextLink) or client ($top and $skip)", default="server"),
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

    def headers(self) -> dict[str, str]:
        return {"OData-MaxVersion": "4.0", "Prefer": f"odata.maxpagesize={self.spec.page_size}"}

    def about(self, http: Http) -> SourceFacts | None:
        answer = http.get(http.address("$metadata"), {"Accept": "application/xml"})
        if answer.status != 200:
            return None
        version = answer.headers.get("odata-version")
        text = answer.body.decode("utf-8", "replace")
        return facts(version=f"OData {version}" if version else None, schema=fingerprint([text]))

    def more_checks(self, http: Http) -> list[Check]:
        answer = http.get(http.address(""))
        version = answer.headers.get("odata-version", "")
        if not version.startswith("4"):
            says = f"it answers as OData version {version}" if version else "it does not answer as an OData V4 service"
            return [
                Check(name="service", ok=False, says=says, advice="The address is the root of an OData V4 service.")
            ]
        wanted = self.option("entity_set")
        if wanted in _entity_sets(answer.body):
            return [Check(name="service", ok=True, says=f"OData {version}, with the entity set {wanted}")]
        return [
            Check(
                name="service",
                ok=False,
                says=f"OData {version}, and it lists no entity set {wanted} for this account",
                advice="Compare with the service document; the account may lack the right to see it.",
            )
        ]

    def _read_spec(self) -> Spec:
        by_server = word(self, "paging", ("server", "client")) == "server"
        time, more = self.option("time"), self.option("filter")
        query = [*pairs(self.option("query"), "query"), ("$count", "true")]
        query.append(("$orderby", self.option("orderby") or time))
        query += [(f"${name}", self.option(name)) for name in ("select", "expand") if self.option(name)]
        query += [("$filter", more)] if more else []
        newer = f"{time} ge {{since}}"
        moment = Moment(
            at=self.option("time_at") or time.replace("/", "."),
            format=self.option("time_format"),
            zone=self.option("time_zone") or None,
        )
        if self.option("keep") and not self.option("nested"):
            raise ConfigError("keep is set, and nested is not", advice="Leave keep out.")
        return Spec(
            path=self.option("entity_set"),
            query=tuple(query),
            since=(("$filter", f"({more}) and {newer}" if more else newer),),
            since_format=self.option("since_format"),
            since_zone=zone(self.option("since_zone"), "since_zone"),
            start=instant(self.option("start"), "start"),
            paging=Paging.NEXT if by_server else Paging.OFFSET,
            page_size=int(self.number("page_size", 1, 100_000)),
            size_param="" if by_server else "$top",
            place_param="$skip",
            items=("value",),
            next=compile_path(_NEXT, "next"),
            total=compile_path(_COUNT, "total"),
            problem=compile_path("error.message", "problem"),
            time=compile_moment(moment, self.config.zone, "option time"),
            window=window(self),
            sorted=True,
            nested=tuple(path(one) for one in read_list(self.option("nested"))),
            keep=read_list(self.option("keep")),
            itself=not self.option("nested") or word(self, "itself", ("yes", "no")) == "yes",
        )


def _entity_sets(body: bytes) -> set[object]:
    """The names in a service document; none in anything else."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return set()
    listed = found.get("value") if isinstance(found, dict) else None
    return {one.get("name") for one in listed if isinstance(one, dict)} if isinstance(listed, list) else set()
