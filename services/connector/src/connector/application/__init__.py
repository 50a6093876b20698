"""What the connector does, told as stories."""
