"""The jobs of repositories that live at a host, by the names under which they queue."""

from canonry.infra.jobs import Job

# While one waits, another notice adds nothing: the one that waits fetches what is newest.
FETCH = Job("git.fetch_elsewhere", lock="elsewhere:{repository_id}", coalesce=True, is_quick=True)
# What the specs of branches that moved are worth is told to the host.
CHECK = Job("git.check_elsewhere", lock="check:{repository_id}", coalesce=True, is_quick=True)
# The same for a pull request, whose commit may lie in somebody's fork.
CHECK_PULL = Job("git.check_pull_elsewhere", lock="check:{repository_id}", is_quick=True)
# What an installation of the app may act on is asked from the host.
ADOPT = Job("git.adopt_installation", lock="installation:{organization_id}:{number}", is_quick=True)
