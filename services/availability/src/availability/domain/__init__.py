"""What makes somebody busy, and how well we know it. Pure: no I/O, no clock, no wire format."""
