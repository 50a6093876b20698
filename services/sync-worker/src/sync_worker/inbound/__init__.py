"""What sets the worker in motion: Kafka and the schedule."""
