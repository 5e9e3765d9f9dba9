"""A Llama small enough to make in a second, LoRA adapters for it, and a reader of its answers."""

from pathlib import Path
from typing import Any

SENTENCES = [
    "Revenue rose as the relative volume of long options indicates a hedge.",
    "The investment tests performed indicate that interest expense fell in the fourth quarter.",
    "Résumé of cash flow: operating activities provided €12 million.",
]


class Kept:
    """An answer's reader, who leaves after this many tokens."""

    def __init__(self, most: int = 1000) -> None:
        self.tokens: list[Any] = []
        self._most = most

    @property
    def cancelled(self) -> bool:
        return len(self.tokens) >= self._most

    def put(self, piece: Any) -> None:
        self.tokens.append(piece)


def build_model(folder: Path) -> Path:
    """Write a random one-layer Llama with a byte-level tokenizer into `folder`."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")
    wrapped.save_pretrained(folder)
    torch.manual_seed(10)
    config = LlamaConfig(
        vocab_size=len(wrapped),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=256,
        bos_token_id=0,
        eos_token_id=1,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def build_adapter(folder: Path, model_folder: Path, *, seed: int, rank: int = 4) -> Path:
    """Write a LoRA adapter whose weights are random, so that it changes every answer."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    base = AutoModelForCausalLM.from_pretrained(model_folder)
    config = LoraConfig(r=rank, lora_alpha=64, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    model = get_peft_model(base, config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.normal_(std=1.0)
    model.save_pretrained(str(folder))
    return folder
