"""Rows that are made without `__init__`."""

from dataclasses import dataclass

import pytest
from psycopg.rows import class_row

from canonry.infra.db import Database
from canonry.infra.rows import quick_row


@dataclass(frozen=True)
class Pair:
    left: int
    right: str | None


def test_they_are_the_same_as_those_of_psycopg(database: Database) -> None:
    query = "SELECT n AS left, CASE WHEN n > 1 THEN 'x' END AS right FROM generate_series(1, 3) n"
    with database.reading() as connection:
        quick = connection.cursor(row_factory=quick_row(Pair)).execute(query).fetchall()
        usual = connection.cursor(row_factory=class_row(Pair)).execute(query).fetchall()
    assert quick == usual == [Pair(1, None), Pair(2, "x"), Pair(3, "x")]
    assert hash(quick[0]) == hash(usual[0])


@pytest.mark.parametrize("query", ["SELECT 1 AS left", "SELECT 1 AS left, 'x' AS right, 2 AS more", "SELECT 1 AS left, 'x' AS wrong"])
def test_a_query_with_other_columns_is_a_fault(database: Database, query: str) -> None:
    with database.reading() as connection, pytest.raises(TypeError, match="Pair has other fields"):
        connection.cursor(row_factory=quick_row(Pair)).execute(query.encode()).fetchall()
