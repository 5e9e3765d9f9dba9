"""Real annual reports, where they are present: the shipped base learns from them, and the gate says so."""

import json
from pathlib import Path

import pytest

from tests.fakes.training_jobs import evaluated

ROOT = Path(__file__).parents[3]
REPORTS = ROOT / "../shared/data/tatqa/tatqa_dataset_dev.json"


@pytest.mark.skipif(not REPORTS.is_file(), reason="the TAT-QA reports are not here")
def test_held_out_report_text_improves_with_an_interval_that_excludes_zero(tmp_path: Path) -> None:
    contexts = json.loads(REPORTS.read_text(encoding="utf-8"))
    training = tmp_path / "input" / "data" / "training"
    training.mkdir(parents=True)
    paragraphs = [paragraph["text"] for context in contexts[::4] for paragraph in context["paragraphs"]]
    (training / "reports.json").write_text(json.dumps([{"text": text} for text in paragraphs]))
    (tmp_path / "input" / "data" / "model").symlink_to(ROOT / "base_model")
    (tmp_path / "input" / "config").mkdir()
    settings = {
        "learning_rate": "0.01",
        "epoch": "3",
        "per_device_train_batch_size": "2",
        "max_input_length": "256",
    }
    (tmp_path / "input" / "config" / "hyperparameters.json").write_text(json.dumps(settings))
    evaluation = evaluated(tmp_path)
    assert evaluation["passed"], evaluation["verdict"]
    assert evaluation["primary"]["interval"][1] < 0
    assert evaluation["primary"]["win_rate"] > 0.8
