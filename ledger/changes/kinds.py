"""The kind of entries that changes of configuration are."""

from ledger.core.change import ChangeEntry
from ledger.core.kinds import Kind

KINDS = (Kind("change", [ChangeEntry]),)
