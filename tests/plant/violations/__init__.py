"""Violations planted in a plant's month, and what nearly is one: written from the rules' descriptions alone.

Every module here that is named like a rule (`d02`) plants for it. It has `FINDS`: scenes that the rule has to find,
each giving the records that the finding rests on, that which is examined first; `EXPLAINED`, `CLEAR`, `UNORDERED`,
and where there are some `PENDING`: near misses, each giving the record that is examined, of which the rule has to say
just that; `UNKNOWN`: by what is lacking (or how its name begins), scenes that cannot be assessed; and `PARAMETERS`,
by which the site has the rule go. `SEVERITY` is how much a finding matters; `OTHERWISE` names, by how much, the scenes
whose finding matters more or less. A new rule's violations are one file here: nothing else names it.

The month has no other faults: its systems are honest but for what is planted, so that whatever else a rule finds is
false. Of the product only `ledger.core` is used.
"""

from tests.plant.violations.corpus import Corpus

__all__ = ["Corpus"]
