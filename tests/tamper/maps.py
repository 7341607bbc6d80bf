"""Maps and parameters in the ledger that is attacked: set, corrected, some parameters removed."""

from typing import Any

from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.core.parameters import ParameterName
from ledger.core.record import ActorKind
from ledger.sources.kinds import MappingAdopted, SourceRegistered
from ledger.sources.map_kinds import AssetMapped, AssetMapped2, CalendarSet, IdentityMapped, IdentityMapped2, Shift
from ledger.sources.parameter_kinds import Parameter
from ledger.store.append import Batch
from tests.support.ledgers import AUTHORITY, RECORDS, START_US, Ledger


def maps(ledger: Ledger, number: int) -> None:
    """Each map set twice for the same time (a correction), and for another time."""
    log = ledger.service.record_log()
    since, until = utc_text(START_US + number % 2), utc_text(START_US * 2 + number)
    span: dict[str, Any] = {"valid_from": since, "valid_to": until, "reason": f"map {number}", "authority": AUTHORITY}
    levels = ("site", "area", "line", "unit", "equipment", "description")
    place: dict[str, Any] = {name: f"{name}-{number}" for name in levels}
    for source in ("dcs", "erp"):
        account, tag = f"operator{number % 2}", f"TIC{number % 2}.SP"
        kind = ActorKind.PERSON if number % 3 else ActorKind.SERVICE
        log.maps.put([
            IdentityMapped(source=source, account=account, person=f"P-{number}", kind=kind, **span),
            AssetMapped(source=source, tag=tag, gxp=number % 3 == 0, **place, **span),
        ])  # fmt: skip
        shared = number % 2 == 1
        whose: dict[str, Any] = {"account": f"line{number % 2}", "person": None if shared else f"P-{number}"}
        sort: dict[str, Any] = {"asset_class": f"class-{number}", "critical": number % 3 == 0}
        log.maps.put([
            IdentityMapped2(source=source, kind=kind, shared=shared, **whose, **span),
            AssetMapped2(source=source, tag="FIC1", gxp=True, **sort, **place, **span),
        ])  # fmt: skip
    shifts = tuple(Shift(name=f"shift {one}", days=(1, 2), start="06:00", end="14:00") for one in range(number + 1))
    for name in ("site", "lab"):
        log.maps.put([CalendarSet(calendar=f"{name}{number % 2}", zone="UTC", shifts=shifts, closed=(), **span)])
    for source in ("dcs", "erp"):
        registered = SourceRegistered.of(log.sources.get(source), AUTHORITY)
        adopted = MappingAdopted(source=source, text=f"version = {10**number}", authority=AUTHORITY)
        ledger.store.append(RECORDS, Batch([draft(registered), draft(adopted)]))


def parameters(ledger: Ledger, number: int) -> None:
    """Those of this round; the odd ones correct, or remove, what the round before set."""
    since = utc_text(START_US + number // 2)
    for source in (None, "erp"):
        for kind in (None, f"type-{number % 2}"):
            value = None if number == 3 and kind else f'{{"late_s":{number}}}'
            entry = Parameter(
                name=ParameterName.LIMITS,
                source=source,
                type=kind,
                applies_from=since if source else None,
                value=value,
                reason=f"parameters {number}",
                authority=AUTHORITY,
            )
            ledger.service.quality.parameters.put(RECORDS, [entry])
    words = Parameter(
        name=ParameterName.VAGUE_WORDS, value=f'{{"words":["word {number}"]}}', reason="list", authority=AUTHORITY
    )
    ledger.service.quality.parameters.put(RECORDS, [words])
