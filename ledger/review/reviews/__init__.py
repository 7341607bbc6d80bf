"""Reviews of audit trails by exception: what is decided of findings, and what a review came to."""
