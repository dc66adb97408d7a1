"""One folder for each feature. The package itself is the front door: what other features may use is exported there."""
