"""Python out of documents and notebooks, run piece by piece in one process of its own.

Not by nbclient: a kernel would bring forty packages into the lock, for what is here a loop around
`exec`. The notebooks are plain Python; a magic in one is a syntax error here. As in a notebook, a
piece that ends in an expression shows its value.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from pathlib import Path

PROGRAM = """
import ast, json, sys
space = {"__name__": "__main__"}
for number, source in enumerate(json.loads(sys.argv[1])):
    name = f"piece {number}"
    tree = ast.parse(source, name)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), space)
    value = last and eval(compile(ast.Expression(last.value), name, "eval"), space)
    if value is not None:
        print(repr(value), flush=True)
"""


def cells_of(notebook: Path) -> list[str]:
    cells = json.loads(notebook.read_text())["cells"]
    return ["".join(one["source"]) for one in cells if one["cell_type"] == "code"]


def blocks_of(document: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", document.read_text(), re.DOTALL)


async def run_pieces(pieces: list[str], folder: Path, **environ: str) -> str:
    """What they print when they are run in a folder; fails with all of it where one fails."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-c", PROGRAM, json.dumps(pieces),
        cwd=folder, env=os.environ | environ,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, out.decode()
    return out.decode()
