"""Rules tried: on cases that a person gives, and over the past; nothing of it is found in earnest."""
