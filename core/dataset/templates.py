"""Instruction tuning's template.json: how a record becomes a prompt and its completion."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TEMPLATE_NAME = "template.json"
#: Stands between prompt and completion where add_input_output_demarcation_key is set (JumpStart's key).
DEMARCATION = "\n\n### Response:\n"

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Template:
    """Two texts with ``{column}`` placeholders."""

    prompt: str
    completion: str

    def fill(self, record: Mapping[str, Any], *, demarcation: bool) -> tuple[str, str]:
        """Prompt and completion of a record. Raises ValueError naming the columns that it lacks."""
        wanted = dict.fromkeys(_PLACEHOLDER.findall(self.prompt + self.completion))
        missing = [column for column in wanted if record.get(column) is None]
        if missing:
            raise ValueError(
                f"the record lacks {', '.join(missing)}; in {TEMPLATE_NAME} name columns that all have"
            )
        prompt, completion = (
            _PLACEHOLDER.sub(lambda match: str(record[match[1]]), text)
            for text in (self.prompt, self.completion)
        )
        return (prompt + DEMARCATION if demarcation else prompt), completion


#: JumpStart's own where the dataset has none: for records with instruction, context and response …
JUMPSTART_TEMPLATE = Template(
    "Below is an instruction that describes a task, paired with an input that provides further context. Write"
    " a response that appropriately completes the request.\n\n### Instruction:\n{instruction}\n\n### Input:\n"
    "{context}",
    "{response}",
)
#: … and for records that are prompts and completions already.
PLAIN_TEMPLATE = Template("{prompt}", "{completion}")


def default_template(record: Mapping[str, Any]) -> Template:
    """The template for a record of a dataset that brings none."""
    return JUMPSTART_TEMPLATE if "instruction" in record and "response" in record else PLAIN_TEMPLATE


def parse_template(text: str) -> Template:
    """Read template.json. Raises ValueError with what to write."""
    wanted = 'write {"prompt": "… {column} …", "completion": "{column}"}'
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not valid JSON ({error}); {wanted}") from None
    if not isinstance(content, dict) or not all(
        isinstance(content.get(k), str) for k in ("prompt", "completion")
    ):
        raise ValueError(f"prompt or completion is missing; {wanted}")
    template = Template(content["prompt"], content["completion"])
    if not _PLACEHOLDER.search(template.completion):
        raise ValueError(f"the completion has no {{column}}, so every record would teach the same; {wanted}")
    return template
