"""Editing specifications: load, parse, preview, save with a guard against losing somebody else's work, propose as a pull request."""
