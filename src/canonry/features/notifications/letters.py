"""The text of a mail: what failed, why, the end of the log, what to do next; what works again."""

from collections.abc import Mapping, Sequence

from canonry.core.environments import is_preview
from canonry.core.mail import Mail
from canonry.core.settings import Settings
from canonry.features.notifications.models import Failure, Notice
from canonry.features.notifications.rules import LISTED, WITH_LOG
from canonry.ports.disk import Space


def about_deploys(settings: Settings, to: str, handle: str, failures: Sequence[Failure], recovered: Sequence[Notice]) -> Mail:
    """Tell somebody of deployments that failed (the newest first) and of environments that work again."""
    parts = [_failure(settings, failure, with_log=number < WITH_LOG) for number, failure in enumerate(failures[:LISTED])]
    if len(failures) > LISTED:
        parts.append(f"And {len(failures) - LISTED} more: canonry deployments ls --project SLUG")
    parts += [f"{_place(notice.slug, notice.environment)} is live again, with {notice.deployment_id}." for notice in recovered]
    parts.append(f"You get this because you are a member of {handle} at {settings.own_url}. What you are told: canonry notifications")
    return Mail(to, _subject(failures, recovered), "\n\n".join(parts) + "\n")


def about_disk(settings: Settings, to: str, mark: str, space: Space) -> Mail:
    """Tell somebody who runs this Canonry which mark its disk has passed."""
    left = f"{space.free >> 20} MiB of {space.total >> 20} are free on the disk of {settings.home_path}."
    subject, words = {
        "full": (
            "Builds have stopped: the disk is nearly full",
            f"Builds stop below {settings.disk_reserve} MiB. Apps and databases go on.",
        ),
        "low": ("The disk fills", f"Caches are being removed. Below {settings.disk_reserve} MiB builds stop."),
    }.get(mark, ("The disk has room again", "Builds go on."))
    advice = "" if mark == "fine" else "Who uses what: canonry disk. What can be made again is removed by canonry disk prune.\n"
    return Mail(to, f"{subject} ({settings.base_domain})", f"{left} {words}\n{advice}\nYou get this because you run {settings.own_url}.\n")


def about_backup(settings: Settings, to: str, slug: str, kind: str, error: Mapping[str, str]) -> Mail:
    """Tell an owner that a backup of a project's database failed."""
    lines = [f"The database of {slug} goes on, but a backup of it ({kind}) failed.", f"Why: {error.get('message', '')}"]
    if error.get("hint"):
        lines.append(f"What to do: {error['hint']}")
    lines.append("It is tried again by itself. You are told of the first failure, and of another only after a backup has succeeded.")
    return Mail(to, f"Backup failed: {slug}", "\n".join(lines) + f"\n\nYou get this because you own {slug} at {settings.own_url}.\n")


def _subject(failures: Sequence[Failure], recovered: Sequence[Notice]) -> str:
    if not failures:
        return f"Live again: {_names([_place(item.slug, item.environment) for item in recovered])}"
    places = _names([_place(item.slug, item.environment) for item in failures])
    return f"Deploy failed: {places}" if len(failures) == 1 else f"{len(failures)} deploys failed: {places}"


def _names(places: Sequence[str]) -> str:
    different = list(dict.fromkeys(places))
    return ", ".join(different[:3]) + (f" and {len(different) - 3} more" if len(different) > 3 else "")


def _place(slug: str, environment: str) -> str:
    return f"{slug} ({environment})" if is_preview(environment) else slug


def _failure(settings: Settings, failure: Failure, *, with_log: bool) -> str:
    lines = [f"The deployment {failure.deployment_id} of {_place(failure.slug, failure.environment)} failed; what was live stays live."]
    lines += [f"From: {failure.source}", f"Why: {failure.message}"]
    if failure.hint:
        lines.append(f"What to do: {failure.hint}")
    if with_log and failure.log:
        lines += ["The end of its log:", *(f"    {line}" for line in failure.log)]
    home = settings.own_url
    lines.append(f"The whole log: canonry deployments logs {failure.deployment_id}, or {home}/v1/deployments/{failure.deployment_id}/logs")
    return "\n".join(lines)
