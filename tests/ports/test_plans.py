"""A plan survives JSON unchanged."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonry.core.errors import Invalid
from canonry.ports.builder import DeclaredVolume, Plan, StaticSite, Toolchain
from canonry.ports.plans import plan_from_json, plan_to_json

_TEXT = st.text(max_size=20)
_TEXTS = st.lists(_TEXT, max_size=3).map(tuple)
_TABLE = st.dictionaries(_TEXT, _TEXT, max_size=3)
_PLANS = st.builds(
    Plan,
    provider=_TEXT,
    toolchains=st.lists(st.builds(Toolchain, _TEXT, _TEXT, _TEXT), max_size=2).map(tuple),
    framework=st.none() | _TEXT,
    install=st.none() | _TEXT,
    build=st.none() | _TEXT,
    release=st.none() | _TEXT,
    processes=_TABLE,
    static=st.none() | st.builds(StaticSite, _TEXT, single_page=st.booleans()),
    port=st.none() | st.integers(1, 65535),
    root_dir=_TEXT,
    caches=_TEXTS,
    variables=_TABLE,
    health_path=_TEXT,
    found=_TEXTS,
    lockfiles=_TEXTS,
    overrides=_TEXTS,
    volumes=st.lists(st.builds(DeclaredVolume, _TEXT, _TEXT, st.integers(0, 2**50)), max_size=2).map(tuple),
)


@given(_PLANS)
def test_a_plan_comes_back_from_json_as_it_went(plan: Plan) -> None:
    assert plan_from_json(json.loads(json.dumps(plan_to_json(plan)))) == plan


def test_every_field_of_a_plan_is_in_its_json_in_the_same_order() -> None:
    assert list(plan_to_json(Plan("static"))) == list(Plan.__dataclass_fields__)


def test_an_older_plan_without_later_fields_is_read_with_their_defaults() -> None:
    assert plan_from_json({"provider": "static"}) == Plan("static")


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ({}, "plan.provider"),
        ({"provider": 1}, "plan.provider"),
        ({"provider": "x", "port": True}, "plan.port"),
        ({"provider": "x", "processes": {"web": 1}}, "plan.processes"),
        ({"provider": "x", "caches": "a"}, "plan.caches"),
        ({"provider": "x", "static": []}, "plan.static"),
        ({"provider": "x", "static": {}}, "plan.static.root"),
        ({"provider": "x", "static": {"root": ".", "single_page": 1}}, "plan.static.single_page"),
        ({"provider": "x", "toolchains": [{"name": "node", "version": "1"}]}, "plan.toolchains[0].reason"),
        ({"provider": "x", "toolchains": ["node"]}, "plan.toolchains"),
        ({"provider": "x", "volumes": [{"name": "data", "path": "/data"}]}, "plan.volumes[0].size_bytes"),
    ],
)
def test_json_that_is_no_plan_is_refused_with_the_place(data: dict[str, object], place: str) -> None:
    with pytest.raises(Invalid) as caught:
        plan_from_json(data)
    assert caught.value.code == "invalid_plan"
    assert [issue.path for issue in caught.value.issues] == [place]
