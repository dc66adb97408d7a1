"""The jobs of this feature, by the names under which they queue."""

from canonry.infra.jobs import Job

# One run at a time for each project and environment; while one waits, a further push adds nothing: it takes the newest.
RUN = Job("deployments.run", lock="deploy:{project_id}:{environment}", coalesce=True)
# A commit that was made here, by a merge or in the editor, is deployed as a pushed one is.
DEPLOY_COMMITTED = Job("deployments.deploy_committed", lock="committed:{repository_id}", is_quick=True)
# Takes away what a deleted project left: processes, files, repositories.
CLEAR = Job("deployments.clear", lock="clear:{project_id}")
# Takes away what a removed preview left. It waits for a deployment to that preview which is still running.
CLEAR_ENVIRONMENT = Job("deployments.clear_environment", lock="deploy:{project_id}:{environment}")
# Starts what is live anew, with what its database delivers now.
RENEW = Job("deployments.renew", lock="renew:{project_id}:{environment}")
