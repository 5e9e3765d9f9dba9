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

    @classmethod
    def default(cls) -> "Template":
        """Used where there is no template.json: records with the columns ``prompt`` and ``completion``."""
        return cls("{prompt}", "{completion}")

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


def parse_template(text: str) -> Template:
    """Read template.json. Raises ValueError with what to write."""
    wanted = 'write {"prompt": "… {column} …", "completion": "{column}"}'
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"not valid JSON ({error}); {wanted}") from None
    if not isinstance(content, dict) or not all(
        isinstance(content.get(k), str) for k in ("prompt", "completion")
    ):
        raise ValueError(f"prompt or completion is missing; {wanted}")
    template = Template(content["prompt"], content["completion"])
    if not _PLACEHOLDER.search(template.completion):
        raise ValueError(f"the completion has no {{column}}, so every record would teach the same; {wanted}")
    return template
