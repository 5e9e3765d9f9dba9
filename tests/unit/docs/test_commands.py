"""Each documented command fits the program it is for, and each is in the table of how it is tested."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.docs import docs_pages
from tests.unit.docs.docs_pages import ROOT, Command
from tests.unit.docs.docs_programs import check
from tests.unit.docs.docs_table import ON_THE_APP, ONLY_PARSED, STEP_BY_STEP, TRAINED

ALL = [command for page in docs_pages.pages() for command in docs_pages.commands(page)]
INLINE = [
    Command(docs_pages.name(page), text)
    for page in docs_pages.pages()
    for text in docs_pages.inline(page)
    if "…" not in text
]


@pytest.mark.parametrize("command", ALL, ids=lambda command: f"{command.page}: {command.text}")
def test_a_documented_command_is_one_that_the_program_takes(command: Any) -> None:
    check(command)


@pytest.mark.parametrize(
    "command", sorted(set(INLINE), key=str), ids=lambda command: f"{command.page}: {command.text}"
)
def test_a_command_that_the_prose_names_is_one_that_the_program_takes(command: Any) -> None:
    check(command, mention=True)


def test_every_documented_command_is_in_the_table_and_nothing_else_is() -> None:
    documented = {command.text for command in ALL}
    table = {*ON_THE_APP, *STEP_BY_STEP, *TRAINED, *ONLY_PARSED}
    inline = {command.text for command in INLINE}
    assert documented - table == set(), "say in docs_table.py how these are tested"
    assert table - documented - inline == set(), "no page names these any more"
    assert not ({*ON_THE_APP, *STEP_BY_STEP, *TRAINED} & ONLY_PARSED.keys())


def test_the_session_of_the_readme_is_the_one_that_is_run() -> None:
    sessions = docs_pages.command_blocks(ROOT / "README.md")
    assert [command.text for command in sessions[1]] == list(STEP_BY_STEP)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("finexpert fly", "no verb fly"),
        ("finexpert runs show", "Missing parameter: run"),
        ("finexpert train x --loud", "No such option"),
        ("finexpert runs --loud", "runs has no --loud"),
        ("finexpert plan -c colour=red", "no setting colour"),
        ("make coffee", "no target coffee"),
        ("make demo TEXT=x", "no TEXT"),
        ("cdk deploy --everything", "no --everything"),
        ("cdk deploy -c spott=true", "no setting spott"),
        ("aws iam detach-rope", "no detach-rope"),
        ("python bench/spend.py --fast", "no --fast"),
        ("pytest tests/units", "no tests/units"),
        ("brew install", "no test knows"),
    ],
)
def test_a_wrong_command_is_noticed(wrong: Any, said: Any) -> None:
    with pytest.raises(AssertionError, match=said):
        check(Command("a page", wrong))


def test_a_block_is_read_as_a_shell_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docs_pages, "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        """Text
   ```console
   $ A=b finexpert config   # why
   said
   more
   $ finexpert runs
   ```
```
eval "$(finexpert local up)" && make test
```
```
just data
```
""",
        encoding="utf-8",
    )
    assert [(command.text, command.printed) for command in docs_pages.commands(page)] == [
        ("A=b finexpert config", "said\nmore"),
        ("finexpert runs", ""),
        ("finexpert local up", ""),
        ("make test", ""),
    ]
    redirected = Command("page.md", "A=b python -m tools.architecture cdk.out > x.svg")
    assert redirected.words == ["python", "-m", "tools.architecture", "cdk.out"]
