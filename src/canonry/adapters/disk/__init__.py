"""The disk: the real one, and one in memory whose fill somebody else decides."""
