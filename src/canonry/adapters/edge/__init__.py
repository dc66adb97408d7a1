"""Ways to bring requests to instances and static sites."""
