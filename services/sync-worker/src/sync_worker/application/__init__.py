"""The worker's stories: following connections, passes over accounts, erasure."""
