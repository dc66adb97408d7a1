"""One folder for each port, one module or folder for each way to fulfil it."""
