"""The small plant of `trailseal demo`: an ERP and an OPC UA server as real processes, and people at work in them."""
