"""Previews: a branch or a pull request on a URL of its own, beside production; and the webhook that keeps both up to date.

A preview is an environment (`preview/<branch>`) with a label under the base domain, a lifetime, and for pull requests of forks an
approval: what a stranger wrote is not run, and sees no variable, before somebody of the project has let this very commit in.
"""

from canonry.features.previews.sweep import close_expired

__all__ = ["close_expired"]
