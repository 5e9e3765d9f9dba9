"""The pages know every setting, verb, message and file that they speak of, and nothing that is not there."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.unit.docs import docs_messages, docs_pages
from tests.unit.docs.docs_pages import ROOT
from tests.unit.docs.docs_programs import finexpert

PAGES = docs_pages.pages()
OF_OTHERS = {
    "cannot be deleted while in status UPDATE_IN_PROGRESS": "CloudFormation",
    "--app is required …": "the CDK CLI",
    "EndpointConnectionError: … 127.0.0.1 …": "botocore",
}
"""Messages on the troubleshooting page that are not ours."""


def page(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def listed_keys(text: str) -> list[str]:
    """What stands in code marks at the beginning of the entries of the lists."""
    return re.findall(r"^- `([^`]+)` \(", text, re.M)


@pytest.mark.parametrize("path", PAGES, ids=docs_pages.name)
def test_links_lead_somewhere(path: Any) -> None:
    for target in docs_pages.links(path):
        if target.startswith(("https://", "http://")):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), f"{docs_pages.name(path)} links to {target}"
        if anchor:
            assert anchor in docs_pages.anchors(there), f"{docs_pages.name(path)} links to {target}"


@pytest.mark.parametrize("path", PAGES, ids=docs_pages.name)
def test_paths_that_a_page_names_are_there(path: Path) -> None:
    assert [named for named in docs_pages.paths(path) if not (ROOT / named).exists()] == []


@pytest.mark.parametrize(
    "path", [*PAGES, *(ROOT / page for page in docs_pages.ALSO_WRAPPED)], ids=docs_pages.name
)
def test_prose_is_wrapped_at_110_characters(path: Path) -> None:
    assert docs_pages.long_lines(path, 110) == [], "wrap these lines at 110 characters"


def test_the_readme_is_short() -> None:
    assert len(page("README.md").splitlines()) <= 120


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        current = waiting.pop()
        if current in reached or current.suffix != ".md":
            continue
        reached.add(current)
        for target in docs_pages.links(current):
            file = target.partition("#")[0]
            if file and not file.startswith("http"):
                waiting.append((current.parent / file).resolve())
    assert {docs_pages.name(each) for each in PAGES if each not in reached} == set()


def test_every_setting_is_described_and_no_other() -> None:
    settings = json.loads(page("cdk.json"))["context"]["finexpert"].keys()
    assert sorted(listed_keys(page("docs/settings.md"))) == sorted(settings)


def test_every_verb_is_on_the_command_lines_page() -> None:
    described = page("docs/cli.md")
    missing = []
    for name, command in finexpert().commands.items():
        below = [f"{name} {verb}" for verb in getattr(command, "commands", {})]
        missing += [full for full in [name, *below] if f"finexpert {full}" not in described]
    assert missing == []


def messages() -> list[str]:
    """The messages that begin the entries of the troubleshooting page, in a list or a table."""
    return re.findall(r"^(?:- |\| )`([^`]+)`(?::| \|)", page("docs/troubleshooting.md"), re.M)


def test_the_troubleshooting_page_has_its_messages() -> None:
    entries = re.findall(r"^(?:- |\| `)", page("docs/troubleshooting.md"), re.M)
    assert len(messages()) == len(entries) > 30


@pytest.mark.parametrize("message", messages())
def test_each_message_of_the_troubleshooting_page_stands_in_the_code(message: Any) -> None:
    if message in OF_OTHERS:
        assert not docs_messages.stands(message), "this one is ours: take it off the list"
    else:
        assert docs_messages.stands(message)


def test_what_is_not_in_the_code_is_noticed() -> None:
    assert not docs_messages.stands("The moon … is not deployed")
    assert docs_messages.stands("The stack … is not deployed …")


def test_the_changelog_has_its_form() -> None:
    text = page("CHANGELOG.md")
    assert re.findall(r"^## (.+)$", text, re.M)[0] == "[Unreleased]"
    kinds = set(re.findall(r"^### (.+)$", text, re.M))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
