"""The first look at an organization: its repositories with what they specify, and how far somebody new has come."""
