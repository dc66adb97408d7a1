"""Mail about databases that fill, and backups that are not what they should be: to the owners of the organization, at once."""

from canonry.core.access import Role
from canonry.core.mail import Mail
from canonry.core.settings import Settings
from canonry.features import accounts, databases, projects
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


def tell_of_fill(context: Context, organization_id: str, database_id: str) -> None:
    """Write to every owner that the database of a project is full, or nearly: of either once, until it has had room again."""
    with context.transactions.begin() as tx:
        database = databases.get(tx, database_id)
        if database is None or not database.is_archived or not database.nearly_full:
            return  # it is no longer what production uses, or has room again
        what = "full" if database.read_only else "nearly"
        if not databases.note_told(tx, database_id, what):
            return
        slug = projects.get_any(tx, database.project_id).slug
        handle = accounts.get_organization(tx, organization_id).handle
        for person in accounts.reachable_members(tx, organization_id):
            if person.role == Role.OWNER:
                queue_mail(tx, context.vault, _about_fill(context.settings, person.email, handle, slug, database))


def _about_fill(settings: Settings, to: str, handle: str, slug: str, database: databases.Database) -> Mail:
    size, limit = database.size_bytes >> 20, database.disk_mb
    if database.read_only:
        subject = f"Database full: {slug}"
        state = f"The database of {slug} has {size} MiB, and may have {limit}: its writes are refused. Reads go on, and nothing is lost."
        room = "remove what is not needed: in a session (canonry db psql) say\n"
        room += "SET default_transaction_read_only = off; first"
    else:
        subject = f"Database nearly full: {slug}"
        state = f"The database of {slug} has {size} MiB, and may have {limit}: beyond that its writes are refused."
        room = "remove what is not needed (canonry db psql)"
    text = (
        f"{state}\n\n"
        f"What to do: let it be larger (canonry db set --project {slug} --disk {limit * 2}), or {room}.\n"
        "You are told of this once, and again only after it has had room.\n\n"
        f"You get this because you are an owner of {handle} at {settings.own_url}.\n"
    )
    return Mail(to, subject, text)


def _letter(settings: Settings, to: str, handle: str, slug: str, why: str) -> Mail:
    text = (
        f"The backups of the database of {slug} are not proven to be good.\n\n"
        f"Why: {why}\n\n"
        f"What to do: look at the proofs (canonry db proofs --project {slug}), mend what they name, then prove the newest backup\n"
        f"(canonry db drill --project {slug}). The database itself is not touched by this.\n\n"
        f"You get this because you are an owner of {handle} at {settings.own_url}.\n"
    )
    return Mail(to, f"Backups not proven: {slug}", text)
