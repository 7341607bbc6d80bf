"""Configuration in a founded plant: proposed by its engineer, signed by quality, brought into effect.

desk = Desk(founded(folder, ENGINEER))
desk.change(account("op1", "P-1"))
"""

from typing import Any, Final

import msgspec

from ledger.changes.proposing import Proposed
from ledger.core.authority import Authority
from ledger.core.record import ActorKind
from ledger.core.workflow import RouteEntry, Stage, Step
from ledger.people.roles import Role
from ledger.sources.map_kinds import IdentityMapped2
from tests.support.founded import APPROVER, Joins
from tests.support.signers import Plant, Signer

ENGINEER: Final = Joins("engineer1", "Eva Engineer", Role.SOURCE_OWNER)
NOBODY: Final = Authority(actor="nobody", authenticated=False)
SINCE: Final = "2026-01-01T00:00:00.000000Z"


def account(name: str, person: str | None, **more: Any) -> IdentityMapped2:
    """A row of the map of identities, by nobody yet."""
    usual: dict[str, Any] = {
        "source": "erp",
        "account": name,
        "person": person,
        "kind": ActorKind.PERSON,
        "valid_from": SINCE,
        "valid_to": None,
        "reason": "list of accounts",
        "authority": NOBODY,
    }
    return IdentityMapped2(**{**usual, **more})


class Desk:
    """The two persons that a change takes, and what they do."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.quality = plant.quality
        self.quality_service = plant.service.quality
        self.engineer = plant.people.get(ENGINEER.account) or plant.officer
        self.log = plant.service.log("records")

    def propose(self, *bodies: msgspec.Struct, log: str = "records", by: Signer | None = None) -> Proposed:
        """A proposal under a checkpoint, as it is to be signed."""
        chosen, who = self.plant.service.log(log), (by or self.engineer).sign_in().authority
        made = self.quality_service.proposals.propose(chosen, bodies, "CR-0042", "as the list has it", who)
        self.plant.publish()
        return made

    def sign(self, proposed: Proposed, by: Signer | None = None, log: str = "records", **more: Any) -> str:
        """The address of somebody's signature over a proposal."""
        who = by or self.quality
        who.sign_in()
        return who.sign(proposed.index, **{"log": log, "action": "change", **more}).address

    def bring(self, proposed: Proposed, signature: str, by: Signer | None = None, log: str = "records") -> int:
        """The entry by which a change takes effect."""
        who = (by or self.engineer).caller.authority
        chosen = self.plant.service.log(log)
        return self.quality_service.effects.bring(chosen, proposed.change, signature, "approved", who)

    def change(self, *bodies: msgspec.Struct, log: str = "records") -> list[int]:
        """What a change brought, once it was proposed, signed and brought into effect."""
        proposed = self.propose(*bodies, log=log)
        effective = self.bring(proposed, self.sign(proposed, log=log), log=log)
        return list(range(effective + 1, effective + 1 + len(bodies)))


def approve(plant: Plant, index: int, log: str = "system") -> None:
    """Quality signs the proposal at this entry, and the service brings it into effect."""
    plant.publish()
    plant.quality.sign_in()
    plant.quality.sign(index, log=log, action="change")
    assert plant.service.quality.effects.work()


def set_route(plant: Plant, name: str, *steps: Step) -> None:
    """A route of one stage, as the plant's second approver proposes it and quality signs."""
    made = RouteEntry(
        route=name, title="Release", stages=(Stage(steps=steps),), reason="as the SOP says", authority=NOBODY
    )
    by = plant.people[APPROVER.account].sign_in().authority
    proposals = plant.service.quality.proposals
    approve(plant, proposals.propose(plant.service.system, [made], "CR-0042", "as the SOP says", by).index)
