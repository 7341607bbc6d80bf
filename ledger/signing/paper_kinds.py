"""Entries of handwritten signatures. In the system log; the body stands in `core.paper`."""

from ledger.core.kinds import Kind
from ledger.core.paper import PaperEntry

KINDS = (Kind("paper-signature", [PaperEntry]),)
