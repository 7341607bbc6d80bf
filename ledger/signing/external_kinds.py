"""Entries of signatures made elsewhere: the site's trust anchors. In the system log; bodies stand in `core.anchors`."""

from ledger.core.anchors import TrustAnchorEntry
from ledger.core.kinds import Kind

KINDS = (Kind("trust-anchor", [TrustAnchorEntry]),)
