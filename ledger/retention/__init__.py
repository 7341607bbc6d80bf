"""Retention: rules and facts, legal holds, and the disposal of records whose retention is over."""
