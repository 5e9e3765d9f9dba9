"""The text that the tiny base model is pre-trained on: documentation inside pinned packages.

Pinned packages are the same text on every machine and Python version, which the standard library's is not:
equal versions give an equal ``Corpus.digest``. (Source: botocore's service models, Apache-2.0, and
docstrings of NumPy, BSD-3-Clause, and Hypothesis, MPL-2.0. The text is read where it is installed; none of
it is shipped.)
"""

import ast
import gzip
import hashlib
import html
import importlib.util
import inspect
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

DOCSTRING_PACKAGES = ("numpy", "hypothesis")
PACKAGES = ("botocore", *DOCSTRING_PACKAGES)

#: Services that speak of money; all their documentation is used, of the others as much as fits.
MONEY_SERVICES = re.compile(
    r"bcm|billing|budget|^ce$|cost|cur$|customer-profiles|finspace|freetier|frauddetector|invoicing|marketplace"
    r"|payment|pricing|procurement|savings|support|tax"
)
SHORTEST, LONGEST = 160, 1500
#: Prose has at least this share of letters and spaces; below it is code, tables or lists of names.
PROSE_SHARE = 0.88


@dataclass(frozen=True)
class Corpus:
    """Training text and held-out text, as documents; ``digest`` identifies content and order."""

    training: tuple[str, ...]
    held_out: tuple[str, ...]
    versions: dict[str, str]

    @property
    def digest(self) -> str:
        """SHA-256 over all documents in order."""
        total = hashlib.sha256()
        for document in (*self.training, "\x00", *self.held_out):
            total.update(document.encode() + b"\x00")
        return total.hexdigest()


def build_corpus(*, size: int, seed: int, held_out: int = 200) -> Corpus:
    """About ``size`` bytes of unique prose documents, shuffled by ``seed``; ``held_out`` kept apart."""
    chance = random.Random(seed)
    botocore = _folder("botocore")
    models = sorted(botocore.glob("data/*/*/service-2.json.gz"), key=lambda file: file.as_posix())
    money = [file for file in models if MONEY_SERVICES.search(file.parent.parent.name)]
    others = sorted(set(models) - set(money), key=lambda file: file.as_posix())
    chance.shuffle(others)
    documents: dict[str, None] = {}
    for package in DOCSTRING_PACKAGES:
        documents.update(dict.fromkeys(filter(is_prose, docstrings(_folder(package)))))
    total = sum(len(text.encode()) for text in documents)
    for number, file in enumerate(money + others):
        if total >= size and number >= len(money):
            break
        for text in filter(is_prose, service_texts(json.loads(gzip.decompress(file.read_bytes())))):
            if text not in documents:
                documents[text] = None
                total += len(text.encode())
    shuffled = sorted(documents)
    chance.shuffle(shuffled)
    return Corpus(
        training=tuple(shuffled[held_out:]),
        held_out=tuple(shuffled[:held_out]),
        versions={package: version(package) for package in PACKAGES},
    )


def service_texts(model: Any) -> Iterator[str]:
    """Every ``documentation`` of a botocore service model, without its HTML."""
    if isinstance(model, dict):
        for key, value in model.items():
            if key == "documentation" and isinstance(value, str):
                yield plain_text(value)
            else:
                yield from service_texts(value)
    elif isinstance(model, list):
        for value in model:
            yield from service_texts(value)


def plain_text(markup: str) -> str:
    """HTML without tags and entities, white space collapsed; a tag leaves no space before punctuation."""
    text = html.unescape(re.sub(r"</(?:p|li|dt|dd|note)>", " ", markup))
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", text)).strip()


def docstrings(folder: Path) -> Iterator[str]:
    """The prose paragraphs of all docstrings in a folder's Python files, unwrapped."""
    for file in sorted(folder.rglob("*.py"), key=lambda file: file.relative_to(folder).as_posix()):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                text = inspect.cleandoc(ast.get_docstring(node, clean=False) or "")
                yield from (re.sub(r"\s+", " ", block).strip() for block in text.split("\n\n"))


def is_prose(text: str) -> bool:
    """Whether a paragraph is worth learning from: neither too short, too long, nor code."""
    if not SHORTEST <= len(text) <= LONGEST or ">>>" in text:
        return False
    return sum(c.isalpha() or c == " " for c in text) >= PROSE_SHARE * len(text)


def _folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"{package} is not installed; run `make setup` first")
    return Path(spec.origin).parent
