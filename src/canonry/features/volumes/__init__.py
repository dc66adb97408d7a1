"""Volumes: folders that an app may write to and that outlive its releases.

A source declares them in canonry.toml; a release gets its own at each start (`provide`), and what is live decides which are attached
(`settle`). A deploy never deletes one. `folders_of` and `copy` are for backups.
"""

from canonry.features.volumes.copying import Copied, copy
from canonry.features.volumes.folders import remove as remove_folders
from canonry.features.volumes.models import Volume
from canonry.features.volumes.rounds import VolumeRounds
from canonry.features.volumes.service import folders_of, missing, provide, release, settle

__all__ = ["Copied", "Volume", "VolumeRounds", "copy", "folders_of", "missing", "provide", "release", "remove_folders", "settle"]
