"""Review: what records are worth as evidence, judged by rules that are entries themselves."""
