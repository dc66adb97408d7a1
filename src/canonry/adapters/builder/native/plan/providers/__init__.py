"""One provider a language: each looks at a source and answers a plan, or None when the source is not its own."""
