"""What several tests share: factories, servers, clients. Typed like the source."""
