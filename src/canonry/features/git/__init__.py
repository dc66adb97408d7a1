"""Git repositories: hosted ones (smart HTTP), mirrors of outside ones, checkouts."""
