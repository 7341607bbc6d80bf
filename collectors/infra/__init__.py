"""Source types of the infrastructure: servers, directories, databases, backup."""
