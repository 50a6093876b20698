"""Where wishes, words and the passing of time come in."""
