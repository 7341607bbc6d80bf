"""Edge agents: who they are, what they may hand over, and the signed batches that they have handed over."""
