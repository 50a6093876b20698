"""How news and questions come in."""
