"""Does a command print what the page says? Words must be the same, figures and names of runs may differ."""

import re

GAP = "…"
"""Within a line: anything. Alone on a line: any lines, or none."""

_RUN = re.compile(r"finexpert-\d{8}-\d{6}-[0-9a-f]{4}")
_FIGURE = re.compile(r"\d[\d.,:]*")


def prints(documented: str, printed: str) -> bool:
    """Whether `printed`, all of it, is what stands on the page."""
    pattern = "".join(_line(line) for line in documented.splitlines())
    return re.fullmatch(pattern, "".join(f"{_plain(line)}\n" for line in printed.splitlines())) is not None


def _line(line: str) -> str:
    if line.strip() == GAP:
        return r"(?:.*\n)*?"
    return ".*".join(re.escape(_plain(piece)) for piece in line.split(GAP)) + "\n"


def _plain(text: str) -> str:
    """Without what changes from one time to another: runs, figures, the width of columns, TLS or not."""
    named = _RUN.sub("RUN", text).replace("https://", "http://")
    return " ".join(_FIGURE.sub("0", named).split())
