"""The webhook of a project: what the host of its repository tells us, checked, understood, acted upon once."""
