"""Projects: what is deployed, its slug, its settings and its scale.

Other features ask here which project a caller means; whoever may not see a project gets `project_not_found`.
"""

from canonry.core.environments import PRODUCTION
from canonry.features.projects.models import Project, Scale
from canonry.features.projects.schemas import ProjectAnswer, answer_of
from canonry.features.projects.service import (
    change,
    check_settings,
    checked_repository,
    claim_label,
    create,
    delete,
    find,
    free_label,
    get_any,
    hold,
    hold_label,
    label_of,
    note_crash,
    outside_roots,
    page,
    pin,
    scale_of,
    set_repository,
    set_scale,
    set_status,
    start,
    stop,
)

__all__ = [
    "PRODUCTION",
    "Project",
    "ProjectAnswer",
    "Scale",
    "answer_of",
    "change",
    "check_settings",
    "checked_repository",
    "claim_label",
    "create",
    "delete",
    "find",
    "free_label",
    "get_any",
    "hold",
    "hold_label",
    "label_of",
    "note_crash",
    "outside_roots",
    "page",
    "pin",
    "scale_of",
    "set_repository",
    "set_scale",
    "set_status",
    "start",
    "stop",
]
