"""The life of a rule: what state a site gives it, on what it was tried, and what of it is looked past for a time."""
