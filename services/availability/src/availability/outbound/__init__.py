"""How the timeline is kept."""
