"""Deployments, artifacts, releases and instances: from a source to a live URL, and back.

A deployment is one attempt; what it makes is an artifact; the artifact with its frozen configuration is a release; running copies of
it are instances.
`pipeline.py` tells the story of a deploy, `fleet/watch.py` keeps what runs running.
"""

from canonry.features.deployments.build_log import last_lines
from canonry.features.deployments.context import Context
from canonry.features.deployments.counts import counts
from canonry.features.deployments.ending import closing
from canonry.features.deployments.fleet.leading import lead_project, leave
from canonry.features.deployments.fleet.watch import Watch
from canonry.features.deployments.frozen import masks
from canonry.features.deployments.lifecycle import all_instances, instances, logged_instances
from canonry.features.deployments.models import UNFINISHED, Deployment, Instance, Release, Status, Wish
from canonry.features.deployments.pipeline import recover
from canonry.features.deployments.schemas import DeploymentBody, body_of
from canonry.features.deployments.service import by_ids, find, request_commit

__all__ = [
    "UNFINISHED", "Context", "Deployment", "DeploymentBody", "Instance", "Release", "Status", "Watch", "Wish", "all_instances",
    "body_of", "by_ids", "closing", "counts", "find", "instances", "last_lines", "lead_project", "leave", "logged_instances",
    "masks", "recover", "request_commit",
]  # fmt: skip
