"""Pull requests of hosted repositories: proposed, reviewed, merged or closed."""
