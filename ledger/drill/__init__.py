"""The tamper drill: attacks of a catalogue on a copy of the ledger, and which level of verification catches each."""
