"""Check reports for people and programs: tables, a picture, JSON."""

from milliwatt.report.layers import layers_table, plain_layers
from milliwatt.report.save import read_json, write_json
from milliwatt.report.table import markdown, plain, show, table

__all__ = ["layers_table", "markdown", "plain", "plain_layers", "read_json", "show", "table", "write_json"]
