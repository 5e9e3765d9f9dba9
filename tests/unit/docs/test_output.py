"""The comparison of what a page says with what a command prints."""

from typing import Any

import pytest

from tests.unit.docs.docs_output import prints

PRINTED = """on the embedded cloud https://127.0.0.1:44673
✓ finexpert-20261124-031816-1eb7 accepted by the quality gate
  held-out bits per byte: 2.797 → 2.354
  47 s, $0.0198 at AWS's price
"""


@pytest.mark.parametrize(
    "documented",
    [
        PRINTED,
        "on the embedded cloud http://127.0.0.1:1\n✓ RUN accepted by the quality gate\n…",
        "…\n  held-out bits per byte: 3.1 → 1.2\n…, $1.5 at AWS's price",
        "…\n✓ RUN accepted …\n…\n",
    ],
)
def test_figures_names_and_what_is_left_out_may_differ(documented: Any) -> None:
    assert prints(documented, PRINTED)


@pytest.mark.parametrize(
    "documented",
    [
        PRINTED.replace("accepted", "refused"),
        PRINTED.replace("→", "to"),
        "✓ RUN accepted by the quality gate\n…",
        "on the embedded cloud http://127.0.0.1:1\n",
        "…\n✗ …\n…",
    ],
)
def test_words_and_lines_may_not(documented: Any) -> None:
    assert not prints(documented, PRINTED)
