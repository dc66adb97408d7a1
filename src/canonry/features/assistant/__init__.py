"""Help from a language model in the editor (room for: edit, generate)."""
