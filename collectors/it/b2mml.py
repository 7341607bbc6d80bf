"""B2MML and BatchML messages (ISA-95, ISA-88): operations responses, batch production records, events, as XML.

- Messages lie in a folder as files, which are only read (`collectors.infra.drop_folder`), or behind an address that
  lists them: a JSON array of links, or one link a line; each link is fetched once. An address that answers with XML
  itself is one message, taken again whenever it has another content.
- With `items`, each element of such a name is a record of its own, cut out byte for byte; else the whole message is.
- The identity of a record is the digest of its message and its number there: the same message twice is one.
- Only the namespaces of B2MML and BatchML are taken, unless `namespace` says otherwise. With `schemas`, a message that
  is not as its schema says is rejected; without, it only has to be well-formed.
- A message with a document type declaration, and one beyond the bounds, is rejected.
- A server's clock is measured by the Date header of its answers (whole seconds, and half the round trip); a folder has
  none. What is told as the schema are the namespaces and releases of all messages so far; who wrote them tells nobody.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import re2

from collectors.base import Check, CheckReport, Option, Stop, judge_clock
from collectors.batch import BatchBuilder
from collectors.facts import SCHEMA
from collectors.infra.drop_folder import Drop, listed
from collectors.it.b2mml_look import Links, MessageLook, Reading
from collectors.it.b2mml_original import MEDIA_TYPE, message_item
from collectors.it.b2mml_schema import Schemas
from collectors.it.http import Http, Limits, checked_address, trust
from collectors.it.http_auth import OPTIONS, SECRETS
from collectors.it.listing_options import credentials
from collectors.mapping.collector import MappedCollector
from collectors.mapping.expression import Item
from collectors.options import read_list
from ledger.core.clock import WallClock
from ledger.core.errors import ConfigError, FatalSource, RetriableSource
from ledger.core.record import Original
from ledger.core.run import RunBatch, SourceState
from ledger.core.source import SourceConfig
from ledger.core.times import Clock

_ANSWER_BYTES: Final = 64 * 1024 * 1024


class B2mml(MappedCollector):
    """See the module."""

    type = "b2mml"
    title = "B2MML and BatchML messages (folder or HTTP)"
    format = "1"
    tells = (SCHEMA,)
    options = (
        Option(name="folder", meaning="the folder in which messages are left; or `url`"),
        Option(name="url", meaning="base address of the server that lists messages; or `folder`"),
        Option(name="list", meaning="url: path of the list, below the address", default="."),
        Option(name="names", meaning="folder: names of the files, comma-separated, with wildcards", default="*.xml"),
        Option(name="items", meaning="elements that are records of their own, comma-separated; none: the message is"),
        Option(
            name="namespace",
            meaning="RE2 pattern of the namespaces that are taken",
            default=r"^http://www\.(mesa|wbf)\.org/xml/(?i:b2mml|batchml)",
        ),
        Option(name="schemas", meaning="folder of XSD files against which messages are checked"),
        Option(name="settle", meaning="folder: seconds without change after which a file is read", default="1"),
        Option(name="finished", meaning="folder: seconds after which one that is no XML is rejected", default="60"),
        Option(name="max_bytes", meaning="a longer message is rejected", default="4194304"),
        Option(name="ca_file", meaning="url: PEM file of the CA that signed the server's certificate"),
        *OPTIONS,
    )
    secrets = SECRETS

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        super().__init__(config, secrets, clock)
        folder, url = self.option("folder"), self.option("url")
        if bool(folder) == bool(url):
            raise ConfigError("neither or both of the options 'folder' and 'url'", advice="Give one of the two.")
        max_bytes = int(self.number("max_bytes", 100, _ANSWER_BYTES))
        self._drop = Drop(
            folder=Path(folder),
            names=read_list(self.option("names")),
            settle=self.number("settle", 0, 3600),
            finished=self.number("finished", 0, 86_400),
            max_bytes=max_bytes,
        )
        self._base = checked_address(url) if url else ""
        self._credentials = credentials(self)
        self._limits = Limits(bytes=_ANSWER_BYTES)
        try:
            namespace = re2.compile(self.option("namespace"))
        except re2.error as error:
            raise ConfigError(f"option 'namespace' is no RE2 pattern: {error}", advice="Correct it.") from None
        schemas = self.option("schemas")
        self._reading = Reading(
            items=read_list(self.option("items")),
            namespace=namespace,
            schemas=Schemas(Path(schemas)) if schemas else None,
        )

    def item(self, original: Original) -> Item:
        return message_item(original.data)

    def check(self) -> CheckReport:
        clock: Clock | None = None
        try:
            if self._base:
                with self._session(None) as http:
                    count = len(Links(http, self.option("list"), {}).new())
                    clock = http.source_clock
                says = f"{self._base} lists {count} messages"
            else:
                says = f"{self._drop.folder} holds {len(listed(self._drop))} messages"
        except (RetriableSource, FatalSource) as error:
            return CheckReport(checks=(Check(name="reach", ok=False, says=error.message, advice=error.advice),))
        return CheckReport(
            checks=(Check(name="reach", ok=True, says=says), self._check_schemas(), judge_clock(clock)), clock=clock
        )

    def collect(self, state: SourceState, stop: Stop) -> Iterator[RunBatch]:
        look = MessageLook(state, self.clock, self._builder, self._wrap, self._reading)
        if not self._base:
            yield from look.folder(self._drop, stop)
            return
        with self._session(stop) as http:
            yield from look.links(http, self.option("list"), self._drop.max_bytes, stop)

    def _session(self, stop: Stop | None) -> Http:
        http = Http(self._base, self.clock, verify=trust(self.option("ca_file")), limits=self._limits, stop=stop)
        http.headers["Accept"] = "application/xml, text/xml, application/json, text/uri-list"
        try:
            self._credentials.sign_in(http)
        except BaseException:
            http.close()
            raise
        return http

    def _check_schemas(self) -> Check:
        schemas = self._reading.schemas
        if schemas is None:
            says = "messages are not checked against schemas: they only have to be well-formed (option schemas)"
            return Check(name="schemas", ok=True, says=says)
        return Check(name="schemas", ok=True, says=f"messages are checked; the schemas know {len(schemas)} of them")

    def _builder(self, clock: Clock | None) -> BatchBuilder:
        return BatchBuilder(self.config.id, self.clock, self.derive, clock)

    def _wrap(self, data: bytes) -> Original:
        return self.original(data, MEDIA_TYPE)
