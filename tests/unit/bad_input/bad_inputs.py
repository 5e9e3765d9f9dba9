"""Bad inputs: what is given where, and what must be in the answer."""

import gzip
import io
import json
import pickle
import struct
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

from serving.requests import MAX_BODY_BYTES
from tests.fakes.archives import packed, special
from tests.fakes.evaluations import compared
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
)
from tests.unit.serving.serving_program import KEPT


@dataclass(frozen=True)
class Row:
    """An input, its description, and words that the answer must hold."""

    what: str
    given: Given
    says: tuple[str, ...]


def row(what: str, given: Given, *says: str) -> Row:
    return Row(what, given, says)


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
    "primary": compared(1.0, 0.9, [-0.2, -0.05], metric="perplexity"),
}


def setting(*pairs: str, **environment: str) -> Command:
    """Settings, with `-c` or as variables, and a command that only reads them."""
    return Command(("config", *(part for pair in pairs for part in ("-c", pair))), environment=environment)


def checked(name: str, content: bytes | str, *more: str) -> Command:
    """A dataset of one file, checked on this machine."""
    return Command(("data", "check", name, "--on", "aws", *more), files={name: content})


def recipe(hyperparameters: Any) -> Upload:
    """A good dataset with these hyperparameters."""
    return Upload({"a.txt": GOOD_TEXT}, hyperparameters)


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
    """A tar.gz whose one member is zeros: a thousandth of its size. One packed megabyte is repeated."""
    member = tarfile.TarInfo(name)
    member.size = megabytes << 20
    header, zeros = member.tobuf(), bytes(1 << 20)
    packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    parts = [packer.compress(part) + packer.flush(zlib.Z_FULL_FLUSH) for part in (header, zeros)]
    checksum = zlib.crc32(header)
    for _ in range(megabytes):
        checksum = zlib.crc32(zeros, checksum)
    end = packer.flush() + struct.pack("<2L", checksum, len(header) + member.size)
    return gzip.compress(b"")[:10] + parts[0] + parts[1] * megabytes + end


SETTINGS = (
    row("a budget in words", setting("budget_usd=much"), 'budget_usd is "much"', "US dollars"),
    row("a budget of nothing", setting("budget_usd=0"), "budget_usd", "more than 0"),
    row("a budget that is no number", setting("budget_usd=nan"), "budget_usd", "more than 0"),
    row("a budget without end", setting("budget_usd=inf"), "budget_usd", "more than 0"),
    row("a reserve above the budget", setting("reserve_usd=30"), "reserve_usd is 30", "less than 25"),
    row("a budget below the shortest run", setting("budget_usd=2.1"), "shortest run", "write at least"),
    row("an unknown setting", setting("buget_usd=30"), "buget_usd", "budget_usd"),
    row("a setting without a value", setting("budget_usd"), "not of the form name=value", "-c budget_usd=40"),
    row("a type without a price", setting("training_instance_type=ml.g9.huge"), "No price is known"),
    row("a region that is none", setting("region=moon"), "region", "us-east-1"),
    row("no components there", setting("region=eu-west-3"), "no inference components", "hosting=merged"),
    row("a prefix with a path", setting("prefix=../x"), "prefix", "letters, digits"),
    row("a prefix beyond a bucket's name", setting(f"prefix={'x' * 60}"), "prefix", "S3 allows 63"),
    row("a fraction of instances", setting("training_instance_count=1.5"), "a whole number from 1 to 16"),
    row("weights of nowhere", setting("base_model_uri=http://x/y"), "base_model_uri", "s3://bucket/prefix/"),
    row("two mail addresses", setting("alert_email=a@b.de,c@d.de"), "alert_email", "you@example.com"),
    row("hyperparameters that are no JSON", setting("hyperparameters={epoch: 3}"), "JSON object of strings"),
    row(
        "several at once",
        setting("spot=maybe", "idle_minutes=-1", "max_deletes=x"),
        "spot",
        "idle_minutes",
        "max_deletes",
    ),
    row("a variable that cannot be", setting(FINEXPERT_SPOT="si"), "spot", "true or false"),
    row("hyperparameters without end", setting("hyperparameters=" + "[" * 100_000), "JSON object of strings"),
    row(
        "a settings file nested without end",
        Command(("config",), files={"s.json": "[" * 100_000}, environment={"FINEXPERT_SETTINGS": "s.json"}),
        "s.json: not JSON",
    ),
    row("a settings file that is not there", setting(FINEXPERT_SETTINGS="/none.json"), "/none.json"),
)

ARGUMENTS = (
    row("an unknown verb", Command(("tune",)), "No such command", "tune"),
    row("no data and no run", Command(("train",)), "give one of: data, --attach RUN, --stop RUN"),
    row("data and a run", Command(("train", "x", "--stop", "y")), "give one of"),
    row("a setting for one run", Command(("train", "x", "-c", "spot=true")), "-c spot", "cdk deploy"),
    row("an empty prompt", Command(("ask", " ")), "the prompt is empty"),
    row("an answer of no token", Command(("ask", "x", "--max-new-tokens", "0")), "--max-new-tokens"),
    row("an answer beyond the limit", Command(("ask", "x", "--max-new-tokens", "9999")), "--max-new-tokens"),
    row("a temperature below zero", Command(("ask", "x", "--temperature", "-1")), "--temperature"),
    row("an endless snooze", Command(("snooze", "x", "--hours", "1e9")), "--hours"),
    row("a cloud that there is not", Command(("runs", "list", "--on", "mars")), "--on", "mars"),
    row("a path that is not there", Command(("data", "check", "none")), "no such file or folder", "none"),
    row(
        "a tokenizer that cannot be read",
        Command(
            ("data", "check", "a.txt", "--base-model", ".", "--on", "aws"),
            files={"a.txt": GOOD_TEXT, "tokenizer.json": "{"},
        ),
        "no tokenizer that can be read",
    ),
    row(
        "an evaluation that is no JSON",
        Command(("runs", "compare", "a.json", "b.json"), files={"a.json": "{", "b.json": "{}"}),
        "This is no JSON",
        "a.json",
    ),
    row(
        "an evaluation that is none",
        Command(("runs", "compare", "a.json", "b.json"), files={"a.json": "[]", "b.json": "[]"}),
        "This is no evaluation",
        "a.json",
    ),
    row(
        "questions that are none",
        Command(("evaluate", "r", "--data", "q.jsonl"), files={"q.jsonl": "{}\n"}),
        "q.jsonl",
    ),
    row(
        "weights that are pickles",
        Command(
            ("data", "weights", "w"), files={"w/config.json": '{"model_type": "llama"}', "w/m.bin": PICKLE}
        ),
        "w",
    ),
)

DATASETS = (
    row("no text at all", checked("a.txt", "\n\n \n"), "no text in the files"),
    row("one document", checked("a.txt", "Revenue rose."), "cannot be used"),
    row(
        "a spreadsheet",
        checked("a.xlsx", zipped("a", b"x")),
        "No text can be read from a.xlsx",
        "Save it again",
    ),
    row("a zip called text", checked("a.txt", zipped("a.txt", bytes(1 << 20))), "this is zip, not text"),
    row("an encoding of the East", checked("a.txt", "Отчёт\n".encode("cp1251") * 9), "is not UTF-8"),
    row("zero bytes", checked("a.txt", b"a\0b\n"), "a zero byte at column 2"),
    row("JSON nested without end", checked("a.json", "[" * 100_000), "not valid JSON"),
    row("a JSON line cut off", checked("a.jsonl", '{"text": "a'), "a.jsonl", "line 1"),
    row("records without text", checked("a.jsonl", '{"pages": 3}\n'), "a.jsonl", "text"),
    row("a pickle called text", checked("a.txt", PICKLE), "a.txt"),
    row("nothing uploaded", Upload(), "there is nothing under s3://data/datasets/mine/"),
    row("no S3 URI", Upload(dataset="/etc/passwd"), "write s3://BUCKET/datasets/NAME/"),
    row("a bucket", Upload({"a.txt": GOOD_TEXT}, dataset="s3://data"), "write s3://BUCKET/datasets/NAME/"),
    row(
        "a folder without its slash, which begins other names too",
        Upload({"a.txt": GOOD_TEXT}, dataset="s3://data/datasets/mine"),
        "write s3://BUCKET/datasets/NAME/",
    ),
    row("no dataset", Upload(dataset=""), "write s3://BUCKET/datasets/NAME/"),
    row("files that are no text", Upload({"a.txt": zipped("a", b"x")}), "this is zip, not text"),
    row("a job without a dataset", Job(files={}), "training", "missing or empty"),
    row("a job on half a surrogate", Job(files={"a.jsonl": '{"text": "\\ud800"}'}), "half a surrogate pair"),
)

HYPERPARAMETERS = (
    row("epochs in words", recipe({"epoch": "many"}), "epoch is 'many'", "from 1 to 1000"),
    row("no learning", recipe({"learning_rate": "0"}), "learning_rate", "greater than 0"),
    row("a rank beyond all", recipe({"lora_r": "100000"}), "lora_r", "from 1 to 256"),
    row("a misspelt name", recipe({"epochs": "3"}), "did you mean epoch?"),
    row("a layer of no base", recipe({"target_modules": "c_attn"}), "no supported base has a layer c_attn"),
    row(
        "two that exclude each other",
        recipe({"instruction_tuned": "True", "chat_dataset": "True"}),
        "choose what the records hold",
    ),
    row("an object for a number", recipe({"epoch": {"$ne": 1}}), "epoch is", "whole number"),
    row("hyperparameters that are a list", recipe(["epoch"]), "JSON object of strings"),
    row("a learning rate without end", Job({"learning_rate": "inf"}), "learning_rate is 'inf'"),
    row("a value of a megabyte", recipe({"epoch": "9" * 10**6}), "epoch is '999"),
    row("a name of a megabyte", recipe({"x" * 10**6: "1"}), "there is no such setting"),
    row("a job's settings cut off", Job(b'{"epoch": '), "hyperparameters.json", "not valid JSON"),
    row("a job's settings in a list", Job(b'["epoch"]'), "not a JSON object"),
)

WEIGHTS = (
    row("no weights", Job(without=("model.safetensors",)), "no *.safetensors file"),
    row(
        "weights as a pickle",
        Job(base={"pytorch_model.bin": PICKLE}, without=("model.safetensors",)),
        "no *.safetensors file",
    ),
    row("pickled safetensors", Job(base={"model.safetensors": PICKLE}), "no readable safetensors file"),
    row("weights cut off", Job(base={"model.safetensors": b"\x08"}), "its header is cut off"),
    row(
        "a header that promises more",
        Job(
            base={
                "model.safetensors": tensors({"w": {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}})
            }
        ),
        "its header promises",
    ),
    row("a header beyond the file", Job(base={"model.safetensors": b"\xff" * 16}), "its header is cut off"),
    row("another architecture", Job(base={"config.json": '{"model_type": "clip"}'}), "'clip'"),
    row(
        "an index that leads out",
        Job(base={"model.safetensors.index.json": '{"weight_map": {"w": "../../etc/passwd"}}'}),
        "files that are not there: ../../etc/passwd",
    ),
    row("a pickle to go on from", Job(adapter={"adapter_model.safetensors": PICKLE}), "adapter"),
)

PROMPTS = (
    row("no JSON", Request(b"{"), "400", "not JSON"),
    row("no text but bytes", Request(b"\xff\xfe\x00"), "400", "not JSON"),
    row("JSON nested without end", Request(b"[" * 100_000), "400", "not JSON"),
    row("a number of a million digits", Request(b'{"inputs": ' + b"9" * 1_000_000 + b"}"), "400", "not JSON"),
    row("an empty prompt", Request({"inputs": ""}), "400", "inputs must be a text"),
    row("half a surrogate", Request(b'{"inputs": "\\ud800"}'), "inputs"),
    row("a prompt beyond the model", Request({"inputs": "revenue " * 2000}), "422", "more than the 256"),
    row("more tokens than allowed", asked(max_new_tokens=65), "422", "from 1 to 64"),
    row("a temperature of no number", Request(b'{"inputs": "x", "parameters": {"temperature": NaN}}'), "422"),
    row("a seed beyond 64 bits", asked(seed=2**70), "422", "seed"),
    row("a stop text that is empty", asked(stop=[""]), "400", "stop"),
    row("an unloaded adapter", Request({"inputs": "x", "adapters": ["../x"]}), "404", "../x is not loaded"),
    row("another type", Request({"inputs": "x"}, headers={"Content-Type": "text/csv"}), "415", "text/csv"),
    row("a path that leads out", Request(path="/../../etc/passwd", method="GET"), "404"),
)

PAYLOADS = (
    row(
        "one byte more than a payload may have",
        Request(
            raw=b"POST /invocations HTTP/1.1\r\nHost: x\r\n%s\r\nContent-Length: %d\r\n\r\n"
            % (KEPT, MAX_BODY_BYTES + 1)
        ),
        "413",
        f"at most {MAX_BODY_BYTES}",
    ),
    row("a length that is none", Request(raw=POSTED + b"Content-Length: -1\r\n\r\n"), "400", "no HTTP"),
    row(
        "a length in foreign digits",
        Request(raw="POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: ²\r\n\r\n".encode("latin-1")),
        "400",
        "no HTTP",
    ),
    row(
        "chunks without a length",
        Request(
            raw=b"POST /invocations HTTP/1.1\r\nHost: x\r\n"
            + KEPT
            + b"\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
        "400",
        "The body is not JSON",
    ),
)

ARCHIVES = (
    row("no archive", Output(b"PK\3\4"), "not a readable .tar.gz"),
    row("a torn archive", Output(packed(("evaluation.json", b"x" * 9999))[:80]), "not a readable .tar.gz"),
    row("an archive of nothing", Output(packed()), "holds no evaluation.json"),
    row("an evaluation outside", Output(packed(("../evaluation.json", b"{}"))), "holds no evaluation.json"),
    row(
        "an evaluation that is a link",
        Output(packed(special("evaluation.json", tarfile.SYMTYPE, "/etc/passwd"))),
        "holds no evaluation.json",
    ),
    row("a bomb for an evaluation", Output(bomb("evaluation.json", 9)), "at most 8,388,608 are read"),
    row("a bomb before the evaluation", Output(bomb("zeros", 600)), "1000 files or 512 MiB"),
    row("too many members", Output(packed(*((f"f{n}", b"") for n in range(1002)))), "more than 1000 files"),
    row("an evaluation that is a pickle", Output(packed(("evaluation.json", PICKLE))), "is not JSON"),
    row("an evaluation without end", Output(packed(("evaluation.json", b"[" * 100_000))), "is not JSON"),
    row("a verdict in words", evaluated(passed="yes"), "passed: true or false"),
    row("figures of no numbers", evaluated(primary={"base": float("nan")}), "primary.base: a finite number"),
    row("an adapter's file that leads out", Artifact(packed(("../theirs", b"x"))), "leads out of the folder"),
    row("an adapter's file from the root", Artifact(packed(("/etc/x", b"x"))), "leads out of the folder"),
    row(
        "an adapter's link, and a file through it",
        Artifact(packed(special("up", tarfile.SYMTYPE, ".."), ("up/theirs", b"x"))),
        "neither a file nor a folder",
    ),
    row(
        "a hard link",
        Artifact(packed(special("a", tarfile.LNKTYPE, "../theirs"))),
        "neither a file nor a folder",
    ),
    row("a device file", Artifact(packed(special("null", tarfile.CHRTYPE))), "neither a file nor a folder"),
    row("an adapter that is no archive", Artifact(b"\x1f\x8b\x08\x00"), "not a tar.gz archive"),
    row("an adapter's bomb", Artifact(bomb("adapter_model.safetensors", 1100)), "unpacks to"),
    row("no adapter", Adapter({}), "400", "adapter_config.json is missing"),
    row("an adapter as a pickle", Adapter({"adapter_config.json": LORA, "adapter_model.bin": PICKLE}), "400"),
    row(
        "a pickle called an adapter's safetensors",
        Adapter({"adapter_config.json": LORA, "adapter_model.safetensors": PICKLE}),
        "400",
        "cannot be loaded",
    ),
    row(
        "an adapter of another model",
        Adapter({"adapter_config.json": LORA, "adapter_model.safetensors": tensors({})}),
        "400",
        "cannot be loaded",
    ),
    row(
        "an adapter's rank beyond the server's",
        Adapter({"adapter_config.json": LORA.replace("4", "999"), "adapter_model.safetensors": tensors({})}),
        "999",
    ),
    row(
        "an adapter of another kind",
        Adapter({"adapter_config.json": '{"peft_type": "X"}', "adapter_model.safetensors": tensors({})}),
        "400",
        "adapter",
    ),
    row("a name that leads out", Request({"name": "../x", "src": "/"}, path="/adapters"), "name must be"),
)

ROWS = (*SETTINGS, *ARGUMENTS, *DATASETS, *HYPERPARAMETERS, *WEIGHTS, *PROMPTS, *PAYLOADS, *ARCHIVES)
