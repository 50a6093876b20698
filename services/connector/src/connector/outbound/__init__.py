"""What the connector asks of its neighbours."""
