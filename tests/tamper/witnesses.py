"""Witnesses in the ledger that is attacked: one of two stays away for a while, and the policy changes."""

from tests.support.ledgers import Ledger
from tests.support.witness import NOWHERE, Trust, two_witnesses


def witnesses(ledger: Ledger) -> Trust:
    """A publisher whose checkpoints are cosigned from here on; the policy is changed once."""
    trust = Trust(ledger, *two_witnesses(ledger))
    trust.policy()
    trust.publisher.publish_all()
    trust.by_name["customer"].down = True
    trust.policy(f"witness qa {trust.by_name['qa'].vkey} {NOWHERE}\nquorum qa")
    trust.publisher.publish_all()
    trust.by_name["customer"].down = False
    return trust
