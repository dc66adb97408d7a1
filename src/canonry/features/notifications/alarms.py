"""Mail about backups that are not what they should be: to the owners of the organization, at once."""

from canonry.core.access import Role
from canonry.core.mail import Mail
from canonry.core.settings import Settings
from canonry.features import accounts, projects
from canonry.features.notifications.context import Context
from canonry.infra.mailbox import queue_mail


def tell_of_proof(context: Context, organization_id: str, project_id: str, why: str) -> None:
    """Write to every owner that no backup of a project's database is known to be good, and why."""
    with context.transactions.begin() as tx:
        slug = projects.get_any(tx, project_id).slug
        handle = accounts.get_organization(tx, organization_id).handle
        for person in accounts.reachable_members(tx, organization_id):
            if person.role == Role.OWNER:
                queue_mail(tx, context.vault, _letter(context.settings, person.email, handle, slug, why))


def _letter(settings: Settings, to: str, handle: str, slug: str, why: str) -> Mail:
    text = (
        f"The backups of the database of {slug} are not proven to be good.\n\n"
        f"Why: {why}\n\n"
        f"What to do: look at the proofs (canonry db proofs --project {slug}), mend what they name, then prove the newest backup\n"
        f"(canonry db drill --project {slug}). The database itself is not touched by this.\n\n"
        f"You get this because you are an owner of {handle} at {settings.own_url}.\n"
    )
    return Mail(to, f"Backups not proven: {slug}", text)
