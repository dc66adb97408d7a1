"""Variables: what a project's builds and instances are given besides its source, secret unless somebody says otherwise.

Values are sealed at rest and never shown when they are sensitive; what a deployment froze is what its instances have for ever.
"""

from canonry.features.env.copies import copy_of, put_back
from canonry.features.env.snapshot import Snapshot, run_keys, snapshot

__all__ = ["Snapshot", "copy_of", "put_back", "run_keys", "snapshot"]
