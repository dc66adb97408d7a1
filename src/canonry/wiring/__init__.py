"""The composition root: the only place that knows every feature and every adapter. It decides nothing."""
