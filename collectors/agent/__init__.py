"""The edge agent: collects where the ledger can't reach, keeps it, and hands it over in signed batches."""
