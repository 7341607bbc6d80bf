"""All attacks, in the order in which they are shown."""

from ledger.drill import not_caught, on_logs, on_rows

ATTACKS = (*on_rows.ATTACKS, *on_logs.ATTACKS, *not_caught.ATTACKS)
