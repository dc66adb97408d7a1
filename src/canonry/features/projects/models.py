"""Rows of projects and of their scale."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Project:
    """What is deployed. slug: unique everywhere, part of the host. status: new, running or stopped.

    repo_url: the connected outside repository, None when code comes by upload or by push. pins: toolchain versions chosen by default.
    runtime: what it is (static, python, node, …), None when that is detected. health_timeout: seconds, None for the setting of Canonry.
    instances, memory_mb: the scale of its web process in production (MiB, None: the default).
    """

    id: str
    organization_id: str
    handle: str
    slug: str
    name: str
    status: str
    repo_url: str | None
    repo_branch: str
    runtime: str | None
    root_dir: str | None
    node_version: str | None
    python_version: str | None
    install_command: str | None
    build_command: str | None
    start_command: str | None
    output_dir: str | None
    health_path: str | None
    health_timeout: int | None
    pins: Mapping[str, Any]
    instances: int
    memory_mb: int | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Scale:
    """How many instances of one process run, and how big each is (MiB, cores; None: the default)."""

    process: str
    instances: int
    memory_mb: int | None
    cpu: float | None
