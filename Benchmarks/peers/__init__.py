"""The peers: other implementations of the same work, each in its own process."""
