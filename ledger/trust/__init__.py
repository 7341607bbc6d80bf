"""Trust: the keys of a log and their history, and the publishing of signed checkpoints."""
