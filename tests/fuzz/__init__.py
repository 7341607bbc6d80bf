"""Hostile bytes in place of a source's originals: guided by coverage, and begun from what the real source gave."""
