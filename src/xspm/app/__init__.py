"""The use cases. The only floor that wires connectors, policies and reports together."""
