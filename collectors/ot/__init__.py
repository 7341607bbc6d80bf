"""Source types of the plant floor: DCS, SCADA, PLC, historian."""
