"""Integrity incidents: what was damaged, what is still proven, what rests on it, and the way back."""
