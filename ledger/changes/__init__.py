"""Configuration by change request: proposed by one person, in effect once a second one has signed."""
