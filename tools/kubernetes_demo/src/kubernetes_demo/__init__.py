"""`make demo-kubernetes`: the story on a real cluster, everything rolled under load, workers scaled by a backlog."""
