"""What a connection is and how it changes; pure."""
