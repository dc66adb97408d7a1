"""Deployments, artifacts, releases and instances: from a source to a live URL, and back.

A deployment is one attempt; what it makes is an artifact; the artifact with its frozen configuration is a release; running copies of
it are instances.
`pipeline.py` tells the story of a deploy, `fleet/watch.py` keeps what runs running.
"""

from canonry.features.deployments.build_log import last_lines
from canonry.features.deployments.build_log import path_of as build_log_path
from canonry.features.deployments.context import Context
from canonry.features.deployments.counts import counts
from canonry.features.deployments.ending import closing
from canonry.features.deployments.fleet.leading import lead_project, leave
from canonry.features.deployments.fleet.watch import Watch
from canonry.features.deployments.frozen import masks
from canonry.features.deployments.lifecycle import all_instances, instances, logged_instances
from canonry.features.deployments.models import UNFINISHED, Deployment, Instance, Release, Status, Wish
from canonry.features.deployments.pipeline import recover
from canonry.features.deployments.rules import require_rollback_target
from canonry.features.deployments.schemas import DeploymentBody, body_of
from canonry.features.deployments.service import by_ids, find, live_in, request_commit, roll_back
from canonry.features.deployments.store import hold_artifacts, keep_release, live_at, live_projects, release
from canonry.features.deployments.uploads import drop as drop_upload

__all__ = [
    "UNFINISHED", "Context", "Deployment", "DeploymentBody", "Instance", "Release", "Status", "Watch", "Wish", "all_instances", "body_of",
    "build_log_path", "by_ids", "closing", "counts", "drop_upload", "find", "hold_artifacts", "instances", "keep_release", "last_lines",
    "lead_project", "leave", "live_at", "live_in", "live_projects", "logged_instances", "masks", "recover", "release", "request_commit",
    "require_rollback_target", "roll_back",
]  # fmt: skip
