"""The parameter of rule D16. All pure."""

from typing import Annotated

import msgspec

from ledger.core.bounds import ParameterValue, Seconds
from ledger.core.record import LinkKind
from ledger.core.rule_parameters.patterns import Back, PatternList, Patterns


class Attestation(ParameterValue, frozen=True, kw_only=True):
    """What a signature attests: an event of the same equipment, or with `link` of the same batch, order or other thing.

    `since`: what happened before the last of these does not count, such as the cleaning before a vessel was used again.
    """

    signed: PatternList
    event: PatternList
    since: Patterns = ()
    link: LinkKind | None = None


class D16(ParameterValue, frozen=True, kw_only=True):
    """Signatures and what they attest. `within_s`: how long before its signature an event may lie; `grace_s`: how long
    after the signature the event is looked for, and the control system has to tell.
    """

    attestations: Annotated[tuple[Attestation, ...], msgspec.Meta(min_length=1, max_length=100)]
    within_s: Back = 86_400
    grace_s: Seconds = 3_600
