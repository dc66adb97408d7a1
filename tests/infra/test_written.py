"""Answers whose long lists are written already."""

import json

from pydantic import BaseModel, Field

from canonry.infra.written import with_lists


class _Answer(BaseModel):
    name: str
    items: list[int]
    others: list[int] = Field(alias="more")


class _Lists(BaseModel):
    items: list[int]


def test_lists_stand_where_the_model_has_them() -> None:
    answer = _Answer(name='ü, "items"', items=[7], more=[8])
    assert json.loads(with_lists(answer, items=[b"1", b"2"])) == {"name": 'ü, "items"', "items": [1, 2], "more": [8]}
    assert json.loads(with_lists(answer, items=[])) == {"name": 'ü, "items"', "items": [], "more": [8]}
    assert json.loads(with_lists(_Lists(items=[]), items=[b"3"])) == {"items": [3]}
