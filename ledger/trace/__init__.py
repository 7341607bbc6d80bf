"""Trace: which records belong together, why, in what order, and everything that proves it."""
