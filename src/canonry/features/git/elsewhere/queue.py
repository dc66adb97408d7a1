"""The jobs of repositories that live at a host, by the names under which they queue."""

from canonry.infra.jobs import Job

# While one waits, another notice adds nothing: the one that waits fetches what is newest.
FETCH = Job("git.fetch_elsewhere", lock="elsewhere:{repository_id}", coalesce=True, is_quick=True)
# What an installation of the app may act on is asked from the host.
ADOPT = Job("git.adopt_installation", lock="installation:{organization_id}:{number}", is_quick=True)
