"""What the worker uses: iCloud, MongoDB, Kafka, the vault."""
