"""The peers: how others do the same work, each in a process of its own."""
