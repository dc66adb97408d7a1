"""Shapes of requests and answers about variables."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, model_validator

from canonry.core.secret import Secret
from canonry.features.env.models import ALL, Difference, Entry, Flags, Variable
from canonry.features.env.rules import KEY, LONGEST_KEY, LONGEST_VALUE, MASK
from canonry.infra.crypto import Vault

Key = Annotated[StrictStr, Field(max_length=LONGEST_KEY, json_schema_extra={"pattern": f"^{KEY.pattern}$"}, examples=["API_KEY"])]
Value = Annotated[StrictStr, Field(max_length=LONGEST_VALUE, examples=["a value"])]
Environment = Annotated[
    StrictStr, Field(max_length=250, description="production, preview, preview/<branch> or all", examples=["production"])
]


class SetVariables(BaseModel):
    """Body of POST …/env. `key` and `value` set a new variable; with `scope` or `secret` beside them, or as `vars`, they also change one.

    environment (or scope): production, preview, preview/<branch>, all (which it is when absent). sensitive (or secret): the value is never
    shown. build, run: whether builds, and what runs, are given it. All three are yes for a new variable unless you say otherwise.
    """

    model_config = ConfigDict(extra="forbid")
    key: Key | None = None
    value: Value | None = None
    vars: dict[StrictStr, Value] | None = Field(None, min_length=1, description="Several at once: every one is set, or none.")
    environment: Environment | None = None
    scope: Environment | None = Field(None, description="Another word for environment.")
    sensitive: StrictBool | None = None
    secret: StrictBool | None = Field(None, description="Another word for sensitive.")
    build: StrictBool | None = None
    run: StrictBool | None = None

    @model_validator(mode="after")
    def _has_one_form(self) -> Self:
        if self.vars is not None and (self.key is not None or self.value is not None):
            raise ValueError("send either `vars` or `key` and `value`")
        if self.vars is None and (self.key is None or self.value is None):
            raise ValueError("send `key` and `value`, or `vars`")
        if None not in {self.environment, self.scope} and self.environment != self.scope:
            raise ValueError("`scope` and `environment` are one thing: send one of them")
        if None not in {self.sensitive, self.secret} and self.sensitive is not self.secret:
            raise ValueError("`secret` and `sensitive` are one thing: send one of them")
        return self

    @property
    def where(self) -> tuple[str, str]:
        """The environment, and the field that says it."""
        if self.scope is not None:
            return self.scope, "body.scope"
        return (ALL if self.environment is None else self.environment), "body.environment"

    @property
    def is_upsert(self) -> bool:
        """Whether what is there already is changed, and not refused."""
        return self.vars is not None or self.scope is not None or self.secret is not None

    @property
    def flags(self) -> Flags:
        """How the variables are treated."""
        return Flags(self.sensitive if self.sensitive is not None else self.secret, self.build, self.run)

    @property
    def entries(self) -> list[Entry]:
        """The variables."""
        if self.vars is not None:
            return [Entry(key, Secret(value), f"body.vars.{key}") for key, value in self.vars.items()]
        return [Entry(self.key or "", Secret(self.value or ""))]


class ChangeVariable(BaseModel):
    """Body of PATCH …/env/{key}. environment: which one, when the key is set for several. What is absent stays as it is."""

    model_config = ConfigDict(extra="forbid")
    value: Value | None = None
    environment: Environment | None = None
    sensitive: StrictBool | None = None
    build: StrictBool | None = None
    run: StrictBool | None = None

    @property
    def flags(self) -> Flags:
        """How the variable is treated from now on."""
        return Flags(self.sensitive, self.build, self.run)


class ImportVariables(BaseModel):
    """Body of POST …/env/import. text: of an .env file. dry_run: say what would change, and change nothing."""

    model_config = ConfigDict(extra="forbid")
    text: Annotated[StrictStr, Field(max_length=1 << 20, examples=["LOG_LEVEL=debug\nGREETING='hello there'\n"])]
    environment: Environment = ALL
    dry_run: StrictBool = False
    sensitive: StrictBool | None = None
    build: StrictBool | None = None
    run: StrictBool | None = None

    @property
    def flags(self) -> Flags:
        """How the variables are treated."""
        return Flags(self.sensitive, self.build, self.run)


class VariableBody(BaseModel):
    """A variable. value: null when it is sensitive; the digest says whether two values of the project are equal."""

    key: str
    environment: str
    value: str | None
    sensitive: bool
    build: bool
    run: bool
    digest: str
    created_at: str
    updated_at: str
    updated_by: str


class EnvBody(BaseModel):
    """A variable in the words of the other platform: the value of a secret is masked."""

    key: str
    value: str
    secret: bool
    scope: str


class VariablesAnswer(BaseModel):
    """The variables of a project, by key: `variables` without the values of sensitive ones, `env` with those masked."""

    variables: list[VariableBody]
    env: list[EnvBody]


class VariableAnswer(EnvBody):
    """One variable, wrapped, and masked beside it."""

    variable: VariableBody


class DifferenceBody(BaseModel):
    """What a write did to one key: added, changed, unchanged or skipped. was: the digest of the former value."""

    key: str
    change: str
    digest: str
    was: str | None
    note: str


class PutAnswer(VariablesAnswer):
    """What was set, and what that changed."""

    changes: list[DifferenceBody]


class ImportAnswer(BaseModel):
    """What an import did or, in a dry run, would do."""

    environment: str
    applied: bool
    changes: list[DifferenceBody]


class ExportAnswer(BaseModel):
    """What an app in that environment is given, as the text of an .env file. omitted: the keys of sensitive variables."""

    environment: str
    text: str
    omitted: list[str]


def variable_body(row: Variable, vault: Vault) -> VariableBody:
    """Return a variable as the API shows it."""
    value = None if row.sensitive else vault.open(row.sealed_value, bound=row.bound).reveal()
    return VariableBody(
        key=row.key, environment=row.environment, value=value, sensitive=row.sensitive, build=row.for_build, run=row.for_run,
        digest=row.digest, created_at=row.created_at.isoformat(), updated_at=row.updated_at.isoformat(), updated_by=row.updated_by,
    )  # fmt: skip


def env_body(shown: VariableBody) -> EnvBody:
    """Return a variable in the other platform's words."""
    return EnvBody(key=shown.key, value=MASK if shown.value is None else shown.value, secret=shown.sensitive, scope=shown.environment)


def difference_body(difference: Difference) -> DifferenceBody:
    """Return what a write did to one key."""
    return DifferenceBody(key=difference.key, change=difference.change, digest=difference.digest, was=difference.was, note=difference.note)
