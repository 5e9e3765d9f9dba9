"""Reads what an answer says in words: its line, whether it declines, which direction it names, its names.

Standard library only.
"""

import re
from collections.abc import Iterator, Sequence

_BULLET = re.compile(r"^\s*(?:[-–]\s+(?![\d$€£¥(.])|[*•]\s+|\d{1,2}[.)]\s+(?!\d))")
#: One such line may begin with a minus; several are a list.
_DASH = re.compile(r"^\s*[-–]\s+(?=[\w$€£¥])")
_LABEL = re.compile(r"^(?:(?:the )?(?:final |short )?answer(?: is)?\s*:|#{4})\s*", re.IGNORECASE)
#: A line that only introduces the answer: a heading, the fence of a code block.
_INTRODUCES = re.compile(r"#{0,6}\s*(?:the )?(?:final |short )?answer|```\w*", re.IGNORECASE)
_NAMED = re.compile(r"^(?:(?:final )?answer\s*:|#{4})\s*\S", re.IGNORECASE)
_DENIES = re.compile(r"\b(?:not?|nothing|none|never|sorry|without|unable|neither)\b|n't\b", re.IGNORECASE)
_NOT = r"(?:\bnot|n't|\bnever|\bno longer)\s+(?:(?:\w+ly|been|be|being|yet|even|a) )*"
_SAID = (
    "given|stated|provided|disclosed|available|reported|mentioned|specified|shown|known|enough|possible"
    "|applicable|answerable|found|clear|indicated|included|contained|covered|listed|named|published|present"
    "|determinable|identified|announced|recorded|released|determined|discussed|described|defined|addressed"
    "|part of"
    "|in the (?:text|table|context|passage|document|filing|data)"
)
_FIND = (
    "determin|answer|calculat|tell|say|find|found|know|known|comput|locat|identif|infer|derive|see|give|provide"
    "|told|worked out|quantif|assess|judge|deduce|ascertain|glean|access|verify|confirm|establish|be sure"
)
_HAVE = (
    "(?:have|has|contain|include|provide|offer)"
    " (?:access|enough|any|sufficient|data|information|the|that|this|it|a figure)"
)
_CANNOT = "can ?not|can't|couldn't|could not|unable to|(?:not|n't) able to|impossible to|failed to"
_STATE = (
    "know|say|give|state|disclose|mention|report|show|indicate|specify|answer|reveal|cover|list|provide|contain"
    "|see|break"
)
_SOURCE = "text|passage|document|filing|report|table|excerpt|context|statement|note|source|material|page"
_DECLINED = re.compile(
    rf"{_NOT}(?:{_SAID}|sure)\b"
    rf"|\b(?:{_CANNOT}) (?:be )?(?:\w+ly )?(?:{_FIND})"
    r"|\b(?:insufficient|not sufficient|lack(?:s|ing)?(?: of)?|missing) (?:the |any |enough )?"
    r"(?:information|data|context|detail)"
    rf"|\b(?:{_SOURCE})s? (?:does|do|did|is|are|has|have)(?: not|n't)\b"
    r"|\b(?:left out|omit(?:s|ted)|silent|absent from|missing from|(?:is|are|was|were) missing"
    rf"|withheld|redacted|outside (?:of )?(?:the|this) (?:{_SOURCE}))\b"
    r"|\b(?:need|have) to (?:look|check|consult|refer|see|review|read|know|ask)\b"
    r"|^(?:please |kindly )?(?:consult|refer to|check|see) (?:the|its|their|your)\b"
    r"|^n\.\s?[am]\b|\bn/m\b"
    r"|\b(?:unanswerable|unclear|unknown|undisclosed|unspecified|unavailable|to be determined|n/?a)\b"
    r"|\bno (?:\w+ )?(?:information|data|answer|mention|figures?|details?|idea)\b"
    r"|\b(?:no|none of the) (?:[\w'-]+ ){1,5}(?:is|are|was|were|ha(?:s|ve) been) (?:\w+ly )?"
    rf"(?:{_SAID})\b"
    r"|\bnothing (?:about|on|in|here)\b|n't (?:there|here)\b|\bsorry\b"
    r"|\bnone of the (?:\w+ ){1,3}(?:answer|mention|state|give|contain|say|report)"
    rf"|\b(?:do|does|did) ?(?:not|n't) (?:\w+ly )?(?:{_STATE}|{_HAVE})\b",
    re.IGNORECASE,
)
_MOVED_DOWN = (
    r"decreas\w*|declin\w*|fell|falls?|fallen|falling|drop\w*|down|lower\w*|reduc\w*|shr[aiu]nk\w*|shrinkage|less"
    r"|fewer|narrow\w*|contract(?:ed|ion)|decrement|worsen\w*|below|slid\w*|slip(?:s|ped)|plung\w+|s[aiu]nk\w*"
    r"|tumbl\w+|slump\w*|plummet\w*|dip(?:s|ped)|weaken\w*|retreat\w*"
)
_MOVED_UP = (
    r"increas\w*|rose|rises?|risen|rising|grew|grow\w*|gain(?:ed|ing)|up|higher|improv\w*|climb\w*|more|above|jump\w*"
    r"|surg\w+|soar\w*|expan(?:d\w*|sion)|additional"
)
_IS_DOWN, _IS_UP = (
    r"loss(?:es)?|lost|negative|minus|deficits?|shortfall|outflows?",
    r"gains?|positive|plus|profits?|surplus|earnings|inflows?",
)
#: Words of movement ("fell") and of a level ("a loss of").
DIRECTION = re.compile(
    rf"\b(?:(?P<moved>(?P<down>{_MOVED_DOWN})|(?P<up>{_MOVED_UP}))|(?P<low>{_IS_DOWN})|(?P<high>{_IS_UP}))\b",
    re.IGNORECASE,
)
MOST_CHARACTERS = 1500
"""What follows in a line that is longer is not read."""
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})[a-z]*\.?"
_DATES = (
    re.compile(rf"\b{_MONTH}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}})\b", re.IGNORECASE),
    re.compile(
        rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)?\s+{_MONTH},?\s+(?P<year>\d{{4}})\b", re.IGNORECASE
    ),
    re.compile(r"\b(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})\b"),
    re.compile(r"\b(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})\b"),
)
_COUNTRIES = (
    (re.compile(r"\b(?:USA?\b|(?i:us(?= dollar)|U\.S\.(?:A\.)?|United States(?: of America)?\b))"), "usa"),
    (re.compile(r"\b(?:UK\b|(?i:U\.K\.|United Kingdom\b))"), "uk"),
)
_RANGE = re.compile(r"(\d)\s?[-–—]\s?(?=\d)|\bbetween (\d[\d.,]*) and (?=\d)", re.IGNORECASE)
_ORDINALS = {"first": "1", "second": "2", "third": "3", "fourth": "4"} | {
    "1st": "1", "2nd": "2", "3rd": "3", "4th": "4"
}  # fmt: skip
_PART_OF_YEAR = re.compile(rf"\b({'|'.join(_ORDINALS)}) (quarter|half)\b(?: of)?(?: fiscal)?", re.IGNORECASE)
#: What begins so says more of the answer before it: "KPMG, as independent auditor".
_APPOSITION = re.compile(r",\s(?:as|which|who|whose)\s", re.IGNORECASE)
_ARTICLES = {"a", "an", "the"}
#: Words that may stand around an answer without changing it; no negation among them.
_AROUND = frozenset(
    re.findall(
        r"\w+",
        "a an and answer about according approximately around are as at be because been by came company comes"
        " correct due during final following for from had has have in is it its of on our report reported"
        " result so that the their them there these they this those to total totaled totalled under via was"
        " we were which with would year years namely equals equal amount amounts amounted figure value table"
        " text states shows given per mr mrs ms dr",
    )
)
_LEGAL_FORMS = {*re.findall(r"\w+", "llp llc inc corp corporation co ltd limited plc ag sa nv gmbh")}
_NEGATIONS = {"not", "no", "never", "neither", "nor", "none", "without", "except", "excluding"}
_MEASURES = {"%", "$", "€", "£", "¥", "percent", "million", "billion", "thousand", "basis", "points"}
_NUMBER = re.compile(r"[\d.]+")


def answer_line(text: str) -> str:
    """The line that gives the answer: after "Answer:" where there is such a line, else the first one.

    Items of a list are joined. What follows a further "Question:" is not read.
    """
    text = text.replace("’", "'").replace("**", "").replace("__", "")
    lines = [line.strip() for line in text.strip().splitlines()]
    lines = [line for line in lines if line and not _INTRODUCES.fullmatch(line)]
    end = next((n for n, line in enumerate(lines) if n and line.lower().startswith("question")), len(lines))
    lines = lines[:end]
    named = next((line for line in lines if _NAMED.match(line)), None)
    if named:
        lines = [named]
    elif len(lines) > 1 and lines[0].endswith(":"):
        lines = lines[1:]
    items = [line for line in lines if _BULLET.match(line)]
    if not items and len(dashed := [line for line in lines if _DASH.match(line)]) > 1:
        return ", ".join(_DASH.sub("", line) for line in dashed)[:MOST_CHARACTERS]
    if lines and lines[0] in items and len(items) > 1:
        return ", ".join(_BULLET.sub("", item, count=1) for item in items)[:MOST_CHARACTERS]
    line = next(iter(lines), "")[:MOST_CHARACTERS]
    return _LABEL.sub("", _BULLET.sub("", line, count=1)).strip("\"'“”‘` ")


def declines(text: str) -> bool:
    """Whether an answer says that it cannot be given."""
    return bool(_DECLINED.search(answer_line(text)))


def denies(text: str) -> bool:
    """Whether an answer has a negation: one without any figure then gives none."""
    return bool(_DENIES.search(answer_line(text)))


def directions(text: str) -> set[str]:
    """The directions that a text's words of movement name, or, where it has none, its words of level."""
    found = [*DIRECTION.finditer(text)]
    moved = [match for match in found if match["moved"]]
    return {direction_of(match) for match in moved or found}


def direction_of(match: re.Match[str]) -> str:
    """The direction of one match of `DIRECTION`: "down" or "up"."""
    return "down" if match["down"] or match["low"] else "up"


def same_text(line: str, answers: Sequence[str], question: str) -> bool:
    """Whether a line gives all answers, with only harmless words around and between them.

    Words of the question are harmless too, unless it offers a choice ("… or …").
    """
    if len(answers) == 1:
        answer = answers[0].strip().rstrip(".").lower()
        if answer in ("yes", "no"):
            return re.match(r"\W*(yes|no)\b", line.lower() + " ") is not None and line.lower().startswith(
                answer
            )
        if direction := _only_direction(answers[0]):
            negated = _NEGATIONS & set(words(line)) or "n't" in line.lower()
            return not negated and directions(line) == {direction}
        if named := re.fullmatch(r"(?:[A-Z]{2,6})\s*\((.+)\)\.?", line):  # an abbreviation and its name
            line = named[1]
    if _covers(_APPOSITION.split(line)[0], answers, question):
        return True
    return _covers(line, answers, question) or _covers(re.sub(r"\s\([^()]*\)", "", line), answers, question)


def _covers(line: str, answers: Sequence[str], question: str) -> bool:
    given = [word for word in words(line) if word not in _LEGAL_FORMS]
    wanted = sorted(([w for w in words(a) if w not in _LEGAL_FORMS] for a in answers), key=len, reverse=True)
    for answer in wanted:
        core = [word for word in answer if word not in _AROUND]
        found = ((form, _place(form, given)) for form in (answer, _without_ends(answer), core))
        answer, place = next(((form, at) for form, at in found if at is not None), (answer, None))
        if place is None:
            return False
        given[place : place + len(answer)] = ["and"]  # what is used cannot be used again
    asked = set() if "or" in words(question) else _forms(question)
    rest = (
        {word for word in given if word in _NEGATIONS or _stem(word) not in asked} - _AROUND - {"or", "well"}
    )
    if not any(character.isdigit() for answer in answers for character in answer):
        rest = {word for word in rest if word not in _MEASURES and not _NUMBER.fullmatch(word)}
    return bool(answers) and not rest


def _without_ends(answer: Sequence[str]) -> list[str]:
    """An answer without harmless words at its ends: "for four years" is "four years"."""
    kept = [place for place, word in enumerate(answer) if word not in _AROUND]
    return list(answer[kept[0] : kept[-1] + 1]) if kept else []


def _forms(question: str) -> set[str]:
    """The stems of a question's words, and the short forms of its names ("CEO")."""
    initials = "".join(name[0] for name in re.findall(r"\w+", question.lower()))
    short = {initials[i : i + n] for n in (2, 3, 4) for i in range(len(initials))}
    return {_stem(word) for word in [*words(question), *short]}


def _stem(word: str) -> str:
    return re.sub(r"(?:ing|ed|es|s|e)$", "", word) if len(word) > 4 else word.removesuffix("s")


def _place(answer: Sequence[str], given: Sequence[str]) -> int | None:
    if not answer:
        return None
    return next((i for i in range(len(given)) if list(given[i : i + len(answer)]) == list(answer)), None)


def _only_direction(answer: str) -> str:
    """The direction of an answer that says nothing else ("It increased."); "" of any other."""
    core = [word for word in words(answer) if word not in _AROUND]
    match = DIRECTION.fullmatch(core[0]) if len(core) == 1 else None
    return direction_of(match) if match and match["moved"] else ""


def words(text: str) -> Iterator[str]:
    """The words of a text in lower case, without articles; a date is one word, and so is a quarter (q4).

    A range is "3 to 5", however it is written.
    """
    for pattern in _DATES:
        text = pattern.sub(_date, text)
    for pattern, name in _COUNTRIES:
        text = pattern.sub(name, text)
    text = _RANGE.sub(lambda match: f"{match[1] or match[2]} to ", text)
    text = _PART_OF_YEAR.sub(lambda match: match[2][0] + _ORDINALS[match[1].lower()], text)
    for word in re.findall(r"[^\W_]+(?:[.,]\d+)*(?:['’][a-z]+)?|[$€£¥%]", text.lower()):
        if word not in _ARTICLES:
            yield word.replace(",", "").removesuffix("'s").removesuffix("’s")


def _date(match: re.Match[str]) -> str:
    month = match["month"].lower()
    number = _MONTHS.index(month[:3]) + 1 if month[:3] in _MONTHS else int(month)
    return f"{match['year']}{number:02}{int(match['day']):02}"
