"""The link of a person to their GitHub account: made over GitHub's own consent page, its token sealed, undone at any time."""
