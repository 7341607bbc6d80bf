"""Storage of ledgers: opens connections, migrates, appends through one door, reads, searches and rebuilds."""
