"""What is watched in Tryton: per model the fields whose values are paired, and what a row belongs to.

A path like `outputs.lot.number` follows relations from the row, over lists too. To watch another model, name it in the
source's option `models` with its fields (`party.party:name+code`), or add it here with its links. A production order
carries its batch in its reference; where it has none, its number is the batch.
"""

from collections.abc import Mapping

import msgspec

from ledger.core.errors import ConfigError
from ledger.core.record import LinkKind


class LinkRule(msgspec.Struct, frozen=True):
    """A row belongs to the thing that the first non-empty of `paths` names."""

    kind: LinkKind
    paths: tuple[str, ...]


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """One model. `fields` are its own stored columns; `units` says which path holds the unit of a field."""

    fields: tuple[str, ...]
    links: tuple[LinkRule, ...] = ()
    units: dict[str, str] = {}

    def asked(self) -> tuple[str, ...]:
        """All that is read of a row: its own fields, who wrote it when, and what its links and units need."""
        paths = [path for rule in self.links for path in rule.paths]
        return tuple(dict.fromkeys((*self.fields, *WRITTEN, *paths, *self.units.values())))


WRITTEN = (
    "rec_name",
    "create_date",
    "create_uid.login",
    "create_uid.rec_name",
    "write_date",
    "write_uid.login",
    "write_uid.rec_name",
)
LOG_FIELDS = ("create_date", "user", "user.login", "user.rec_name", "resource", "event", "target")

_MATERIAL = LinkRule(LinkKind.MATERIAL, ("product.code", "product.rec_name"))
_UNIT = {"quantity": "unit.symbol"}
_ORDER_OF_MOVE = ("production_output.number", "production_input.number")
_BATCH_OF_MOVE = ("production_output.reference", "production_input.reference", *_ORDER_OF_MOVE)


def _moved(lines: str) -> tuple[LinkRule, ...]:
    """Lots and materials of what a document moves or counts."""
    return (
        LinkRule(LinkKind.LOT, (f"{lines}.lot.number",)),
        LinkRule(LinkKind.MATERIAL, (f"{lines}.product.code", f"{lines}.product.rec_name")),
    )


MODELS: dict[str, Watched] = {
    "production": Watched(
        fields=(
            "number", "reference", "type", "product", "bom", "quantity", "unit", "state", "warehouse", "location",
            "planned_date", "planned_start_date", "effective_date", "effective_start_date",
        ),
        links=(
            LinkRule(LinkKind.ORDER, ("number",)),
            LinkRule(LinkKind.BATCH, ("reference", "number")),
            LinkRule(LinkKind.LOT, ("outputs.lot.number",)),
            _MATERIAL,
            LinkRule(LinkKind.RECIPE, ("bom.code", "bom.name")),
            LinkRule(LinkKind.LOCATION, ("location.code", "location.name")),
        ),
        units=_UNIT,
    ),
    "production.bom": Watched(
        fields=("name", "code", "active"), links=(LinkRule(LinkKind.RECIPE, ("code", "name")),)
    ),
    "production.bom.input": Watched(
        fields=("bom", "product", "quantity", "unit"),
        links=(LinkRule(LinkKind.RECIPE, ("bom.code", "bom.name")), _MATERIAL),
        units=_UNIT,
    ),
    "production.bom.output": Watched(
        fields=("bom", "product", "quantity", "unit"),
        links=(LinkRule(LinkKind.RECIPE, ("bom.code", "bom.name")), _MATERIAL),
        units=_UNIT,
    ),
    "product.product-production.bom": Watched(
        fields=("product", "bom", "sequence"),
        links=(LinkRule(LinkKind.RECIPE, ("bom.code", "bom.name")), _MATERIAL),
    ),
    "stock.move": Watched(
        fields=(
            "product", "lot", "quantity", "unit", "from_location", "to_location", "state", "planned_date",
            "effective_date", "production_input", "production_output",
        ),
        links=(
            LinkRule(LinkKind.ORDER, _ORDER_OF_MOVE),
            LinkRule(LinkKind.BATCH, _BATCH_OF_MOVE),
            LinkRule(LinkKind.LOT, ("lot.number",)),
            _MATERIAL,
        ),
        units=_UNIT,
    ),
    "stock.lot": Watched(
        fields=("number", "product"), links=(LinkRule(LinkKind.LOT, ("number",)), _MATERIAL)
    ),
    "stock.shipment.in": Watched(
        fields=("number", "reference", "supplier", "state", "planned_date", "effective_date"),
        links=_moved("incoming_moves"),
    ),
    "stock.shipment.internal": Watched(
        fields=("number", "reference", "from_location", "to_location", "state", "planned_date", "effective_date"),
        links=_moved("moves"),
    ),
    "stock.inventory": Watched(
        fields=("number", "location", "date", "state"), links=_moved("lines"),
    ),
    "stock.inventory.line": Watched(
        fields=("inventory", "product", "lot", "quantity", "expected_quantity"),
        links=(LinkRule(LinkKind.LOT, ("lot.number",)), _MATERIAL),
        units=_UNIT,
    ),
    "product.template": Watched(
        fields=("name", "code", "type", "default_uom", "list_price", "active"),
        links=(LinkRule(LinkKind.MATERIAL, ("products.code", "name")),),
    ),
    "product.product": Watched(
        fields=("code", "suffix_code", "template", "active", "replaced_by"),
        links=(
            LinkRule(LinkKind.MATERIAL, ("code", "rec_name")),
            LinkRule(LinkKind.MATERIAL, ("replaced_by.code", "replaced_by.rec_name")),
        ),
    ),
    "res.user": Watched(
        fields=("name", "login", "active", "email"), links=(LinkRule(LinkKind.PERSON, ("login",)),)
    ),
}  # fmt: skip

LABORATORY: dict[str, Watched] = {
    "gnuhealth.lab": Watched(
        fields=(
            "name", "test", "state", "specimen_type", "other_source", "date_requested", "date_analysis", "done_by",
            "done_date", "validated_by", "validation_date", "results",
        ),
        links=(
            LinkRule(LinkKind.SAMPLE, ("name",)),
            LinkRule(LinkKind.LOT, ("other_source",)),
            LinkRule(LinkKind.DOCUMENT, ("test.code",)),
        ),
    ),
    "gnuhealth.lab.test.critearea": Watched(
        fields=(
            "name", "code", "gnuhealth_lab_id", "test_type_id", "result", "result_text", "units", "lower_limit",
            "upper_limit", "normal_range", "warning", "excluded", "limits_verified", "test_method", "remarks",
        ),
        links=(
            LinkRule(LinkKind.SAMPLE, ("gnuhealth_lab_id.name",)),
            LinkRule(LinkKind.LOT, ("gnuhealth_lab_id.other_source",)),
            LinkRule(LinkKind.DOCUMENT, ("gnuhealth_lab_id.test.code", "test_type_id.code")),
        ),
        units=dict.fromkeys(("result", "lower_limit", "upper_limit"), "units.name"),
    ),
    "gnuhealth.lab.test_type": Watched(
        fields=("name", "code", "specimen_type", "category", "active", "info"),
        links=(LinkRule(LinkKind.DOCUMENT, ("code",)),),
    ),
    "gnuhealth.lab.test.units": Watched(fields=("name", "code")),
}  # fmt: skip
"""The laboratory of GNU Health, for the option `models`; nothing of patients is read but the number of their sample."""

KNOWN = MODELS | LABORATORY

_SINCE = {("product.product", "replaced_by"): (8, 0)}
"""Model and field → from which version on it is asked for: a server that has no such field refuses the whole row."""

STARTS = {"production": {"state": frozenset({"running"})}}
"""Model → field → values whose coming begins the thing; `STOPS` ends it."""
STOPS = {"production": {"state": frozenset({"done", "cancelled"})}}


def watched(words: tuple[str, ...]) -> dict[str, Watched]:
    """The models that the option `models` names; raises ConfigError for one that is unknown and has no fields."""
    chosen: dict[str, Watched] = {}
    for word in words:
        model, _, fields = word.partition(":")
        if fields:
            known = KNOWN.get(model)
            chosen[model] = msgspec.structs.replace(
                known or Watched(fields=()), fields=tuple(dict.fromkeys(fields.split("+")))
            )
        elif model in KNOWN:
            chosen[model] = KNOWN[model]
        else:
            raise ConfigError(
                f"option 'models': there is no list of fields for {model!r}",
                advice=f"Write {model}:FIELD+FIELD, or use one of {', '.join(KNOWN)}.",
            )
    return chosen


def for_version(models: Mapping[str, Watched], version: str) -> dict[str, Watched]:
    """What is watched as far as a server of this version (`8.2.0`) has it."""
    number = tuple(int(part) if part.isdecimal() else 0 for part in version.split(".")[:2])
    later = {field for field, first in _SINCE.items() if number < first}
    return {model: _without(one, {field for owner, field in later if owner == model}) for model, one in models.items()}


def _without(watched_model: Watched, fields: set[str]) -> Watched:
    links = tuple(
        rule
        for rule in (
            LinkRule(rule.kind, tuple(path for path in rule.paths if path.partition(".")[0] not in fields))
            for rule in watched_model.links
        )
        if rule.paths
    )
    return msgspec.structs.replace(
        watched_model, fields=tuple(one for one in watched_model.fields if one not in fields), links=links
    )
