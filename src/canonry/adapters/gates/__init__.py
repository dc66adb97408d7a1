"""Ways to decide whether a push or a release may go on."""
