"""Source systems: their inventory, ingest of what collectors bring, quarantine and coverage."""
