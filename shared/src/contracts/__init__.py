"""What CrocoClick services say to each other about calendars on Kafka; pydantic is all it needs."""
