"""The connection of a project to an outside repository: its address, its webhook secret, and what a private one is read with."""
