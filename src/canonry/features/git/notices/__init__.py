"""What GitHub tells of the repositories that live there, at `/webhook`: checked, understood, acted upon once."""
