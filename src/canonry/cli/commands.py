"""Every command: its name, where its function lies, and its line of help. Nothing is imported to print the list."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Command:
    """A command that does something. target: `module:function`, imported when the command runs."""

    target: str
    summary: str


@dataclass(frozen=True)
class Noun:
    """A word with commands behind it (`canonry projects ls`). default: what it does without one (`canonry disk`)."""

    summary: str
    commands: Mapping[str, "Command | Noun"] = field(default_factory=dict)
    default: Command | None = None


_REMOTE = "canonry.cli.remote"
_SERVER = "canonry.cli.server"
_SPECS = "canonry.cli.specs"

PROJECTS = Noun("Make, list, stop and remove projects.", {
    "ls": Command(f"{_REMOTE}.projects:list_projects", "List the projects of the organization."),
    "info": Command(f"{_REMOTE}.projects:show_project", "Show one project."),
    "create": Command(f"{_REMOTE}.projects:create_project", "Make an empty project."),
    "set": Command(f"{_REMOTE}.projects:set_project", "Change settings of a project."),
    "rm": Command(f"{_REMOTE}.projects:remove_project", "Remove a project and everything that belongs to it."),
    "stop": Command(f"{_REMOTE}.projects:stop_project", "Stop the instances of a project."),
    "start": Command(f"{_REMOTE}.projects:start_project", "Start a stopped project."),
})  # fmt: skip

DEPLOYMENTS = Noun("Look at deployments, cancel and retry them.", {
    "ls": Command(f"{_REMOTE}.deployments:list_deployments", "List the deployments of a project."),
    "info": Command(f"{_REMOTE}.deployments:show_deployment", "Show one deployment."),
    "logs": Command(f"{_REMOTE}.deployments:show_log", "Show the log of a deployment."),
    "cancel": Command(f"{_REMOTE}.deployments:cancel_deployment", "Cancel a deployment that is not finished."),
    "pin": Command(f"{_REMOTE}.disk:pin", "Keep what a deployment built for good."),
    "unpin": Command(f"{_REMOTE}.disk:unpin", "Keep it no longer than others."),
    "retry": Command(f"{_REMOTE}.deployments:retry_deployment", "Do a deployment again."),
})  # fmt: skip

ENV = Noun("Set the variables of a project's builds and instances.", {
    "ls": Command(f"{_REMOTE}.env:list_variables", "List the variables of a project."),
    "set": Command(f"{_REMOTE}.env:set_variable", "Set or change a variable; its value comes from stdin or a prompt."),
    "rm": Command(f"{_REMOTE}.env:remove_variable", "Remove a variable."),
    "import": Command(f"{_REMOTE}.env:import_variables", "Set everything that an .env file says."),
    "export": Command(f"{_REMOTE}.env:export_variables", "Print the variables that are no secrets as an .env file."),
})  # fmt: skip

DATABASES = Noun("Give a project a PostgreSQL of its own.", {
    "create": Command(f"{_REMOTE}.databases:create_database", "Make the database of a project."),
    "info": Command(f"{_REMOTE}.databases:show_database", "Show the database of a project."),
    "ls": Command(f"{_REMOTE}.databases:list_databases", "List every database of a project."),
    "url": Command(f"{_REMOTE}.databases:print_url", "Print a connection string of your own."),
    "psql": Command(f"{_REMOTE}.databases:psql", "Open psql on the database."),
    "rotate": Command(f"{_REMOTE}.databases:rotate", "Replace the password."),
    "set": Command(f"{_REMOTE}.databases:change_database", "Change size, sleep or reach."),
    "upgrade": Command(f"{_REMOTE}.databases:upgrade_database", "Move the database to the newest PostgreSQL."),
    "rm": Command(f"{_REMOTE}.databases:remove_database", "Delete the database and everything in it."),
    "backups": Command(f"{_REMOTE}.backups:list_database_backups", "List the backups of the database, and which are proven."),
    "backup": Command(f"{_REMOTE}.backups:create_database_backup", "Make a backup of the database now."),
    "dumps": Command(f"{_REMOTE}.dumps:list_dumps", "List the dumps of the database."),
    "dump": Command(f"{_REMOTE}.dumps:download_dump", "Download a dump into a file, for pg_restore."),
    "reach": Command(f"{_REMOTE}.restores:show_reach", "Show to which moments the database can be restored."),
    "restore": Command(f"{_REMOTE}.restores:restore", "Restore the database as it was, beside the live one."),
    "restores": Command(f"{_REMOTE}.restores:list_restores", "List the restores of a project."),
    "compare": Command(f"{_REMOTE}.restores:show_restore", "Show a restore and what differs from the live database."),
    "promote": Command(f"{_REMOTE}.restores:promote", "Let a restored database take the place of the live one."),
    "undo": Command(f"{_REMOTE}.restores:undo", "Let the database of before a promote be live again."),
    "drill": Command(f"{_REMOTE}.proofs:drill", "Prove the newest backup now."),
    "proofs": Command(f"{_REMOTE}.proofs:list_proofs", "List the proofs of backups."),
    "verify": Command(f"{_REMOTE}.proofs:verify_proof", "Check that proofs are genuine, without a server."),
    "discard": Command(f"{_REMOTE}.restores:discard", "Give a restored database up."),
})  # fmt: skip

BACKUPS = Noun("Keep what is live with its variables, and bring it back.", {
    "ls": Command(f"{_REMOTE}.backups:list_backups", "List the backups of a project."),
    "create": Command(f"{_REMOTE}.backups:create_backup", "Back a project up as it is now."),
    "restore": Command(f"{_REMOTE}.backups:restore_backup", "Bring the variables and the deployment of a backup back."),
    "rm": Command(f"{_REMOTE}.backups:remove_backup", "Delete a backup."),
})  # fmt: skip

DOMAINS = Noun("Give a project names of its own.", {
    "ls": Command(f"{_REMOTE}.domains:list_domains", "List the names of a project."),
    "add": Command(f"{_REMOTE}.domains:add_domain", "Attach a domain or an alias; prints the DNS records to make."),
    "info": Command(f"{_REMOTE}.domains:show_domain", "Show one name, its DNS and its certificate."),
    "verify": Command(f"{_REMOTE}.domains:verify_domain", "Look at the DNS of a domain now."),
    "primary": Command(f"{_REMOTE}.domains:make_primary", "Make a name the primary one."),
    "rm": Command(f"{_REMOTE}.domains:remove_domain", "Take a name away."),
})  # fmt: skip

GIT = Noun("Deploy from a git repository.", {
    "connect": Command(f"{_REMOTE}.git:connect", "Name the repository that a project is deployed from."),
    "info": Command(f"{_REMOTE}.git:show", "Show the repository, how it is read, and what its webhook told last."),
    "rotate-secret": Command(f"{_REMOTE}.git:rotate_secret", "Replace the webhook secret."),
    "deploy-key": Command(f"{_REMOTE}.git:show_deploy_key", "Print the public half of the deploy key."),
    "disconnect": Command(f"{_REMOTE}.git:disconnect", "Forget the repository; the project takes pushes and folders again."),
    "deploy": Command(f"{_REMOTE}.git:deploy", "Deploy from the connected repository."),
    "url": Command(f"{_REMOTE}.git:show_url", "Print the address to git push to."),
})  # fmt: skip

REPOS = Noun("Keep repositories on Canonry, or add those that live at GitHub.", {
    "ls": Command(f"{_REMOTE}.repos:list_repositories", "List the repositories of the organization."),
    "create": Command(f"{_REMOTE}.repos:create_repository", "Make a repository without a project, for specifications."),
    "add": Command(f"{_REMOTE}.repos:add_repository", "Add a repository that lives at GitHub."),
    "refresh": Command(f"{_REMOTE}.repos:refresh_repository", "Look at a repository now."),
    "rm": Command(f"{_REMOTE}.repos:remove_repository", "Delete a repository that no project has."),
})  # fmt: skip

TICKETS = Noun("Tickets of specs that live in Canonry, and keeping both in step.", {
    "ls": Command(f"{_REMOTE}.tickets:list_tickets", "List the newest tickets."),
    "show": Command(f"{_REMOTE}.tickets:show_ticket", "Show a ticket."),
    "set": Command(f"{_REMOTE}.tickets:set_ticket", "Change the state or the words of a ticket."),
    "close": Command(f"{_REMOTE}.tickets:close_ticket", "Close a ticket: it is done."),
    "reopen": Command(f"{_REMOTE}.tickets:reopen_ticket", "Open a ticket again."),
    "sync": Command(f"{_REMOTE}.tickets:sync_tickets", "Bring the specs of a repository and their tickets in step now."),
    "syncs": Command(f"{_REMOTE}.tickets:list_syncs", "List what the last syncs of a repository did."),
})  # fmt: skip

PULLS = Noun("Propose, review and merge changes.", {
    "ls": Command(f"{_REMOTE}.pulls:list_pulls", "List the pull requests of a repository."),
    "show": Command(f"{_REMOTE}.pulls:show_pull", "Show what a pull request brings."),
    "open": Command(f"{_REMOTE}.pulls:open_pull", "Propose to merge a branch."),
    "review": Command(f"{_REMOTE}.pulls:review_pull", "Say what you think of a pull request."),
    "merge": Command(f"{_REMOTE}.pulls:merge_pull", "Merge a pull request."),
    "close": Command(f"{_REMOTE}.pulls:close_pull", "Close a pull request without merging it."),
})  # fmt: skip

AUDIT = Noun("Check the record of what happened.", {
    "verify": Command(f"{_REMOTE}.activity:verify", "Check that no event was changed or taken out."),
})  # fmt: skip

WEBHOOKS = Noun("Tell other programs what happens.", {
    "ls": Command(f"{_REMOTE}.webhooks:list_webhooks", "List the webhooks of the organization."),
    "add": Command(f"{_REMOTE}.webhooks:add_webhook", "Add a webhook, and print its secret once."),
    "rm": Command(f"{_REMOTE}.webhooks:remove_webhook", "Remove a webhook."),
    "on": Command(f"{_REMOTE}.webhooks:switch_on", "Switch a webhook on."),
    "off": Command(f"{_REMOTE}.webhooks:switch_off", "Switch a webhook off."),
    "ping": Command(f"{_REMOTE}.webhooks:ping", "Send a test message."),
    "deliveries": Command(f"{_REMOTE}.webhooks:list_deliveries", "List what was sent to a webhook, and how that went."),
    "replay": Command(f"{_REMOTE}.webhooks:replay", "Send a message again."),
})  # fmt: skip

PREVIEWS = Noun("Deploy branches and pull requests on URLs of their own.", {
    "ls": Command(f"{_REMOTE}.previews:list_previews", "List the previews of a project."),
    "create": Command(f"{_REMOTE}.previews:create_preview", "Make the preview of a branch, or bring it up to date."),
    "approve": Command(f"{_REMOTE}.previews:approve_preview", "Let the newest commit of a fork's pull request in."),
    "rm": Command(f"{_REMOTE}.previews:remove_preview", "Remove a preview."),
})  # fmt: skip

VOLUMES = Noun("Keep files over the deploys of a project.", {
    "ls": Command(f"{_REMOTE}.volumes:list_volumes", "List the volumes of a project."),
    "rm": Command(f"{_REMOTE}.volumes:remove_volume", "Remove a volume with everything in it."),
})  # fmt: skip

TOKENS = Noun("Make and revoke tokens, which let programs in.", {
    "ls": Command(f"{_REMOTE}.tokens:list_tokens", "List tokens; no value is shown."),
    "create": Command(f"{_REMOTE}.tokens:create_token", "Make a token, and print its value once."),
    "rm": Command(f"{_REMOTE}.tokens:remove_token", "Revoke a token."),
})  # fmt: skip

MEMBERS = Noun("Say who belongs to the organization.", {
    "ls": Command(f"{_REMOTE}.members:list_members", "List the members of the organization."),
    "invite": Command(f"{_REMOTE}.members:invite", "Invite somebody by mail."),
    "invitations": Command(f"{_REMOTE}.members:list_invitations", "List the invitations that wait."),
    "accept": Command(f"{_REMOTE}.members:accept", "Join an organization that invited you."),
    "role": Command(f"{_REMOTE}.members:set_role", "Give a member another role."),
    "rm": Command(f"{_REMOTE}.members:remove_member", "Remove a member, or withdraw an invitation."),
})  # fmt: skip

ORGANIZATIONS = Noun("List, make and delete organizations.", {
    "ls": Command(f"{_REMOTE}.organizations:list_organizations", "List your organizations."),
    "create": Command(f"{_REMOTE}.organizations:create_organization", "Make an organization that you own."),
    "rm": Command(f"{_REMOTE}.organizations:remove_organization", "Delete an organization that has no projects."),
})  # fmt: skip

TWO_FACTOR = Noun("Sign in with a code of an authenticator app besides the password.", {
    "status": Command(f"{_REMOTE}.own_account:second_factor_state", "Show whether signing in takes a second factor."),
    "on": Command(f"{_REMOTE}.own_account:second_factor_on", "Turn two-factor sign-in on."),
    "off": Command(f"{_REMOTE}.own_account:second_factor_off", "Turn two-factor sign-in off."),
    "codes": Command(f"{_REMOTE}.own_account:new_recovery_codes", "Get new recovery codes."),
})  # fmt: skip

ACCOUNT = Noun("Change how you sign in.", {
    "password": Command(f"{_REMOTE}.own_account:change_password", "Set or change your password."),
    "two-factor": TWO_FACTOR,
})  # fmt: skip

USERS = Noun("See who has an account on this machine's Canonry, and let somebody in no more.", {
    "ls": Command(f"{_SERVER}.users:list_users", "List everybody who has an account."),
    "deactivate": Command(f"{_SERVER}.users:deactivate", "Let somebody in no more."),
    "activate": Command(f"{_SERVER}.users:activate", "Let somebody sign in again."),
})  # fmt: skip

MAIL = Noun("Read the mail that was not sent because no mail server is configured.", {
    "ls": Command(f"{_SERVER}.mail:list_mail", "List the mail in this home's folder."),
    "show": Command(f"{_SERVER}.mail:show_mail", "Print one mail."),
    "rm": Command(f"{_SERVER}.mail:remove_mail", "Remove one mail, or all."),
})  # fmt: skip

DISK = Noun("Show who uses the disk, and make room.", {
    "ls": Command(f"{_REMOTE}.disk:show_disk", "Show who uses how much of the disk, also without `ls`."),
    "prune": Command(f"{_REMOTE}.disk:prune", "Remove what can be made again, and what is beyond the budgets."),
}, default=Command(f"{_REMOTE}.disk:show_disk", "Show who uses how much of the disk."))  # fmt: skip

BACKUP = Noun("Back this Canonry up, all of it.", {
    "create": Command(f"{_SERVER}.backup:create", "Bring the archive up to date now."),
    "ls": Command(f"{_SERVER}.backup:list_backups", "List what the archive has."),
    "key": Command(f"{_SERVER}.backup:show_key", "Print the key of the backups, which is in none of them."),
    "verify": Command(f"{_SERVER}.backup:verify", "Read a whole backup, to see whether it can be."),
})  # fmt: skip

DRAINS = Noun("Send the runtime log of a project to a collector.", {
    "ls": Command(f"{_REMOTE}.drains:list_drains", "List the log drains of a project."),
    "add": Command(f"{_REMOTE}.drains:add_drain", "Send the log somewhere from now on."),
    "rm": Command(f"{_REMOTE}.drains:remove_drain", "Send the log there no longer."),
})  # fmt: skip

SPEC = Noun("Write and check the specs of a checkout; no server is needed.", {
    "new": Command(f"{_SPECS}.changing:new", "Write a new spec from a template."),
    "lint": Command(f"{_SPECS}.looking:lint", "Say what is wrong in the specs."),
    "status": Command(f"{_SPECS}.looking:status", "Show how far the specs are."),
    "tasks": Command(f"{_SPECS}.looking:tasks", "List the sections to do."),
    "start": Command(f"{_SPECS}.changing:start", "Mark a section as in progress."),
    "done": Command(f"{_SPECS}.changing:done", "Mark a section as done, or tick a criterion."),
    "search": Command(f"{_SPECS}.looking:search", "Find sections by heading, criteria and text."),
    "verify": Command(f"{_SPECS}.verifying:verify", "Say what speaks for each criterion."),
    "diff": Command(f"{_SPECS}.comparing:diff", "Show which sections and criteria changed."),
    "history": Command(f"{_SPECS}.comparing:history", "Show who changed a spec, a section or a criterion, and what it said."),
    "export": Command(f"{_SPECS}.looking:export", "Print every section and criterion as JSON or CSV."),
})  # fmt: skip

ROOT = Noun("From a written specification to running software, on your own machine.", {
    "deploy": Command(f"{_REMOTE}.deploy:deploy", "Deploy a folder and follow it until it is live."),
    "plan": Command(f"{_REMOTE}.plan:plan", "Show what a deploy of a folder would do."),
    "rollback": Command(f"{_REMOTE}.deployments:rollback", "Go back to an earlier deployment."),
    "scale": Command(f"{_REMOTE}.instances:scale", "Set, or show, how many instances a project runs and how big they are."),
    "ps": Command(f"{_REMOTE}.instances:list_instances", "List the running instances of a project."),
    "logs": Command(f"{_REMOTE}.logs:logs", "Show what a project's instances write."),
    "metrics": Command(f"{_REMOTE}.metrics:metrics", "Show what a project used and answered."),
    "drains": DRAINS,
    "disk": DISK,
    "projects": PROJECTS,
    "deployments": DEPLOYMENTS,
    "env": ENV,
    "db": DATABASES,
    "backups": BACKUPS,
    "domains": DOMAINS,
    "git": GIT,
    "repos": REPOS,
    "pulls": PULLS,
    "tickets": TICKETS,
    "previews": PREVIEWS,
    "volumes": VOLUMES,
    "spec": SPEC,
    "activity": Command(f"{_REMOTE}.activity:activity", "Show who did what, when and from where."),
    "audit": AUDIT,
    "webhooks": WEBHOOKS,
    "notifications": Command(f"{_REMOTE}.notifications:notifications", "Show or change what you are mailed about."),
    "tokens": TOKENS,
    "members": MEMBERS,
    "organizations": ORGANIZATIONS,
    "account": ACCOUNT,
    "login": Command(f"{_REMOTE}.account:login", "Sign in to a Canonry, in a browser or with a token."),
    "logout": Command(f"{_REMOTE}.account:logout", "Sign out."),
    "whoami": Command(f"{_REMOTE}.account:whoami", "Show who is signed in, and where."),
    "completion": Command("canonry.cli.completion:completion", "Print the script that lets a shell complete commands."),
    "up": Command(f"{_SERVER}.up:up", "Start Canonry on this machine."),
    "down": Command(f"{_SERVER}.down:down", "Stop Canonry on this machine."),
    "status": Command(f"{_SERVER}.status:status", "Show what runs on this machine, and where it answers."),
    "serve": Command(f"{_SERVER}.serve:serve", "Run the web and worker process in the foreground."),
    "users": USERS,
    "mail": MAIL,
    "backup": BACKUP,
    "restore": Command(f"{_SERVER}.backup:restore", "Make an empty home the Canonry that an archive holds."),
    "doctor": Command(f"{_SERVER}.doctor:doctor", "Check what this machine offers, and say what is missing."),
})  # fmt: skip


def all_commands(noun: Noun = ROOT, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Command]]:
    """Return every command below `noun` with the words that call it, in the order of the table."""
    found: list[tuple[tuple[str, ...], Command]] = []
    for name, item in noun.commands.items():
        if isinstance(item, Command):
            found.append(((*path, name), item))
        else:
            found += all_commands(item, (*path, name))
    return found
