"""Ways to plan and build a source."""
