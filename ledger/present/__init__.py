"""How things are said and shown: pure functions that page, terminal and PDF share."""
