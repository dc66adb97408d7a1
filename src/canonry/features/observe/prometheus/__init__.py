"""The figures of the whole installation, as Prometheus reads them."""
