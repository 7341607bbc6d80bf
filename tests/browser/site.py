"""What the site of the pages' tests says of its systems and its people: an inventory, and dated maps."""

from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.record import ActorKind
from ledger.service import Service
from ledger.sources.life_kinds import Criticality, SystemListed, Trail
from ledger.sources.map_kinds import AssetMapped, IdentityMapped
from tests.browser.records import HOSTILE

SINCE = utc_text(1_735_689_600_000_000)
"""The beginning of 2025."""
OPEN = f"mes {HOSTILE[0]}"


def describe(service: Service, authority: Authority) -> None:
    """Lists four systems, and says whose two accounts are and where a tag stands."""
    log = service.record_log()
    for system, source, reviewed in (
        ("erp", "erp", None), ("dcs", "dcs", None), ("balance", None, "on paper, each month"), (OPEN, None, None),
    ):  # fmt: skip
        log.systems.put(
            SystemListed(
                system=system,
                title=system,
                system_class="other",
                owner="quality",
                criticality=Criticality.HIGH,
                trail=Trail.ON,
                source=source,
                reviewed=reviewed,
                why=None,
                retired=False,
                reason="inventory",
                authority=authority,
            )
        )
    log.maps.put([_identity("operator1", "P-1042", authority), _place("TIC104.SP", authority)])
    log.maps.put([_identity("operator2", f"P-2 {HOSTILE[0]}", authority)])


def _identity(account: str, person: str, authority: Authority) -> IdentityMapped:
    return IdentityMapped(
        source="dcs",
        account=account,
        person=person,
        kind=ActorKind.PERSON,
        valid_from=SINCE,
        valid_to=None,
        reason="list of accounts",
        authority=authority,
    )


def _place(tag: str, authority: Authority) -> AssetMapped:
    return AssetMapped(
        source="dcs",
        tag=tag,
        site="Site A",
        area="Synthesis",
        line="Line 2",
        unit="REACTOR-1",
        equipment=None,
        description="jacket temperature",
        gxp=True,
        valid_from=SINCE,
        valid_to=None,
        reason="drawing",
        authority=authority,
    )
