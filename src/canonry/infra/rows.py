"""Rows as frozen dataclasses, made without calling their `__init__`: of long lists it is the larger part of reading them."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from psycopg import Cursor


def quick_row[T](kind: type[T]) -> Callable[[Cursor[Any]], Callable[[Sequence[Any]], T]]:
    """Return a row factory like psycopg's `class_row`, for a dataclass without slots and without `__post_init__`.

    Raises: TypeError, when the query is run, if its columns are not exactly the fields.
    """
    expected = {field.name for field in fields(kind)}  # type: ignore[arg-type]

    def factory(cursor: Cursor[Any]) -> Callable[[Sequence[Any]], T]:
        # Not from `cursor.description`: of 20 columns that takes as long as the query.
        result = cursor.pgresult
        names = [(result.fname(number) or b"").decode() for number in range(result.nfields)] if result else []
        if names and set(names) != expected:
            message = f"{kind.__name__} has other fields than the query has columns: {sorted(expected ^ set(names))}"
            raise TypeError(message)

        def make(values: Sequence[Any]) -> T:
            row = object.__new__(kind)
            row.__dict__.update(zip(names, values, strict=True))
            return row

        return make

    return factory
