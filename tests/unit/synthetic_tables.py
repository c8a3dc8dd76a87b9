"""Frames that follow schemas/tables."""

import polars as pl

from golgi.tables import POLARS_TYPES, conform, table_schema


def table(name: str, rows: list[dict]) -> pl.DataFrame:
    """A frame with exactly the columns, types and order of a schema."""
    columns = {column["name"]: POLARS_TYPES[column["type"]] for column in table_schema(name)["columns"]}
    return conform(pl.DataFrame(rows, schema=columns, orient="row", strict=True), schema=name, where=name)
