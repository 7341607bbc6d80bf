"""Verification: what each level proves, how it is run, and its result as an entry of the log."""
