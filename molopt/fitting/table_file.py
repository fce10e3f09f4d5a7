"""The file of a table of force constants: JSON with one class a line, so that versions can be compared."""

import json
from typing import Any


def as_json(table: dict[str, Any]) -> str:
    """The text of the file: `constants`, one class a line, after whatever else is said of them.

    >>> print(as_json({"potential": "gfn2-xtb", "constants": {"stretch": {"C-C": [28.1], "C-H": [33.0]}}}), end="")
    {
     "potential": "gfn2-xtb",
     "constants": {
      "stretch": {
       "C-C": [28.1],
       "C-H": [33.0]
      }
     }
    }
    """
    head = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in table.items() if key != "constants"]
    kinds = [
        f"  {json.dumps(kind)}: {{\n"
        + ",\n".join(f"   {json.dumps(group)}: {json.dumps(row)}" for group, row in rows.items())
        + "\n  }"
        for kind, rows in table["constants"].items()
    ]
    return "{\n" + ",\n".join([*head, ' "constants": {\n' + ",\n".join(kinds) + "\n }"]) + "\n}\n"
