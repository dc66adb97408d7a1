"""The states of a device sign-in, walked through at random beside a model of a few lines."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from canonry.core.access import Actor, Credential
from canonry.core.errors import NotFound
from canonry.features.auth.device import service
from canonry.features.auth.device.models import Codes, Told
from canonry.features.auth.device.rules import read_user_code, shown
from tests.support.api import Api

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass
class Model:
    """What we believe of one device sign-in. next_at: the earliest moment at which a question is not too early."""

    codes: Codes
    status: str
    expires_at: datetime
    pause: int = 5
    next_at: datetime = _NEVER
    given: int = 0


class Devices(RuleBasedStateMachine):
    """One device after another; time only goes on."""

    api: Api

    def __init__(self) -> None:
        super().__init__()
        self.at = datetime(2026, 1, 1, tzinfo=UTC)
        self.model: Model | None = None
        owner = self.api.owner
        self.actor = Actor(
            owner.user_id, owner.organization_id, owner.handle, frozenset(), credential=Credential.SESSION, credential_id="ses_x"
        )

    @rule()
    def begin(self) -> None:
        with self.api.container.transactions.begin() as tx:
            codes = service.begin(tx, self.api.container.vault, organization="", client="a test", origin="http://localhost", at=self.at)
        self.model = Model(codes, "pending", self.at + timedelta(minutes=15))

    @rule(seconds=st.sampled_from([1, 4, 6, 30, 400, 1000]))
    def wait(self, seconds: int) -> None:
        self.at += timedelta(seconds=seconds)

    @precondition(lambda self: self.model is not None)
    @rule(answer=st.sampled_from(["approved", "denied"]))
    def decide(self, answer: str) -> None:
        model = self._model()
        vault, code = self.api.container.vault, model.codes.user_code
        allowed = model.status == "pending" and self.at < model.expires_at
        try:
            with self.api.container.transactions.begin() as tx:
                if answer == "approved":
                    service.approve(tx, vault, self.actor, code, organization="ada", at=self.at)
                else:
                    service.deny(tx, vault, self.actor, code, at=self.at)
        except NotFound:
            assert not allowed
        else:
            assert allowed
            model.status = answer

    @precondition(lambda self: self.model is not None)
    @rule()
    def ask(self) -> None:
        model = self._model()
        with self.api.container.transactions.begin() as tx:
            told = service.ask(tx, model.codes.device_code, at=self.at)
        assert (told.status, told.slow_down) == self._expected(model)
        self._note(model, told)

    @invariant()
    def tokens_are_given_once(self) -> None:
        assert self.model is None or self.model.given <= 1

    def _expected(self, model: Model) -> tuple[str, bool]:
        if model.status == "denied":
            return "denied", False
        if model.status == "taken":
            return "error", False
        if self.at >= model.expires_at:
            return "expired", False
        if self.at < model.next_at:
            return "pending", True
        return model.status, False

    def _note(self, model: Model, told: Told) -> None:
        assert (told.granted is not None) == (told.status == "approved")
        if told.status == "approved":
            model.given, model.status = model.given + 1, "taken"
        if told.slow_down:
            model.pause = min(model.pause + 5, 60)
        model.next_at = self.at + timedelta(seconds=model.pause)

    def _model(self) -> Model:
        assert self.model is not None
        return self.model


@pytest.fixture
def devices(api: Api) -> type[Devices]:
    Devices.api = api
    return Devices


def test_whatever_happens_in_whatever_order_is_answered_as_the_model_says(devices: type[Devices]) -> None:
    chosen = settings(max_examples=30, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(devices, settings=chosen)


@pytest.mark.parametrize("text", ["", "BCDF", "BCDF-GHJ", "BCDF-GHJKL", "ABCD-FGHJ", "BCDF-GHJ0", "ßCDF-GHJK", "BCDF_GHJK"])
def test_what_can_be_no_code_is_none(text: str) -> None:
    assert not read_user_code(text)


def test_a_code_is_read_as_it_is_shown() -> None:
    assert read_user_code(f" {shown('BCDFGHJK').lower()} ") == "BCDFGHJK"
