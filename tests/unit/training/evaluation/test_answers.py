"""Reading answers: numbers with units and scales, exact match, and figures made up."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.answers import agreement
from core.dataset.questions import questions_of
from training.evaluation.answers import faithfulness, grade
from training.evaluation.figures import quantities
from training.evaluation.items import questions
from training.evaluation.programs import ProgramError, execute

TATQA = Path(__file__).parents[4] / "../shared/data/tatqa/tatqa_dataset_dev.json"


def is_right(prediction: str, answers: Sequence[str], *, scale: str = "", question: str = "") -> bool:
    """Whether the answer is graded as right."""
    return grade(prediction, answers, scale=scale, question=question).right


@pytest.mark.parametrize(
    ("text", "value", "scale", "unit"),
    [
        ("1,496.5", "1496.5", None, ""),
        ("$ 6.3", "6.3", None, "$"),
        ("$(9.8) million", "-9.8", "1E+6", "$"),
        ("-12.6%", "-12.6", "0.01", ""),
        ("−4", "-4", None, ""),
        ("(22)", "-22", None, ""),
        ("75 basis points", "75", "0.0001", ""),
        ("3 bn euros", "3", "1E+9", "€"),
        (".5", "0.5", None, ""),
        ("10-million", "10", "1E+6", ""),
    ],
)
def test_a_quantity_is_read_with_its_unit(text: str, value: str, scale: str | None, unit: str) -> None:
    (quantity,) = quantities(text)
    assert str(quantity.value) == value
    assert (None if quantity.scale is None else str(quantity.scale)) == scale
    assert quantity.unit == unit


def test_letters_before_a_number_make_it_a_name_and_a_dash_between_two_no_minus() -> None:
    found = quantities("Q3 of 2018-2019, ISO9001, 2.5 years")
    assert [str(q.value) for q in found] == ["2018", "2019", "2.5"]


def test_numbers_that_the_question_states_are_not_taken_for_the_answer() -> None:
    assert is_right("In 2019 it was 31,260.", ["31260"], question="What was it in 2019?")
    assert is_right("2019", ["2019"], question="Was it larger in 2018 or 2019?")
    assert not is_right("In 2020 it was 31,260.", ["31260"], question="What was it in 2019?")


@pytest.mark.parametrize(
    ("answer", "share"),
    [
        ("It rose from $ 24,900 to 31260.", 1.0),
        ("24,900 in 2019 and 17", 2 / 3),
        ("(24,900)", 1.0),
        ("99%", 0.0),
        ("It rose.", None),
    ],
)
def test_faithfulness_is_the_share_of_figures_that_the_context_has(answer: str, share: float | None) -> None:
    context = "Revenue | 31,260 | 24,900\nYear ended in 2019."
    assert faithfulness(answer, context) == (None if share is None else pytest.approx(share))


@given(st.text(max_size=200), st.text(max_size=30))
def test_no_text_is_too_odd_to_be_read(prediction: str, answer: str) -> None:
    assert is_right(prediction, [answer or "x"], scale="million") in (True, False)
    share = faithfulness(prediction, answer)
    assert share is None or 0 <= share <= 1


def test_every_shipped_answer_matches_itself_and_no_other_answer_of_its_table() -> None:
    asked = questions("table_questions.json")
    for question in asked:
        own = " and ".join(question.answers)
        assert is_right(own, question.answers, scale=question.scale), question.id
        others = {q.answers for q in asked if q.context == question.context and q.answers != question.answers}
        for other in others:
            assert not is_right(" and ".join(other), question.answers, scale=question.scale), question.id


@pytest.mark.skipif(not TATQA.is_file(), reason="the TAT-QA reports are not here")
def test_answers_of_real_reports_match_themselves() -> None:
    records = json.loads(TATQA.read_text(encoding="utf-8"))
    asked = [
        question
        for number, record in enumerate(records, start=1)
        for question in questions_of(record, source="questions.json", number=number)
    ]
    assert len(asked) == sum(len(record["questions"]) for record in records) == 1668
    missed = [q for q in asked if not is_right(" and ".join(q.answers), q.answers, scale=q.scale)]
    assert [q.answers for q in missed] == []


@pytest.mark.parametrize(
    ("prediction", "answers", "scale", "question", "outcome"),
    [
        ("25.54%", ["25.54"], "percent", "", "right"),
        ("25.54", ["25.54"], "percent", "", "right"),
        ("0.2554", ["25.54"], "percent", "", "right"),
        ("25.538 percent", ["25.54"], "percent", "", "right"),
        ("$24.9 million", ["24,900"], "thousand", "", "right"),
        ("24,900", ["24,900"], "thousand", "", "right"),
        ("24,900,000", ["24,900"], "thousand", "", "right"),
        ("(94)", ["-94"], "", "", "right"),
        ("It was $6.3 million.", ["$6.3"], "million", "", "right"),
        ("the recall of the rear frame.", ["a recall of the rear frame"], "", "", "right"),
        ("Saint Orme and Port Elin", ["Port Elin", "Saint Orme"], "", "", "right"),
        ("2019, 2018 and 2017", ["2019", "2018", "2017"], "", "", "right"),
        ("31,260\nQuestion: And 2023?", ["31,260"], "thousand", "", "right"),
        ("", ["3"], "", "", "wrong"),
        ("25.6%", ["25.54"], "percent", "", "wrong"),
        ("25%", ["25.54"], "percent", "", "wrong"),
        ("25.54 million", ["25.54"], "percent", "", "wrong"),
        ("24,900 million", ["24,900"], "thousand", "", "wrong scale"),
        ("€6.3 million", ["$6.3"], "million", "", "wrong"),
        ("94", ["-94"], "", "", "wrong"),
        ("17 or 18", ["18"], "", "", "wrong"),
        ("a recall", ["a recall of the rear frame"], "", "", "wrong"),
        ("Port Elin", ["Port Elin", "Saint Orme"], "", "", "wrong"),
        ("Port Elin, Saint Orme and Cape Dun", ["Port Elin", "Saint Orme"], "", "", "wrong"),
        ("2019, 2018", ["2019", "2019"], "", "", "wrong"),
        ("9" * 40, ["9"], "", "", "wrong"),
        ("a decrease of 85,500", ["-85500"], "", "What was the net change?", "right"),
        ("It fell by $6 million", ["-6"], "million", "By how much did profit change?", "right"),
        ("a decrease of 6", ["6"], "million", "What was the decrease?", "right"),
        ("an increase of 6 million", ["-6"], "million", "What was the change?", "wrong"),
        ("three", ["3"], "", "How many groups?", "right"),
        ("twenty-one", ["21"], "", "How many?", "right"),
        ("$1,290 thousand and $1,058 thousand", ["1,290", "1,058"], "thousand", "", "right"),
        ("25.5%", ["25.54"], "percent", "", "right"),
        ("26%", ["25.54"], "percent", "", "wrong"),
        ("24.9 billion", ["24,900"], "thousand", "", "wrong scale"),
        ("The text does not say.", ["24,900"], "thousand", "", "declined"),
        ("For 4 years.", ["four years"], "", "For how long are vehicles leased?", "right"),
        ("a dozen", ["12"], "", "How many directors are there?", "right"),
        ("roughly one third", ["33.3"], "percent", "What share of sales?", "right"),
        ("One half of it.", ["50"], "percent", "What share of sales?", "right"),
        ("three quarters of a percent", ["0.75"], "percent", "What was the rate?", "right"),
        ("half a million dollars", ["0.5"], "million", "How much was paid?", "right"),
        ("33 1/3 %", ["33.33"], "percent", "What share of sales?", "right"),
        ("a third", ["25"], "percent", "What share of sales?", "wrong"),
        ("5 in two quarters of growth", ["0.5"], "", "How many?", "wrong"),
        ("in the first half of 2020", ["0.5"], "", "What share of sales?", "wrong"),
        ("Sales tumbled 4.1%", ["-4.1"], "percent", "What was the change?", "right"),
        ("Sales soared 5%", ["-5"], "percent", "What was the change?", "wrong"),
        ("5 in 2019, compared with 4 in 2018", ["4"], "", "What was it in 2018?", "right"),
        ("5 in 2019, compared with 4 in 2018", ["4"], "", "What was it in 2019?", "wrong"),
        ("The margin was 5% (2018: 7%)", ["7"], "percent", "What was the margin in 2018?", "right"),
        ("It increased by 5, to 105 in 2019.", ["5"], "", "What was the change in 2019?", "right"),
        ("Adding 5 and 7 and dividing by 2 gives 6.", ["6"], "", "What is the average?", "right"),
        ("5 plus 1 is 6.\n#### 6", ["6"], "", "How many?", "right"),
        ("## Answer\n6", ["6"], "", "How many?", "right"),
        ("```\n6\n```", ["6"], "", "How many?", "right"),
        ("between three and five years", ["3-5 years"], "", "How long?", "right"),
        ("the U.S. and the UK", ["United States", "United Kingdom"], "", "Which countries?", "right"),
        ("They told us", ["United States"], "", "Which country?", "wrong"),
        ("subtract(31260, 24900), divide(#0, 24900)", ["25.54"], "percent", "", "right"),
        # Cents are hundredths.
        ("44 cents", ["$0.44"], "", "", "right"),
        ("It was 44 cents a share.", ["$.44"], "", "", "right"),
        ("44 euro cents", ["€0.44"], "", "", "right"),
        ("7.5 pence", ["£0.075"], "", "", "right"),
        ("$0.44", ["44 cents"], "", "", "right"),
        ("44 cents", ["$0.45"], "", "", "wrong"),
        ("44 cents", ["44"], "", "", "wrong scale"),
        # A change may go either way, and what is denied is no answer.
        (
            "a decrease of 26.82%",
            ["26.82"],
            "",
            "What is the percentage change in the loss carryforward?",
            "wrong",
        ),
        ("a decrease of 18", ["18"], "", "What is the increase/ (decrease) in the reserve?", "wrong"),
        ("an increase of 18", ["18"], "", "What is the increase / (decrease) in the reserve?", "right"),
        ("a decrease of 18", ["-18"], "", "What is the change in the loss?", "right"),
        ("a decrease of 18", ["18"], "", "By how much did it decrease?", "right"),
        ("a loss of 18", ["18"], "", "What was the loss?", "right"),
        ("not $(9.8) million", ["$(9.8) million"], "", "What was the net profit?", "wrong"),
        ("not 5 but 6", ["6"], "", "What was the net profit?", "right"),
    ],
)
def test_answers_are_graded_by_what_they_say(
    prediction: str, answers: list[str], scale: str, question: str, outcome: str
) -> None:
    assert grade(prediction, answers, scale=scale, question=question).outcome == outcome


def test_other_accepted_answers_are_right_and_f1_counts_words() -> None:
    accepted = [["FIFO"]]
    assert grade("FIFO", ["the first-in, first-out method"], accepted=accepted).right
    part = grade("a recall", ["a recall of the rear frame"])
    assert not part.right
    assert part.f1 == pytest.approx(2 / 5)


def test_programs_of_finqa_are_calculated_and_others_refused() -> None:
    table = [["", "2023", "2022"], ["Revenue", "$ 120", "100"]]
    assert execute("table_average(Revenue, none)", table) == 110
    assert execute("add(1, const_m1), exp(2, 3), greater(#1, #0)") == 1
    for program in (
        "divide(1, 0)",
        "nothing(1, 2)",
        "add(#4, 1)",
        "exp(2, 100000)",
        "table_sum(Costs, none)",
    ):
        with pytest.raises(ProgramError):
            execute(program, table)


def test_wordings_of_right_answers_are_accepted_and_of_others_not() -> None:
    result = agreement(list(questions("table_questions.json")))
    assert result["right_wordings"] > 600 and result["wrong_wordings"] > 350
    assert result["right_accepted"] >= 0.98, result["examples"]
    assert result["wrong_accepted"] <= 0.01, result["examples"]
