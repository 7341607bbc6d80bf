"""A simulated month of a plant whose truth is known: what happened, what was told, and what can be known of it.

`story` tells what happens, `systems` who tells it, `faults` what goes wrong with that, `feed` how collectors bring it;
`truth` says what can be known, and `rules` holds the maps and parameters by which that is judged; `violations` plants
in a month without faults what rules have to find. A new system is one file in `systems`, a new fault one in `faults`:
nothing else names them. Of the product only `ledger.core` is used.
"""

from tests.plant.plant import Plant

__all__ = ["Plant"]
