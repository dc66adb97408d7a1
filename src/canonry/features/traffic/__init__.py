"""Which host goes where: the route table, handed to the edge."""
