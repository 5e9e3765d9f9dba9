"""Settings: JumpStart's names and strings in, one typed value or all problems at once out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.hyperparameters import LLAMA_LINEAR_LAYERS, NAMES, HyperparameterError, Hyperparameters, parse
from core.setting_names import ELSEWHERE

# As JumpStart writes them for Llama 2 7B.
JUMPSTART = {
    "epoch": "5",
    "learning_rate": "0.0001",
    "lora_r": "8",
    "lora_alpha": "32",
    "lora_dropout": "0.05",
    "target_modules": "q_proj,v_proj",
    "per_device_train_batch_size": "4",
    "per_device_eval_batch_size": "1",
    "max_input_length": "-1",
    "max_train_samples": "-1",
    "max_val_samples": "-1",
    "seed": "10",
    "validation_split_ratio": "0.2",
    "train_data_split_seed": "0",
    "instruction_tuned": "False",
    "chat_dataset": "False",
    "int8_quantization": "False",
    "enable_fsdp": "True",
    "add_input_output_demarcation_key": "True",
    "preprocessing_num_workers": "None",
}


def problems_of(settings: dict[str, object]) -> tuple[str, ...]:
    with pytest.raises(HyperparameterError) as caught:
        parse(settings)
    return caught.value.problems


def test_nothing_set_gives_the_recipe() -> None:
    recipe = parse({})
    assert recipe == Hyperparameters()
    assert (recipe.epoch, recipe.learning_rate, recipe.lora_r, recipe.lora_alpha) == (5, 1e-4, 8, 32)
    assert (recipe.target_modules, recipe.seed, recipe.input_length) == (("q_proj", "v_proj"), 10, 1024)


def test_jumpstarts_settings_are_taken_as_they_are() -> None:
    settings = parse(JUMPSTART)
    assert settings.per_device_eval_batch_size == 1
    assert not settings.instruction_tuned
    assert settings.preprocessing_num_workers is None


def test_a_setting_without_effect_is_said() -> None:
    assert parse(JUMPSTART).notices == ()
    (notice,) = parse(JUMPSTART | {"preprocessing_num_workers": "4"}).notices
    assert "preprocessing_num_workers" in notice
    assert "no effect" in notice


def test_all_problems_come_at_once_with_name_value_and_fix() -> None:
    told = problems_of({"epocs": "5", "lora_r": "eight", "learning_rate": "-1", "target_modules": "w_proj"})
    assert len(told) == 4
    assert "did you mean epoch?" in told[0]
    assert "'eight'" in told[1]
    assert "greater than 0" in told[2]
    assert "w_proj" in told[3]
    assert "q_proj" in told[3]


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999", "0"])
def test_numbers_that_are_none_are_refused(value: str) -> None:
    assert len(problems_of({"learning_rate": value})) == 1


def test_values_as_sagemakers_sdk_wraps_them() -> None:
    settings = parse({"epoch": '"3"', "target_modules": '"v_proj, q_proj"', "sagemaker_job_name": '"x"'})
    assert settings.epoch == 3
    assert settings.target_modules == ("q_proj", "v_proj")
    assert "sagemaker_job_name" in settings.notices[0]


def test_all_linear_means_every_linear_layer() -> None:
    assert parse({"target_modules": "all-linear"}).target_modules == ("all-linear",)
    assert parse({"target_modules": "auto"}).target_modules == ("auto",)
    assert parse({"target_modules": "fc2,q_proj"}).target_modules == ("q_proj", "fc2")


def test_minus_one_is_only_taken_where_it_means_something() -> None:
    assert parse({"max_steps": "-1"}).max_steps == -1
    assert "-1" in problems_of({"epoch": "-1"})[0]


valid_settings = st.fixed_dictionaries(
    {},
    optional={
        "epoch": st.integers(1, 1000).map(str),
        "learning_rate": st.floats(1e-9, 1, exclude_min=True).map(str),
        "lora_alpha": st.one_of(st.integers(1, 4096), st.floats(0.1, 4096)).map(str),
        "lora_dropout": st.floats(0, 0.99).map(str),
        "max_input_length": st.one_of(st.just(-1), st.integers(16, 32768)).map(str),
        "instruction_tuned": st.sampled_from(["True", "False", "true", "0", "None"]),
        "target_modules": st.sets(st.sampled_from(LLAMA_LINEAR_LAYERS), min_size=1).map(",".join),
        "validation_split_ratio": st.floats(0, 0.9).map(str),
        "preprocessing_num_workers": st.sampled_from(["None", "4"]),
    },
)


@given(valid_settings)
def test_written_out_and_read_again_settings_are_the_same(settings: dict[str, str]) -> None:
    parsed = parse(settings)
    strings = parsed.to_strings()
    assert tuple(strings) == NAMES
    assert all(isinstance(value, str) for value in strings.values())
    assert parse(strings) == parsed


@given(st.dictionaries(st.text(max_size=20), st.one_of(st.text(max_size=20), st.none(), st.floats())))
def test_any_input_is_either_read_or_refused_with_a_line_each(settings: dict[str, object]) -> None:
    try:
        parse(settings)
    except HyperparameterError as error:
        assert 1 <= len(error.problems) <= len(settings)


@given(st.sampled_from(NAMES), st.text(max_size=12))
def test_any_value_of_a_known_name_is_read_or_refused(name: str, value: str) -> None:
    try:
        parse({name: value})
    except HyperparameterError as error:
        assert error.problems[0].startswith(f"{name} is ")


@pytest.mark.parametrize(
    ("elsewhere", "here"),
    [
        ("num_train_epochs", "epoch"),
        ("lr", "learning_rate"),
        ("batch_size", "per_device_train_batch_size"),
        ("max_seq_length", "max_input_length"),
        ("LoRA-Rank", "lora_r"),
        ("chat_template", "chat_dataset"),
    ],
)
def test_names_of_other_trainers_get_the_name_here(elsewhere: str, here: str) -> None:
    with pytest.raises(HyperparameterError, match=rf"did you mean {here}\?"):
        parse({elsewhere: "3"})


def test_each_name_of_another_trainer_leads_to_a_name_here() -> None:
    assert set(ELSEWHERE.values()) <= set(NAMES) and not set(ELSEWHERE) & set(NAMES)
