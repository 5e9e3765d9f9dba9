"""The texts that stand in the code, with `…` for what is put in."""

import ast
from collections.abc import Iterator
from functools import cache

from tests.unit.docs.docs_pages import ROOT

PARTS = ("core", "finexpert", "infra", "lambdas", "training", "serving", "localcloud")
GAP = "…"


@cache
def texts() -> frozenset[str]:
    """Every text of the program, and the Makefile's lines."""
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    found = {line.strip() for line in lines if line.strip()}
    for part in PARTS:
        for file in (ROOT / part).rglob("*.py"):
            found.update(_texts(ast.parse(file.read_text(encoding="utf-8"))))
    return frozenset(found)


def stands(message: str) -> bool:
    """Whether some text holds the message's pieces in their order, with anything at each `…`."""
    pieces = [piece.strip() for piece in message.split(GAP) if piece.strip()]
    return any(_holds(text, pieces) for text in texts())


def _holds(text: str, pieces: list[str]) -> bool:
    place = 0
    for piece in pieces:
        place = text.find(piece, place)
        if place < 0:
            return False
        place += len(piece)
    return True


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(v.value) if isinstance(v, ast.Constant) else GAP for v in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
