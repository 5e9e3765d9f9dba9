"""Writes the prompts of a benchmark, and works out before anything is sent what they may cost at most."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.marks import as_text
from finexpert.errors import UserError
from finexpert.service.benchmark import contestants as who
from finexpert.service.benchmark.contestants import Contestant
from finexpert.service.benchmark.questions import Item

LETTERS_A_TOKEN = 3
"""English words have more letters a token; three bounds the input's price from above."""
TEMPLATE_TOKENS = 32
"""The tokens that a service's chat template may add to a prompt."""
Passages = Callable[[str], str]


@dataclass(frozen=True)
class Plan:
    """The most that a contestant may cost, before anything is sent."""

    name: str
    written: str
    receiver: str
    requests: int
    input_tokens: int
    output_tokens: int
    worst_usd: float | None


def prompt_of(item: Item, passages: Passages | None) -> str:
    """The prompt that every contestant gets; `passages` adds those of the documents.

    Marks of models become plain text: some servers would read them as the end of a text or of a turn.
    """
    question = item.question
    parts = ["Answer the question in one line, with the unit. If it cannot be answered, say: not answerable."]
    if question.context:
        parts.append(question.context)
    if passages:
        parts.append(passages(question.question))
    parts.append(f"Question: {question.question}")
    if question.choices:
        parts.append("\n".join(f"{chr(ord('A') + n)}) {choice}" for n, choice in enumerate(question.choices)))
        parts.append("Answer with the letter.")
    return as_text("\n\n".join(part for part in parts if part) + "\nAnswer:")


def tokens_at_most(prompt: str) -> int:
    """At most how many tokens a service counts for a prompt.

    Three letters a token; each digit, sign and line break is one, and so is each byte of other scripts:
    tokenizers split figures into digits.
    """
    words = sum(-(-len(word) // LETTERS_A_TOKEN) for word in re.findall("[A-Za-z]+", prompt))
    others = re.sub("[A-Za-z]+| (?=\\S)", "", prompt)
    return words + len(others.encode(errors="replace")) + TEMPLATE_TOKENS


def worst_usd(contestant: Contestant, prompt: str) -> float:
    """The most that one request may cost: all of its tokens and the longest answer."""
    return contestant.usd(tokens_at_most(prompt), contestant.most_tokens)


def plan(
    items: Sequence[Item],
    contestants: Sequence[Contestant],
    passages: Passages | None,
    repetitions: int = 1,
) -> list[Plan]:
    """The worst case of each contestant, from the prompts as they will be sent and the longest answer."""
    found = []
    for each in contestants:
        asked = () if each.kind == "answers" else items
        prompts = [prompt_of(item, passages if each.docs else None) for item in asked]
        tokens = repetitions * sum(map(tokens_at_most, prompts))
        requests = repetitions * len(prompts)
        known = each.price is not None
        worst = repetitions * sum((worst_usd(each, prompt) for prompt in prompts), 0.0) if known else None
        output = requests * each.most_tokens
        found.append(Plan(each.name, each.written, each.receiver, requests, tokens, output, worst))
    return found


def admit(plans: Sequence[Plan], limit_usd: float) -> None:
    """Stop before the first request if a price is not known or the worst case is above the limit.

    Raises:
        UserError: what it may cost, and what to do.
    """
    unknown = [each.name for each in plans if each.worst_usd is None]
    if unknown:
        raise UserError(
            f"No price is known for {', '.join(unknown)}.",
            where=f"prices of {who.PRICES['date']}",
            fix="Give it with --price NAME=INPUT/OUTPUT (dollars per million tokens), read a Bedrock model's"
            " with finexpert prices refresh MODEL --on aws, or paste the answers as answers:FILE.csv.",
        )
    worst = sum(each.worst_usd or 0.0 for each in plans)
    if worst > limit_usd:
        raise UserError(
            f"The benchmark may cost ${worst:.2f}, more than the limit of ${limit_usd:.2f}.",
            fix="Raise --limit-usd, ask fewer questions (--most) or less often (--repetitions), or leave a"
            " contestant out.",
        )
