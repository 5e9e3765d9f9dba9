"""Bad inputs: what is given where, and what must be in the answer."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import struct
import tarfile
import zipfile
from dataclasses import dataclass

from serving.requests import MAX_BODY_BYTES
from tests.unit.bad_input.bad_entries import (
    GOOD_TEXT,
    Adapter,
    Artifact,
    Command,
    Given,
    Job,
    Output,
    Request,
    Upload,
    packed,
    special,
)
from tests.unit.serving.serving_program import KEPT


@dataclass(frozen=True)
class Row:
    """An input, its description, and words that the answer must hold."""

    what: str
    given: Given
    says: tuple[str, ...]


class Harm:
    """What runs if a pickle of it is loaded."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('a stranger\\'s code ran')",)


PICKLE = pickle.dumps(Harm())
POSTED = b"POST /invocations HTTP/1.1\r\nHost: x\r\n" + KEPT + b"\r\n"
LORA = json.dumps({"peft_type": "LORA", "r": 4, "target_modules": ["q_proj"], "task_type": "CAUSAL_LM"})
LLAMA = '{"model_type": "llama", "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4}'
EVALUATION = {
    "passed": True,
    "primary": {
        "metric": "perplexity",
        "base": 1.0,
        "tuned": 0.9,
        "difference": -0.1,
        "interval": [-0.2, -0.05],
    },
}


def setting(*pairs: str, **environment: str) -> Command:
    """Settings, with `-c` or as variables, and a command that only reads them."""
    return Command(("config", *(part for pair in pairs for part in ("-c", pair))), environment=environment)


def checked(name: str, content: bytes | str, *more: str) -> Command:
    """A dataset of one file, checked on this machine."""
    return Command(("data", "check", name, "--on", "aws", *more), files={name: content})


def asked(**parameters: object) -> Request:
    """A prompt with parameters."""
    return Request({"inputs": "Revenue", "parameters": parameters})


def evaluated(**changed: object) -> Output:
    """A job's output with an evaluation that is right but for this."""
    return Output(packed(("evaluation.json", json.dumps({**EVALUATION, **changed}).encode())))


def zipped(name: str, content: bytes) -> bytes:
    """A zip archive of one file."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return made.getvalue()


def tensors(header: dict[str, object], data: bytes = b"") -> bytes:
    """A safetensors file."""
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def bomb(name: str, megabytes: int) -> bytes:
    """A tar.gz whose one member is zeros: a thousandth of its size."""
    made = io.BytesIO()
    with gzip.GzipFile(fileobj=made, mode="wb", compresslevel=1) as zipped_up:
        member = tarfile.TarInfo(name)
        member.size = megabytes << 20
        zipped_up.write(member.tobuf())
        for _ in range(megabytes):
            zipped_up.write(bytes(1 << 20))
    return made.getvalue()


SETTINGS = (
    Row("a budget in words", setting("budget_usd=much"), ('budget_usd is "much"', "US dollars")),
    Row("a budget of nothing", setting("budget_usd=0"), ("budget_usd", "more than 0")),
    Row("a budget that is no number", setting("budget_usd=nan"), ("budget_usd", "more than 0")),
    Row("a budget without end", setting("budget_usd=inf"), ("budget_usd", "more than 0")),
    Row("a reserve above the budget", setting("reserve_usd=30"), ("reserve_usd is 30", "less than 25")),
    Row("a budget below the shortest run", setting("budget_usd=2.1"), ("shortest run", "write at least")),
    Row("an unknown setting", setting("buget_usd=30"), ("buget_usd", "budget_usd")),
    Row(
        "a setting without a value", setting("budget_usd"), ("not of the form name=value", "-c budget_usd=40")
    ),
    Row(
        "an instance type without a price",
        setting("training_instance_type=ml.g9.huge"),
        ("No price is known",),
    ),
    Row("a region that is none", setting("region=moon"), ("region", "us-east-1")),
    Row(
        "a region without components",
        setting("region=eu-west-3"),
        ("no inference components", "hosting=merged"),
    ),
    Row("a prefix with a path", setting("prefix=../x"), ("prefix", "letters, digits")),
    Row("a prefix beyond a bucket's name", setting(f"prefix={'x' * 60}"), ("prefix", "S3 allows 63")),
    Row(
        "no whole number of instances",
        setting("training_instance_count=1.5"),
        ("a whole number from 1 to 16",),
    ),
    Row(
        "weights from nowhere",
        setting("base_model_uri=http://x/y"),
        ("base_model_uri", "s3://bucket/prefix/"),
    ),
    Row(
        "a mail address with a second one",
        setting("alert_email=a@b.de,c@d.de"),
        ("alert_email", "you@example.com"),
    ),
    Row(
        "hyperparameters that are no JSON", setting("hyperparameters={epoch: 3}"), ("JSON object of strings",)
    ),
    Row(
        "several at once",
        setting("spot=maybe", "idle_minutes=-1", "max_deletes=x"),
        ("spot", "idle_minutes", "max_deletes"),
    ),
    Row("a variable that cannot be", setting(FINEXPERT_SPOT="si"), ("spot", "true or false")),
    Row(
        "hyperparameters nested without end",
        setting("hyperparameters=" + "[" * 100_000),
        ("JSON object of strings",),
    ),
    Row(
        "a settings file nested without end",
        Command(("config",), files={"s.json": "[" * 100_000}, environment={"FINEXPERT_SETTINGS": "s.json"}),
        ("s.json: not JSON",),
    ),
    Row("a settings file that is not there", setting(FINEXPERT_SETTINGS="/none.json"), ("/none.json",)),
)

ARGUMENTS = (
    Row("an unknown verb", Command(("tune",)), ("No such command", "tune")),
    Row("no data and no run", Command(("train",)), ("give one of: data, --attach RUN, --stop RUN",)),
    Row("data and a run", Command(("train", "x", "--stop", "y")), ("give one of",)),
    Row("a setting for one run", Command(("train", "x", "-c", "spot=true")), ("-c spot", "cdk deploy")),
    Row("an empty prompt", Command(("ask", " ")), ("the prompt is empty",)),
    Row("an answer of no token", Command(("ask", "x", "--max-new-tokens", "0")), ("--max-new-tokens",)),
    Row(
        "an answer beyond the limit", Command(("ask", "x", "--max-new-tokens", "9999")), ("--max-new-tokens",)
    ),
    Row("a temperature below zero", Command(("ask", "x", "--temperature", "-1")), ("--temperature",)),
    Row("an endless snooze", Command(("snooze", "x", "--hours", "1e9")), ("--hours",)),
    Row("a cloud that there is not", Command(("runs", "list", "--on", "mars")), ("--on", "mars")),
    Row("a path that is not there", Command(("data", "check", "none")), ("no such file or folder", "none")),
    Row(
        "a tokenizer that cannot be read",
        Command(
            ("data", "check", "a.txt", "--base-model", ".", "--on", "aws"),
            files={"a.txt": GOOD_TEXT, "tokenizer.json": "{"},
        ),
        ("no tokenizer that can be read",),
    ),
    Row(
        "an evaluation that is no JSON",
        Command(("runs", "compare", "a.json", "b.json"), files={"a.json": "{", "b.json": "{}"}),
        ("This is no JSON", "a.json"),
    ),
    Row(
        "an evaluation that is none",
        Command(("runs", "compare", "a.json", "b.json"), files={"a.json": "[]", "b.json": "[]"}),
        ("This is no evaluation", "a.json"),
    ),
    Row(
        "questions that are none",
        Command(("evaluate", "r", "--data", "q.jsonl"), files={"q.jsonl": "{}\n"}),
        ("q.jsonl",),
    ),
    Row(
        "weights that are pickles",
        Command(
            ("data", "weights", "w"), files={"w/config.json": '{"model_type": "llama"}', "w/m.bin": PICKLE}
        ),
        ("w",),
    ),
)

DATASETS = (
    Row("no text at all", checked("a.txt", "\n\n \n"), ("no text in the files",)),
    Row("one document", checked("a.txt", "Revenue rose."), ("cannot be used",)),
    Row(
        "a spreadsheet",
        checked("a.xlsx", zipped("a", b"x")),
        ("No text can be read from a.xlsx", "Save it again"),
    ),
    Row(
        "an archive called text",
        checked("a.txt", zipped("a.txt", bytes(1 << 20))),
        ("this is zip, not text",),
    ),
    Row("an encoding of the East", checked("a.txt", "Отчёт\n".encode("cp1251") * 9), ("is not UTF-8",)),
    Row("zero bytes", checked("a.txt", b"a\0b\n"), ("a zero byte at column 2",)),
    Row("JSON nested without end", checked("a.json", "[" * 100_000), ("not valid JSON",)),
    Row("a JSON line cut off", checked("a.jsonl", '{"text": "a'), ("a.jsonl", "line 1")),
    Row("records without text", checked("a.jsonl", '{"pages": 3}\n'), ("a.jsonl", "text")),
    Row("a pickle called text", checked("a.txt", PICKLE), ("a.txt",)),
    Row("nothing uploaded", Upload(), ("there is nothing under s3://data/datasets/mine/",)),
    Row("no S3 URI", Upload(dataset="/etc/passwd"), ("write s3://BUCKET/datasets/NAME/",)),
    Row(
        "a whole bucket",
        Upload({"a.txt": GOOD_TEXT}, dataset="s3://data"),
        ("write s3://BUCKET/datasets/NAME/",),
    ),
    Row(
        "a folder without its slash, which begins other names too",
        Upload({"a.txt": GOOD_TEXT}, dataset="s3://data/datasets/mine"),
        ("write s3://BUCKET/datasets/NAME/",),
    ),
    Row("no dataset", Upload(dataset=""), ("write s3://BUCKET/datasets/NAME/",)),
    Row("files that are no text", Upload({"a.txt": zipped("a", b"x")}), ("this is zip, not text",)),
    Row("a job without a dataset", Job(files={}), ("training", "missing or empty")),
    Row(
        "a job on half a surrogate", Job(files={"a.jsonl": '{"text": "\\ud800"}'}), ("half a surrogate pair",)
    ),
)

HYPERPARAMETERS = (
    Row(
        "epochs in words",
        Upload({"a.txt": GOOD_TEXT}, {"epoch": "many"}),
        ("epoch is 'many'", "from 1 to 1000"),
    ),
    Row(
        "no learning",
        Upload({"a.txt": GOOD_TEXT}, {"learning_rate": "0"}),
        ("learning_rate", "greater than 0"),
    ),
    Row("a rank beyond all", Upload({"a.txt": GOOD_TEXT}, {"lora_r": "100000"}), ("lora_r", "from 1 to 256")),
    Row("a misspelt name", Upload({"a.txt": GOOD_TEXT}, {"epochs": "3"}), ("did you mean epoch?",)),
    Row(
        "a layer that no base has",
        Upload({"a.txt": GOOD_TEXT}, {"target_modules": "c_attn"}),
        ("no supported base has a layer c_attn",),
    ),
    Row(
        "two that exclude each other",
        Upload({"a.txt": GOOD_TEXT}, {"instruction_tuned": "True", "chat_dataset": "True"}),
        ("choose what the records hold",),
    ),
    Row(
        "an object for a number",
        Upload({"a.txt": GOOD_TEXT}, {"epoch": {"$ne": 1}}),
        ("epoch is", "whole number"),
    ),
    Row(
        "hyperparameters that are a list",
        Upload({"a.txt": GOOD_TEXT}, ["epoch"]),  # type: ignore[arg-type]
        ("JSON object of strings",),
    ),
    Row("a learning rate without end", Job({"learning_rate": "inf"}), ("learning_rate is 'inf'",)),
    Row("a value of a megabyte", Upload({"a.txt": GOOD_TEXT}, {"epoch": "9" * 10**6}), ("epoch is '999",)),
    Row(
        "a name of a megabyte",
        Upload({"a.txt": GOOD_TEXT}, {"x" * 10**6: "1"}),
        ("there is no such setting",),
    ),
    Row("a job's settings cut off", Job(b'{"epoch": '), ("hyperparameters.json", "not valid JSON")),
    Row("a job's settings in a list", Job(b'["epoch"]'), ("not a JSON object",)),
)

WEIGHTS = (
    Row("no weights", Job(without=("model.safetensors",)), ("no *.safetensors file",)),
    Row(
        "weights as a pickle",
        Job(base={"pytorch_model.bin": PICKLE}, without=("model.safetensors",)),
        ("no *.safetensors file",),
    ),
    Row(
        "a pickle called safetensors",
        Job(base={"model.safetensors": PICKLE}),
        ("no readable safetensors file",),
    ),
    Row("weights cut off", Job(base={"model.safetensors": b"\x08"}), ("its header is cut off",)),
    Row(
        "a header that promises more",
        Job(
            base={
                "model.safetensors": tensors({"w": {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}})
            }
        ),
        ("its header promises",),
    ),
    Row(
        "a header beyond the file", Job(base={"model.safetensors": b"\xff" * 16}), ("its header is cut off",)
    ),
    Row("another architecture", Job(base={"config.json": '{"model_type": "clip"}'}), ("'clip'",)),
    Row(
        "an index that leads out",
        Job(base={"model.safetensors.index.json": '{"weight_map": {"w": "../../etc/passwd"}}'}),
        ("files that are not there: ../../etc/passwd",),
    ),
    Row(
        "an adapter to begin with that is a pickle",
        Job(adapter={"adapter_model.safetensors": PICKLE}),
        ("adapter",),
    ),
)

PROMPTS = (
    Row("no JSON", Request(b"{"), ("400", "not JSON")),
    Row("no text but bytes", Request(b"\xff\xfe\x00"), ("400", "not JSON")),
    Row("JSON nested without end", Request(b"[" * 100_000), ("400", "not JSON")),
    Row(
        "a number with a million digits",
        Request(b'{"inputs": ' + b"9" * 1_000_000 + b"}"),
        ("400", "not JSON"),
    ),
    Row("an empty prompt", Request({"inputs": ""}), ("400", "inputs must be a text")),
    Row("half a surrogate", Request(b'{"inputs": "\\ud800"}'), ("inputs",)),
    Row("a prompt beyond the model", Request({"inputs": "revenue " * 2000}), ("422", "more than the 256")),
    Row("more tokens than allowed", asked(max_new_tokens=65), ("422", "from 1 to 64")),
    Row(
        "a temperature that is no number",
        Request(b'{"inputs": "x", "parameters": {"temperature": NaN}}'),
        ("422",),
    ),
    Row("a seed beyond 64 bits", asked(seed=2**70), ("422", "seed")),
    Row("a stop text that is empty", asked(stop=[""]), ("400", "stop")),
    Row(
        "an adapter that is not loaded",
        Request({"inputs": "x", "adapters": ["../x"]}),
        ("404", "../x is not loaded"),
    ),
    Row(
        "another content type",
        Request({"inputs": "x"}, headers={"Content-Type": "text/csv"}),
        ("415", "text/csv"),
    ),
    Row("a path that leads out", Request(path="/../../etc/passwd", method="GET"), ("404",)),
)

PAYLOADS = (
    Row(
        "one byte more than a payload may have",
        Request(
            raw=b"POST /invocations HTTP/1.1\r\nHost: x\r\n%s\r\nContent-Length: %d\r\n\r\n"
            % (KEPT, MAX_BODY_BYTES + 1)
        ),
        ("413", f"at most {MAX_BODY_BYTES}"),
    ),
    Row(
        "a length that is none",
        Request(raw=POSTED + b"Content-Length: -1\r\n\r\n"),
        ("400", "no HTTP"),
    ),
    Row(
        "a length in foreign digits",
        Request(raw="POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: ²\r\n\r\n".encode("latin-1")),
        ("400", "no HTTP"),
    ),
    Row(
        "chunks without a length",
        Request(
            raw=b"POST /invocations HTTP/1.1\r\nHost: x\r\n"
            + KEPT
            + b"\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
        ("400", "The body is not JSON"),
    ),
)

ARCHIVES = (
    Row("no archive", Output(b"PK\3\4"), ("not a readable .tar.gz",)),
    Row(
        "an archive cut off",
        Output(packed(("evaluation.json", b"x" * 9999))[:80]),
        ("not a readable .tar.gz",),
    ),
    Row("an archive of nothing", Output(packed()), ("holds no evaluation.json",)),
    Row(
        "an evaluation that leads out",
        Output(packed(("../evaluation.json", b"{}"))),
        ("holds no evaluation.json",),
    ),
    Row(
        "an evaluation that is a link",
        Output(packed(special("evaluation.json", tarfile.SYMTYPE, "/etc/passwd"))),
        ("holds no evaluation.json",),
    ),
    Row("a bomb for an evaluation", Output(bomb("evaluation.json", 9)), ("at most 8,388,608 are read",)),
    Row("a bomb before the evaluation", Output(bomb("zeros", 600)), ("1000 files or 512 MiB",)),
    Row(
        "a member for every file there is",
        Output(packed(*((f"f{n}", b"") for n in range(1002)))),
        ("more than 1000 files",),
    ),
    Row("an evaluation that is a pickle", Output(packed(("evaluation.json", PICKLE))), ("is not JSON",)),
    Row(
        "an evaluation nested without end",
        Output(packed(("evaluation.json", b"[" * 100_000))),
        ("is not JSON",),
    ),
    Row("a verdict in words", evaluated(passed="yes"), ("passed: true or false",)),
    Row(
        "figures that are no numbers",
        evaluated(primary={"base": float("nan")}),
        ("primary.base: a finite number",),
    ),
    Row(
        "an adapter's file that leads out",
        Artifact(packed(("../theirs", b"x"))),
        ("leads out of the folder",),
    ),
    Row("an adapter's file from the root", Artifact(packed(("/etc/x", b"x"))), ("leads out of the folder",)),
    Row(
        "an adapter's link, and a file through it",
        Artifact(packed(special("up", tarfile.SYMTYPE, ".."), ("up/theirs", b"x"))),
        ("neither a file nor a folder",),
    ),
    Row(
        "an adapter's hard link",
        Artifact(packed(special("a", tarfile.LNKTYPE, "../theirs"))),
        ("neither a file nor a folder",),
    ),
    Row(
        "an adapter's device",
        Artifact(packed(special("null", tarfile.CHRTYPE))),
        ("neither a file nor a folder",),
    ),
    Row("an adapter that is no archive", Artifact(b"\x1f\x8b\x08\x00"), ("not a tar.gz archive",)),
    Row("an adapter's bomb", Artifact(bomb("adapter_model.safetensors", 1100)), ("unpacks to",)),
    Row("no adapter", Adapter({}), ("400", "adapter_config.json is missing")),
    Row(
        "an adapter as a pickle",
        Adapter({"adapter_config.json": LORA, "adapter_model.bin": PICKLE}),
        ("400",),
    ),
    Row(
        "a pickle called an adapter's safetensors",
        Adapter({"adapter_config.json": LORA, "adapter_model.safetensors": PICKLE}),
        ("400", "cannot be loaded"),
    ),
    Row(
        "an adapter of another model",
        Adapter({"adapter_config.json": LORA, "adapter_model.safetensors": tensors({})}),
        ("400", "cannot be loaded"),
    ),
    Row(
        "an adapter's rank beyond the server's",
        Adapter({"adapter_config.json": LORA.replace("4", "999"), "adapter_model.safetensors": tensors({})}),
        ("999",),
    ),
    Row(
        "an adapter of another kind",
        Adapter({"adapter_config.json": '{"peft_type": "X"}', "adapter_model.safetensors": tensors({})}),
        ("400", "adapter"),
    ),
    Row(
        "an adapter's name that leads out",
        Request({"name": "../x", "src": "/"}, path="/adapters"),
        ("name must be",),
    ),
)

ROWS = (
    *SETTINGS,
    *ARGUMENTS,
    *DATASETS,
    *HYPERPARAMETERS,
    *WEIGHTS,
    *PROMPTS,
    *PAYLOADS,
    *ARCHIVES,
)
