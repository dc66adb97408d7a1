"""`canonry spec …`: commands that work on the specs of a checkout, without a server and without the network."""
