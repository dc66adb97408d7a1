"""All SQL on the index of specifications."""
