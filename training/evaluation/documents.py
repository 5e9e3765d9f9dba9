"""Which held-out documents are measured and how: in groups, watched or judged, under exchanged prompts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle

import numpy as np

from core.dataset import Origin
from core.dataset.split import rank
from training.data.packing import Scored, TokenizedDocument

#: With fewer held-out documents all are watched as well as judged; the gate cannot pass on so few.
FEWEST_TO_DIVIDE = 4
#: At most this many documents are scored under another prompt too, which bounds the time.
MOST_EXCHANGED = 256
#: Two answers have the same form only if neither is more than this many times longer.
MOST_LONGER = 2.0


def watched(digests: Sequence[bytes], groups: Sequence[str], seed: int) -> frozenset[int]:
    """Positions of the documents that are measured during training: about half, in whole groups."""
    if len(digests) < FEWEST_TO_DIVIDE:
        return frozenset(range(len(digests)))
    members: dict[object, list[int]] = {}
    for position, group in enumerate(groups):
        members.setdefault(group or position, []).append(position)
    ranked = sorted(members.values(), key=lambda part: rank(digests[part[0]], seed))
    chosen: list[int] = []
    for part in ranked[:-1]:  # the last group is never watched, so that something is left to judge
        if len(chosen) + len(part) / 2 > len(digests) / 2 and chosen:
            break
        chosen += part
    return frozenset(chosen or ranked[0])


@dataclass(frozen=True, slots=True)
class _Answer:
    """The properties of an answer by which prompts may be exchanged: task, size and kind of characters."""

    task: str
    size: int
    digits: int
    learned: bytes
    read: bytes

    def like(self, other: "_Answer") -> bool:
        """Whether two answers have the same form, but neither the same words nor the same prompt."""
        longer, shorter = max(self.size, other.size), max(min(self.size, other.size), 1)
        same_form = (self.task, self.digits) == (other.task, other.digits) and longer / shorter <= MOST_LONGER
        return same_form and self.learned != other.learned and self.read != other.read


def has_prompt(document: TokenizedDocument) -> bool:
    """Whether some tokens behind the first are only read."""
    return bool((np.asarray(document.tokens)[1:] < 0).any())


def exchange_prompts(
    documents: Mapping[Origin, Scored], decode: Callable[[Sequence[int]], str]
) -> dict[Origin, Scored]:
    """Documents with the prompt (in dialogs: the questions) of another one whose answer has the same form.

    Two answers of one form stand after each other's kind of prompt, so a model that has learnt only the form
    finds them as likely as after their own. Of the fitting prompts the most similar one is lent, such as
    another question on the same text: so knowing which answers a kind of question has gains nothing either.
    Documents without a prompt, or without a fitting other one, are left out.

    Args:
        decode: tokens to text.
    """
    answers: dict[Origin, _Answer] = {}
    prompts: list[np.ndarray] = []
    for origin, scored in documents.items():
        tokens = np.asarray(scored.document.tokens)
        read = tokens[1:][tokens[1:] < 0]
        if len(read):
            learned = tokens[tokens >= 0]
            digits = _digits(decode(learned.tolist()))
            answers[origin] = _Answer(origin.task, scored.bytes, digits, learned.tobytes(), read.tobytes())
            prompts.append(read)
            if len(answers) == MOST_EXCHANGED:
                break
    origins, alike = list(answers), similarities(prompts)
    lent = [0] * len(origins)
    exchanged = {}
    for place, origin in enumerate(origins):
        fitting = [n for n, other in enumerate(origins) if answers[origin].like(answers[other])]
        if fitting:
            other = max(fitting, key=lambda n: (alike[place, n], -lent[n]))
            lent[other] += 1
            document = _with_prompts_of(documents[origin].document, documents[origins[other]].document)
            exchanged[origin] = replace(documents[origin], document=document)
    return exchanged


def similarities(prompts: Sequence[np.ndarray]) -> np.ndarray:
    """The share of tokens that each two prompts have in common (Jaccard's), float [prompts, prompts]."""
    words, place = np.unique(np.concatenate([*prompts, np.zeros(0, np.int64)]), return_inverse=True)
    holds = np.zeros((len(prompts), len(words)), np.float32)
    holds[np.repeat(np.arange(len(prompts)), [len(prompt) for prompt in prompts]), place] = 1
    common = holds @ holds.T
    sizes = common.diagonal()
    shares: np.ndarray = common / (sizes[:, None] + sizes - common)
    return shares


def _digits(text: str) -> int:
    """Whether a text has no digits (0), some (1), or is mostly digits (2)."""
    count = sum(character.isdigit() for character in text)
    return 0 if not count else 2 if 2 * count > len(text.strip()) else 1


def _with_prompts_of(document: TokenizedDocument, other: TokenizedDocument) -> TokenizedDocument:
    """What ``document`` teaches after what ``other`` reads; questions of a dialog are exchanged in turn."""
    lent = cycle(part for part in _stretches(other.tokens) if part[0] < 0)
    parts = [next(lent) if part[0] < 0 else part for part in _stretches(document.tokens)]
    return TokenizedDocument(document.index, np.concatenate(parts))


def _stretches(tokens: Sequence[int] | np.ndarray) -> list[np.ndarray]:
    """Runs of tokens that are only read and of tokens that are learned, in turn."""
    array = np.asarray(tokens)
    return np.split(array, np.flatnonzero(np.diff(array < 0)) + 1)


def hide(
    scored: Scored,
    spans: Sequence[tuple[int, int]],
    texts: Sequence[str],
    stretches: Sequence[tuple[int, int]],
) -> Scored | None:
    """A document without some stretches of its text: they are read, but neither predicted nor counted.

    None where tokens and text cannot be matched, as after a chat template.

    Args:
        spans: the characters of each learned token in the joined ``texts``; (0, 0) for marks.
        texts: what is learned in turn; joined by a line break.
        stretches: characters from … to (exclusive) to leave out.
    """
    tokens = np.array(scored.document.tokens)
    learned = np.flatnonzero(tokens >= 0)
    if len(learned) != len(spans):
        return None
    text = "\n".join(texts)
    hidden = 0
    for place, (start, end) in zip(learned, spans, strict=True):
        if start < end and any(start < last and first < end for first, last in stretches):
            tokens[place] = ~tokens[place]
            hidden += len(text[start:end].encode())
    document = TokenizedDocument(scored.document.index, tokens, scored.document.learn_from)
    return Scored(document, max(scored.bytes - hidden, 0))
