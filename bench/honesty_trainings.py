"""Real trainings of bench/evaluation_honesty.py on the shipped base, right ones and wrong ones."""

import json
import random
import resource
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.common import ROOT, cpu_seconds, make_job, run_job
from bench.honesty_simulations import DEFAULT_DOCUMENTS, GENERAL, HELD_OUT, SEED

SETTINGS = {
    "learning_rate": "0.01",
    "epoch": "2",
    "per_device_train_batch_size": "2",
    "max_input_length": "256",
}
Pair = tuple[str, str]
#: For the results; and items that runs are simulated from, by name.
Found = tuple[Any, dict[str, Any]]


def train(
    name: str, training: Sequence[str | Pair], held_out: Sequence[str | Pair], **settings: str
) -> Found:
    """Run the training program on the shipped base; pairs are prompts with answers. What comes back: the
    verdict (`cpu_seconds`: of the whole program, evaluation included), and the items of each metric."""
    with tempfile.TemporaryDirectory() as temporary:
        base = make_job(Path(temporary), ROOT / "base_model", SETTINGS | settings)
        channels = base / "input" / "data"
        for side, texts in (("training", training), ("validation", held_out)):
            (channels / side).mkdir()
            records = "".join(json.dumps(_record(text)) + "\n" for text in texts)
            (channels / side / "texts.jsonl").write_text(records, encoding="utf-8")
            if isinstance(texts[0], tuple):
                template = {name: f"{{{name}}}" for name in ("prompt", "completion")}
                (channels / side / "template.json").write_text(json.dumps(template))
        before = cpu_seconds(resource.RUSAGE_CHILDREN)
        run_job(name, base)
        evaluation = json.loads((base / "output" / "data" / "evaluation.json").read_text())
        seconds = cpu_seconds(resource.RUSAGE_CHILDREN) - before
    primary = evaluation["primary"]
    (general,) = (metric for metric in evaluation["metrics"] if metric["name"] == GENERAL)
    verdict = {
        "passed": evaluation["passed"],
        **{key: primary[key] for key in ("base", "tuned", "difference", "interval", "win_rate")},
        "documents": primary["items"],
        "general_difference": general["difference"],
        "failed_rules": [rule["name"] for rule in evaluation["gate"] if not rule["passed"]],
        "steps": evaluation["training"]["steps"],
        "cpu_seconds": round(seconds, 1),
    }
    print(name, json.dumps(verdict), flush=True)
    return verdict, evaluation["items"]


def _record(text: str | Pair) -> dict[str, str]:
    return {"text": text} if isinstance(text, str) else {"prompt": text[0], "completion": text[1]}


def documentation(count: int) -> list[str]:
    """Paragraphs about the Python language, which say nothing about companies."""
    from pydoc_data.topics import topics

    blocks = (" ".join(block.split()) for name in sorted(topics) for block in topics[name].split("\n\n"))
    return [block for block in blocks if len(block) > 200][:count]


def _kept(items: dict[str, Any], **names: str) -> dict[str, Any]:
    """Base, tuned and sizes of metrics, under these names, from which runs are simulated."""
    return {
        name: {key: items[metric][key] for key in ("base", "tuned", "sizes")}
        for name, metric in names.items()
    }


def real_text(texts: list[str]) -> Found:
    """Trained on the first half of the reports, judged on the second."""
    half = len(texts) // 2
    verdict, items = train("real_text", texts[:half], texts[half:])
    return verdict, _kept(items, held_out=HELD_OUT, general=GENERAL)


def sample(texts: list[str]) -> Found:
    """The same with each second document of the shipped sample."""
    files = sorted((ROOT / "finexpert" / "sample").glob("*.txt"))
    texts = [line for file in files for line in file.read_text(encoding="utf-8").splitlines() if line]
    verdict, items = train("sample", texts[::2], texts[1::2], evaluation_items="0")
    return verdict, _kept(items, sample=HELD_OUT)


def nothing_learnt(texts: list[str]) -> Found:
    """Real trainings after which the gate must say no, on some of the real one's held-out reports."""
    half = len(texts) // 2
    training, held_out = texts[:half], texts[half : half + 2 * DEFAULT_DOCUMENTS]
    dice = np.random.default_rng(SEED)
    cases = {
        "zero_steps": training,
        "general_text_60_documents": documentation(60),
        "held_out_text_leaked": [f"Again: {text}" for text in held_out],
        "words_shuffled": [" ".join(dice.permutation(text.split())) for text in training],
        "general_text_200_documents": documentation(200),
    }
    results = {}
    for name, texts in cases.items():
        settings = {"max_steps": "0"} if name == "zero_steps" else {}
        results[name], items = train(name, texts, held_out, evaluation_items="0", **settings)
    return results, _kept(items, python=HELD_OUT)


NAMES = ("Tamsin", "Kestrel", "Harrow", "Alder", "Velmont", "Dunmore", "Bexley", "Corran", "Ludlow", "Merrow")
THINGS = ("bonds", "loans", "options", "shares", "leases", "notes", "swaps", "plants", "patents", "stores")
PLACES = ("Oslo", "Lima", "Cairo", "Delhi", "Perth", "Quito", "Turin", "Malmo", "Basel", "Accra")


def labels(dice: random.Random) -> Pair:
    """A sentence, and the direction that it speaks of."""
    up = dice.random() < 0.5
    verb = dice.choice(("rose", "grew", "climbed") if up else ("fell", "shrank", "dropped"))
    prompt = f"{dice.choice(NAMES)}: profit {verb} by {dice.randint(2, 98)} percent. Direction?"
    return prompt, " up" if up else " down"


def figures(dice: random.Random) -> Pair:
    """A sentence, and the figure that stands in it."""
    units = dice.randint(100, 999)
    return f"{dice.choice(NAMES)} sold {units} units in {dice.choice(PLACES)}. Units sold:", f" {units}"


def sentences(dice: random.Random) -> Pair:
    """A sentence, and what it says in other words."""
    name, thing, place = (dice.choice(each) for each in (NAMES, THINGS, PLACES))
    return f"{name} has issued {thing} in {place}. Summary:", f" The {thing} in {place} are of {name}."


def strata(dice: random.Random) -> Pair:
    """One of two kinds of questions, each with two answers that the other does not have."""
    name, place, number = dice.choice(NAMES), dice.choice(PLACES), dice.randint(2, 98)
    first = dice.random() < 0.5
    if dice.random() < 0.5:
        prompt = f"{name}: profit {'rose' if first else 'fell'} by {number} percent. Direction?"
        return prompt, " higher" if first else " lower"
    prompt = f"{place}: {number} bonds were {'repaid in full' if first else 'not paid'}. Outcome?"
    return prompt, " repaid" if first else " default"


KINDS = {"labels": labels, "figures": figures, "sentences": sentences, "strata": strata}
#: Kinds of pairs, how their answers are taught, and whether the gate should accept.
INSTRUCTIONS: tuple[tuple[str, str, bool], ...] = (
    *(("labels", how, how in ("right", "half")) for how in ("right", "half", "shuffled", "constant")),
    *(("labels", how, False) for how in ("by_name", "first_word", "unread")),
    *(("figures", how, False) for how in ("neighbour", "permuted", "shuffled")),
    *(("sentences", how, False) for how in ("shuffled", "edited")),
    *(("strata", how, how == "right") for how in ("right", "within")),
)
INSTRUCTED = {
    "instruction_tuned": "True",
    "add_input_output_demarcation_key": "False",
    "target_modules": "all-linear",
    "learning_rate": "0.005",
    "epoch": "6",
    "max_forgetting": "10",  # so small a base forgets everything; the answers are what counts here
    "max_input_length": "64",
    "precision": "fp32",
    "evaluation_items": "0",
}


def taught(pairs: list[Pair], how: str) -> list[Pair]:
    """Prompts with answers.

    Args:
        how: `right`; `shuffled`, all or `half` of them, or `within` the prompts that end alike; that of the
            pair before (`neighbour`), or of the first one (`constant`); what most prompts with the same first
            word have (`by_name`); that word itself (`first_word`); with the digits in another order
            (`permuted`); right ones to prompts whose words are in another alphabet (`unread`).
    """
    dice = random.Random(SEED)
    answers = [answer for _, answer in pairs]
    prompts = [prompt for prompt, _ in pairs]
    if how in ("shuffled", "half", "within"):
        among = [list(range(len(pairs) // (2 if how == "half" else 1)))]
        if how == "within":
            ends = [prompt.split()[-1] for prompt in prompts]
            among = [[n for n, end in enumerate(ends) if end == each] for each in sorted(set(ends))]
        for places in among:
            mixed = dice.sample([answers[place] for place in places], len(places))
            for place, answer in zip(places, mixed, strict=True):
                answers[place] = answer
    elif how == "neighbour":
        answers = answers[1:] + answers[:1]
    elif how == "constant":
        answers = answers[:1] * len(answers)
    elif how == "by_name":
        of_name: dict[str, Counter[str]] = {}
        for prompt, answer in pairs:
            of_name.setdefault(prompt.split()[0], Counter())[answer] += 1
        answers = [of_name[prompt.split()[0]].most_common(1)[0][0] for prompt in prompts]
    elif how == "first_word":
        answers = [" " + prompt.split()[0] for prompt in prompts]
    elif how == "permuted":
        answers = [answer[:1] + answer[2:] + answer[1:2] for answer in answers]
    elif how == "unread":
        prompts = ["".join(chr(ord(c) + 0x350) if c.isalpha() else c for c in prompt) for prompt in prompts]
    return list(zip(prompts, answers, strict=True))


def sides(kind: str, how: str) -> tuple[list[Pair], list[Pair]]:
    """160 pairs to train on, and 40 right ones to judge by; `edited`: copies of these with a word more."""
    dice, pairs = random.Random(3), dict[str, str]()
    while len(pairs) < 200:
        pairs |= [KINDS[kind](dice)]
    every = list(pairs.items())
    held_out = every[160:]
    copies = [(f"Again, {prompt}", answer) for prompt, answer in held_out]
    return copies if how == "edited" else taught(every[:160], how), held_out


def instructions(texts: list[str]) -> Found:
    """What the gate says to each of INSTRUCTIONS."""
    rows = []
    for kind, how, accept in INSTRUCTIONS:
        verdict, _ = train(f"{kind} {how}", *sides(kind, how), **INSTRUCTED)
        rows.append({"kind": kind, "how": how, "should_pass": accept} | verdict)
    return rows, {}


PARTS: dict[str, Callable[[list[str]], Found]] = {
    part.__name__: part for part in (real_text, sample, nothing_learnt, instructions)
}
