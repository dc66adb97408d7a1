"""All SQL on tokens and keys, one file for each."""
