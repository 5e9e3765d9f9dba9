"""What the page's API answers (docs/web.md), written down: a document of each kind, shaped as the real ones.

`tests/functional/app/test_web_page.py` holds these to the real API's on the embedded cloud. What the tab of
documents gets is in `scripted_shelf`.
"""

import copy
import math
from datetime import UTC, datetime, timedelta
from typing import Any

Document = dict[str, Any]

RUN = "finexpert-20261124-101500-a1b2"
OLDER = "finexpert-20261120-090000-c3d4"
FAILED = "finexpert-20261118-080000-e5f6"


def _record(names: str, *values: Any) -> Document:
    """A document with these fields, in this order."""
    return dict(zip(names.split(), values, strict=True))


SESSION: Document = {
    "on": {
        "kind": "local",
        "description": "on the embedded cloud http://127.0.0.1:4566",
        "region": "us-east-1",
    },
    "project": "FinExpert",
    "models": ["base", "tuned"],
    "parameters": {
        "max_new_tokens": {"default": 64, "min": 1, "max": 1024},
        "temperature": {"default": 0.0, "min": 0.0, "max": 2.0},
        "top_p": {"default": 1.0, "min": 0.05, "max": 1.0},
        "seed": {"default": 10, "min": 0, "max": 2147483647},
    },
    "limits": {"prompt_characters": 16000, "upload_bytes": 4000000, "context_tokens": 4096},
    "can": {"stream": True, "compare": True},
}

PROMPTS: Document = {
    "prompts": [
        "The investment tests performed indicate",
        "the relative volume for the long out of the money options, indicates",
        "The results for the short in the money options",
        "The results are encouraging for aggressive investors",
    ],
    "from": "the held-out text of letters",
}

OWN_QUESTIONS: Document = {
    "questions": [
        {"question": "What was revenue in 2025?", "answer": "$4.2 million"},
        {"question": "What was the margin?", "answer": "12%"},
    ]
}

EVALUATION: Document = {
    "metric": "held_out_bits_per_byte",
    "base": 2.797,
    "tuned": 2.354,
    "difference": -0.443,
    "interval": [-0.532, -0.36],
    "passed": True,
    "failed": [],
    "verdict": "The tuned model understands this kind of text better than the base model (from 2.797 to"
    " 2.354 bits a byte, 15.8% better, and better on 100% of 32 documents).",
}

REPORT = (
    "<!doctype html><html lang=en><head><title>Report</title></head><body><h1>Before and after tuning</h1>"
    "<p id=verdict>Accepted</p><script>parent.document.title = 'taken over'</script></body></html>"
)

CHECKED: Document = {
    "dataset": "s3://finexpert-data-000000000000-us-east-1/datasets/letters-1a2b3c4d/",
    "report": {
        "documents": 12,
        "bytes": 48213,
        "tokens_estimated": 13400,
        "training_documents": 10,
        "validation_documents": 2,
        "duplicates": 3,
        "optimizer_steps": 16,
        "private": {},
        "warnings": ["3 documents are the same; each counts once."],
        "sentence": "12 documents (48 kB, about 13,400 (11,900 to 16,300) tokens): 10 to train on, 2 held"
        " out; about 16 (14 to 19) optimizer steps; 1 warning.",
        "left_out": [],
        "unjudged": "",
        "understood": ["letters.csv: a table with commas; its text stands in the column text"],
        "first": {"file": "letters.csv", "text": "Dear shareholders, revenue rose by 4 percent."},
    },
    "plan": {
        "expected_usd": 0.19,
        "worst_case_usd": 3.03,
        "available_usd": 16.42,
        "fits": True,
        "sentence": "Probably $0.19, at most $3.03 (2.00 h × $1.515/h). Available: $25.00 budget −"
        " $6.58 spent − $2.00 reserve = $16.42.",
        "takes": "Training is expected to take 7 minutes and $0.19 on ml.g5.2xlarge.",
        "cheaper": [
            {"what": "1 × ml.g6.2xlarge", "usd_per_hour": 1.24, "worst_case_usd": 2.48, "fits": True}
        ],
    },
}

_METRIC, _MEANS = "name title unit better role", "a b shared of_a of_b"
PAIR: Document = {
    "runs": [RUN, OLDER],
    "passed": [True, False],
    "same_data": True,
    "metrics": [
        _record(_METRIC, "held_out_bits_per_byte", "Held-out text", "bits a byte", "lower", "primary")
        | _record(_MEANS, 2.354, 2.611, 32, 32, 32)
        | {"difference": 0.257, "interval": [0.201, 0.312], "p_adjusted": None, "finding": "A better"},
        _record(_METRIC, "answers", "Questions answered", "share", "higher", "secondary")
        | _record(_MEANS, 0.41, 0.38, 0, 20, 24)
        | {"difference": None, "interval": None, "p_adjusted": None, "finding": None},
    ],
    "warnings": ["Questions answered: the runs share no items, so no difference is claimed."],
    "settings": {"learning_rate": [0.0001, 0.0002], "epoch": [5, 3]},
    "versions": {},
    "usd": [0.18, None],
    "titles": ["Letters, first try", ""],
    "sentence": "Prefer A: it is shown to be better on unseen text.",
}


REFUSED_MODEL = "Not accepted by the quality gate: it is not shown to be better than the base model."
PRACTICE = (
    "Practice model (1.3 million parameters): its sentences mean nothing. It shows how the product works."
)


def answerer(model: str, *, outcome: str = "accepted", practice: bool = False) -> Document:
    """Who answers: Llama 2 7B as published, or trained on letters; or the practice model."""
    tuned = model == "tuned"
    name = "Llama with 1.3 million parameters" if practice else "Llama 2 7B"
    trained = f"{name}, trained on letters (run {RUN})"
    refused = [REFUSED_MODEL] if tuned and outcome != "accepted" else []
    return {
        "model": model,
        "base": {
            "name": name,
            "parameters": 1_300_000 if practice else 6_738_415_616,
            "context_tokens": 512 if practice else 4096,
            "practice": practice,
        },
        "run": RUN if tuned else "",
        "title": "Letters, first try" if tuned else "",
        "data": "letters" if tuned else "",
        "outcome": outcome if tuned else "",
        "description": trained if tuned else f"{name}, not trained further",
        "warnings": [*([PRACTICE] if practice else []), *refused],
    }


def endpoint(state: str, now: datetime | None = None, **changes: Any) -> Document:
    """The endpoint in a state: "asleep", "waking", "awake", "going_to_sleep" or "failed"."""
    now = now or datetime.now(UTC)
    awake = state == "awake"
    document = {
        "state": state,
        "reason": "The health check of the new endpoint failed." if state == "failed" else "",
        "run": RUN if state in ("awake", "waking") else None,
        "models": ["base", "tuned"],
        "answerers": [answerer("base"), answerer("tuned")],
        "usd_per_hour": 1.515,
        "awake_since": (now - timedelta(minutes=18)).isoformat() if awake else None,
        "sleeps_at": (now + timedelta(minutes=42)).isoformat() if awake else None,
        "sleeps_by": (now + timedelta(minutes=47)).isoformat() if awake else None,
        "kept_until": None,
        "wake_began": (now - timedelta(minutes=2)).isoformat() if state == "waking" else None,
        "wake_seconds_expected": {"seconds": 360.0, "from": "past wakes"},
        "can_wake": state in ("asleep", "failed"),
    }
    return document | changes


def _line(name: str, kind: str, usd: float, took: str, *, running: bool = False, title: str = "") -> Document:
    how = f"{took} × $1.515/h (ml.g5.2xlarge)"
    line = _record("name kind usd how running title", name, kind, usd, how, running, title)
    return line | {"usd_per_hour": 1.515}


def money(now: datetime | None = None, **changes: Any) -> Document:
    """The month, with a course that rises and rests."""
    now = now or datetime.now(UTC)
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    days = max(1.0, (now - first).total_seconds() / 86400)
    course = [6.58 * part / 48 + 0.3 * math.sin(part / 4) * (part / 48) for part in range(49)]
    history = [
        {"at": (first + timedelta(days=days * part / 48)).isoformat(), "spent_usd": round(max(0.0, spent), 2)}
        for part, spent in enumerate(course)
    ]
    document: Document = {
        "month": f"{now:%Y-%m}",
        "budget_usd": 25.0,
        "limit_usd": 23.0,
        "spent_usd": 6.58,
        "burn_usd_per_hour": 1.515,
        "hours_to_limit": 10.8,
        "projected_usd": 11.2,
        "history": history,
        "lines": [
            _line("finexpert", "endpoint", 5.91, "3 h 54 min", running=True),
            _line(RUN, "training", 0.67, "26 min 32 s", title="Letters, first try"),
        ],
        "prices": [
            {
                "usd": 1.515,
                "unit": "USD/hour",
                "component": "hosting",
                "region": "us-east-1",
                "type": "ml.g5.2xlarge",
                "source": "AWS Price List",
                "date": "2026-08-20",
                "age_days": 96,
            }
        ],
        "unread": [],
        "note": "Nothing is charged here. Amounts show what the same work would have cost on AWS.",
    }
    return document | changes


def small_history() -> list[Document]:
    """Cents, spent within the last hours."""
    now = datetime.now(UTC)
    spent = (0.0, 0.01, 0.05, 0.09, 0.14, 0.22)
    return [
        {"at": (now - timedelta(minutes=30 * (5 - n))).isoformat(), "spent_usd": usd}
        for n, usd in enumerate(spent)
    ]


def decisions(now: datetime | None = None) -> Document:
    """Two decisions of the reaper, the first of them repeated."""
    now = now or datetime.now(UTC)
    yesterday = (now - timedelta(days=1)).isoformat()
    decided = "endpoint action reason"
    kept = _record(decided, "finexpert", "keep", "in use: 4 requests to finexpert-base, last at 10:34")
    why = "no use for 60 minutes or more; put to sleep through its stack"
    ended = _record(decided, "finexpert", "delete", why)
    return {
        "decisions": [
            {"at": now.isoformat(), "since": (now - timedelta(minutes=35)).isoformat(), **kept},
            {"at": yesterday, "since": yesterday, **ended},
        ]
    }


def runs() -> list[Document]:
    """Three runs: accepted, rejected, failed."""
    accepted, rejected = "2026-11-24T10:15:00+00:00", "2026-11-20T09:00:00+00:00"
    return [
        _listed(RUN, "SUCCEEDED", "accepted", accepted, "2026-11-24T10:41:32+00:00", 0.67),
        _listed(OLDER, "SUCCEEDED", "rejected", rejected, "2026-11-20T09:20:00+00:00", 0.51),
        _listed(FAILED, "FAILED", "", "2026-11-18T08:00:00+00:00", "2026-11-18T08:00:09+00:00", 0.0),
    ]


def _listed(name: str, status: str, outcome: str, started: str, stopped: str, usd: float) -> Document:
    titles = {RUN: "Letters, first try"}
    names = "name status started stopped outcome title usd"
    return _record(names, name, status, started, stopped, outcome, titles.get(name, ""), usd)


_ASKED = "question right base tuned base_right tuned_right"


def run(name: str = RUN, **changes: Any) -> Document:
    """A run that was accepted."""
    document: Document = {
        "name": name,
        "title": "Letters, first try",
        "data": "letters",
        "status": "SUCCEEDED",
        "stage": "ended",
        "stage_words": "succeeded",
        "outcome": "accepted",
        "sentence": EVALUATION["verdict"],
        "step": 136,
        "steps": 136,
        "losses": losses(136),
        "tokens_per_second": 912.0,
        "eta_seconds": 0.0,
        "seconds": 1592.0,
        "usd": 0.67,
        "evaluation": copy.deepcopy(EVALUATION),
        "several_tries": "",
        "own_questions": {
            "asked": 10,
            "base": 1,
            "tuned": 6,
            "questions": [
                _record(
                    _ASKED, "What was revenue in 2025?", "$4.2 million", "4", "$4.2 million", False, True
                ),
                _record(_ASKED, "What was the margin?", "12%", "The", "11%", False, False),
            ],
        },
        "has_report": True,
        "can_promote": True,
        "error": "",
    }
    return document | changes


def training(step: int, **changes: Any) -> Document:
    """The same run while it trains, `step` of 136 done."""
    return run(
        status="RUNNING",
        stage="train",
        stage_words="training",
        outcome="",
        sentence="",
        step=step,
        losses=losses(step),
        eta_seconds=(136 - step) * 4.0,
        seconds=300.0 + step * 9,
        usd=(300.0 + step * 9) / 3600 * 1.515,
        evaluation=None,
        own_questions=None,
        has_report=False,
        can_promote=False,
        **changes,
    )


def losses(steps: int) -> list[list[float]]:
    """A loss that falls from about 5.3, with some noise."""
    return [
        [step, round(4.4 + 0.9 * math.exp(-step / 30) + 0.12 * math.sin(step * 2.1), 3)]
        for step in range(1, steps + 1)
    ]
