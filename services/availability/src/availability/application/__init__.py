"""The stories: news are recorded, questions are answered."""
