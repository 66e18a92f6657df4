"""Bringing the database of an older simulator up to date."""

from __future__ import annotations

from sqlalchemy import Engine, Table, inspect, text
from sqlalchemy.schema import CreateColumn

_TAKE_OVER_CLIPS = """
    UPDATE tasks SET result_files = json_array(result_file)
    WHERE result_file IS NOT NULL AND result_files = '[]'
"""


def add_missing_columns(engine: Engine, tasks: Table) -> None:
    """Add what is missing to tasks of the time when each had one clip and no other result."""
    present = {column["name"] for column in inspect(engine).get_columns(tasks.name)}
    with engine.begin() as connection:
        for column in tasks.columns:
            if column.name not in present:
                definition = CreateColumn(column).compile(engine)
                connection.execute(text(f"ALTER TABLE tasks ADD COLUMN {definition}"))
        if "result_file" in present and "result_files" not in present:
            connection.execute(text(_TAKE_OVER_CLIPS))
