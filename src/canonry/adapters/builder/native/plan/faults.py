"""What is wrong with a project's settings, each by itself, before there is a source to lay them over."""

from collections.abc import Callable, Mapping
from functools import partial

from canonry.adapters.builder.native.plan.config import check_command, check_folder, check_health_path, check_provider
from canonry.adapters.builder.native.plan.versions import check_request
from canonry.core.errors import Invalid
from canonry.ports.builder import PlanSettings

_CHECKS: Mapping[str, Callable[[str, object], object]] = {
    "provider": check_provider, "root_dir": check_folder, "output_dir": check_folder, "install_command": check_command,
    "build_command": check_command, "start_command": check_command, "health_path": check_health_path,
    "python_version": partial(check_request, "python"), "node_version": partial(check_request, "node"),
}  # fmt: skip


def faults_of(settings: PlanSettings) -> dict[str, str]:
    """Return setting → what is wrong with it and what to do, for those that no source could be planned with."""
    found = {}
    for name, check in _CHECKS.items():
        value = getattr(settings, name)
        if value is not None:
            try:
                check(name, value)
            except Invalid as error:
                found[name] = f"{error.issues[0].message}. {error.hint}"
    return found
