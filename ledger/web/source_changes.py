"""What the forms of a source's page propose: another mapping, or other options, sealed members, zone or class."""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

import msgspec

from ledger.changes.proposing import Proposed
from ledger.core.authority import Authority
from ledger.core.errors import SchemaViolation
from ledger.core.retention import RetentionClass
from ledger.core.source import UNCOLLECTED, SourceConfig
from ledger.sources.kinds import MappingAdopted, SourceRegistered
from ledger.web.forms import Form, reason_of, request_of

MAX_BODY: Final = 2_000_000
"""Bytes of a form with the file of a mapping."""
Making = Callable[[SourceConfig, Authority], MappingAdopted | SourceRegistered]


def propose(context: Any, log: str, source: str, form: Form, by: Authority, make: Making) -> str:
    """Proposes what a form says of a source, and gives the change's place; that of the source, if it holds at once."""
    chosen = context.record_log(log)
    entry = make(chosen.sources.get(source), by)
    configuration = context.service.quality.configuration
    made = configuration.enter(chosen.log, [entry], reason_of(form), by, request_of(form))
    return (
        f"/changes/{quote(log)}/{made.change}"
        if isinstance(made, Proposed)
        else f"/sources/{quote(log)}/{quote(source, safe='')}"
    )


def mapped(form: Form, file: bytes, config: SourceConfig, by: Authority) -> MappingAdopted:
    """The mapping of the file that was sent along, else of the template that was chosen. Raises SchemaViolation."""
    # Imported here: what reads mappings takes time to load.
    from collectors.mapping.templates import template

    if file:
        try:
            text = file.decode()
        except UnicodeDecodeError:
            raise SchemaViolation("the file is no text", advice="A mapping is a TOML file in UTF-8.") from None
    elif form("template"):
        text = template(form("template")).text
    else:
        raise SchemaViolation("no mapping is chosen", advice="Choose a template, or a file.")
    return MappingAdopted(source=config.id, text=text, authority=by)


def configured(form: Form, config: SourceConfig, by: Authority) -> SourceRegistered:
    """The source with what the form says, and all else as it is; NAME= takes an option away. Raises SchemaViolation."""
    if form("retention") not in set(RetentionClass):
        raise SchemaViolation("a source's records are kept by a class", advice="Choose one of the list.")
    options = dict(config.options)
    for line in filter(None, map(str.strip, form("options").splitlines())):
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            raise SchemaViolation(f"{line[:60]!r} is no option", advice="Write NAME=VALUE, one a line.")
        options[name.strip()] = value.strip()
        if not value.strip():
            del options[name.strip()]
    wanted = msgspec.structs.replace(
        config,
        options=options,
        seal=tuple(filter(None, map(str.strip, form("seal").splitlines()))),
        zone=form("zone").strip() or None,
        retention=RetentionClass(form("retention")),
    )
    if SourceRegistered.of(wanted, by) == SourceRegistered.of(config, by):
        raise SchemaViolation(f"source {config.id!r} is configured so already", advice="Say what is to be otherwise.")
    return SourceRegistered.of(wanted, by)


def fitting(type_: str) -> list[str]:
    """The names of the templates of mappings that are for sources of this type."""
    if type_ in UNCOLLECTED:
        return []
    from collectors.mapping.templates import templates

    return [one.name for one in templates() if type_ in one.mapping.drivers]
