"""The reference is what the code says, and nothing public is without a sentence."""

import dataclasses
import importlib.util
from types import ModuleType

import pytest

from canonry.core.settings import ClientSettings, Settings
from tests.architecture.tree import ROOT


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "scripts/reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["settings.md", "errors.md", "cli.md"])
def test_a_page_of_the_reference_is_what_the_code_says(name: str) -> None:
    assert (ROOT / "docs/reference" / name).read_text() == _generator().pages()[name], "Run `make docs`."


def test_every_setting_is_explained_in_a_sentence() -> None:
    every = [*dataclasses.fields(Settings), *dataclasses.fields(ClientSettings)]
    assert [item.name for item in every if not str(item.metadata.get("help", "")).endswith(".")] == []


def test_every_setting_is_in_the_reference() -> None:
    page = (ROOT / "docs/reference/settings.md").read_text()
    assert [item.name for item in dataclasses.fields(Settings) if f"`CANONRY_{item.name.upper()}`" not in page] == []


def test_every_error_has_one_kind_and_says_something() -> None:
    found = _generator()._errors()
    assert [code for codes in found.values() for code, said in codes.items() if not any(message for message, _ in said)] == []


def test_error_codes_are_snake_case() -> None:
    found = _generator()._errors()
    assert [code for codes in found.values() for code in codes if not code.replace("_", "").isalnum() or code != code.lower()] == []
