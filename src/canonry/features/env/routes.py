"""HTTP for variables. What changes is in force at the next deployment."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query, Response

from canonry.core.access import Permission
from canonry.core.secret import Secret
from canonry.features.env import files, service
from canonry.features.env.models import ALL, Change, Variable
from canonry.features.env.schemas import (
    ChangeVariable,
    ExportAnswer,
    ImportAnswer,
    ImportVariables,
    PutAnswer,
    SetVariables,
    VariableAnswer,
    VariablesAnswer,
    difference_body,
    env_body,
    variable_body,
)
from canonry.http.deps import ActorDep, ServicesDep, TxDep
from canonry.http.routing import Routes
from canonry.infra.crypto import Vault

router = Routes(tags=["Environment variables"])

InEnvironment = Annotated[str | None, Query(max_length=250, description="production, preview, preview/<branch> or all")]


@router.operation("GET", "/projects/{project}/env", Permission.PROJECTS_READ, errors=(503,))
def list_variables(project: str, actor: ActorDep, tx: TxDep, services: ServicesDep, environment: InEnvironment = None) -> VariablesAnswer:
    """List the variables of a project; the values of sensitive ones are not shown to anybody."""
    return _listed(service.listed(tx, actor, project, environment), services.vault)


@router.operation(
    "POST", "/projects/{project}/env", Permission.PROJECTS_DEPLOY, status_code=201, errors=(409, 413),
    responses={200: {"model": VariableAnswer | PutAnswer, "description": "Set; at least one of them was there before"}},
)  # fmt: skip
def set_variables(
    project: str, body: SetVariables, response: Response, actor: ActorDep, tx: TxDep, services: ServicesDep
) -> VariableAnswer | PutAnswer:
    """Set a new variable; with `vars`, `scope` or `secret` in the body also change what is there."""
    environment, field = body.where
    where = service.place(tx, actor, project, environment, field=field)
    if not body.is_upsert:
        return _answer(service.create(tx, actor, services.vault, where, body.entries[0], body.flags), services.vault)
    changes = service.put(tx, actor, services.vault, where, body.entries, body.flags)
    keys = {change.key for change in changes}
    rows = [row for row in service.listed(tx, actor, project, where.environment) if row.key in keys]
    response.status_code = 201 if all(change.change is Change.ADDED for change in changes) else 200
    if body.vars is None:
        return _answer(rows[0], services.vault)
    return PutAnswer(**_listed(rows, services.vault).model_dump(), changes=[difference_body(change) for change in changes])


@router.operation("PATCH", "/projects/{project}/env/{key}", Permission.PROJECTS_DEPLOY, errors=(413,))
def change_variable(project: str, key: str, body: ChangeVariable, actor: ActorDep, tx: TxDep, services: ServicesDep) -> VariableAnswer:
    """Change the value of a variable, or how it is treated, in one environment."""
    value = None if body.value is None else Secret(body.value)
    row = service.change(tx, actor, services.vault, project, key, environment=body.environment, value=value, flags=body.flags)
    return _answer(row, services.vault)


@router.operation("DELETE", "/projects/{project}/env/{key}", Permission.PROJECTS_DEPLOY, status_code=204)
def remove_variable(project: str, key: str, actor: ActorDep, tx: TxDep, environment: InEnvironment = None) -> None:
    """Remove a variable from one environment."""
    service.remove(tx, actor, project, key, environment=environment)


@router.operation("POST", "/projects/{project}/env/import", Permission.PROJECTS_DEPLOY, errors=(413,))
def import_variables(project: str, body: ImportVariables, actor: ActorDep, tx: TxDep, services: ServicesDep) -> ImportAnswer:
    """Set everything that an .env file says, or nothing when a line is wrong; `dry_run` only tells what would change."""
    where = service.place(tx, actor, project, body.environment)
    entries, skipped = files.read_file(body.text)
    write = service.compare if body.dry_run else service.put
    changes = write(tx, actor, services.vault, where, entries, body.flags)
    shown = [difference_body(change) for change in (*changes, *skipped)]
    return ImportAnswer(environment=where.environment, applied=not body.dry_run, changes=shown)


@router.operation("GET", "/projects/{project}/env/export", Permission.PROJECTS_READ, errors=(503,))
def export_variables(
    project: str, actor: ActorDep, tx: TxDep, services: ServicesDep, environment: Annotated[str, Query(max_length=250)] = ALL
) -> ExportAnswer:
    """Write what an app in an environment is given as an .env file, without the sensitive ones."""
    text, omitted = files.export(tx, actor, services.vault, project, environment)
    return ExportAnswer(environment=environment, text=text, omitted=omitted)


def _answer(row: Variable, vault: Vault) -> VariableAnswer:
    shown = variable_body(row, vault)
    return VariableAnswer(variable=shown, **env_body(shown).model_dump())


def _listed(rows: Sequence[Variable], vault: Vault) -> VariablesAnswer:
    shown = [variable_body(row, vault) for row in rows]
    return VariablesAnswer(variables=shown, env=[env_body(body) for body in shown])
