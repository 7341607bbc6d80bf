"""Kinds of entries about witnesses; their bodies stand in the core, where offline verification finds them."""

from ledger.core.kinds import Kind
from ledger.core.witness_policy import CheckpointWitnessedEntry, WitnessPolicyEntry

KINDS = (Kind("witness-policy", [WitnessPolicyEntry]), Kind("checkpoint-witnessed", [CheckpointWitnessedEntry]))
