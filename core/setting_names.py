"""Names that other programs give the trainer's settings, to suggest the one that was meant."""

import difflib
from collections.abc import Sequence

#: Names of settings elsewhere (transformers, TRL, Axolotl, LLaMA-Factory, OpenAI), and the name here.
ELSEWHERE = {
    other: name
    for name, others in {
        "epoch": "num_train_epochs num_epochs epochs n_epochs train_epochs",
        "learning_rate": "lr learning_rate_multiplier base_lr peak_lr max_learning_rate",
        "per_device_train_batch_size": "batch_size train_batch_size micro_batch_size bs per_device_batch_size"
        " mini_batch_size global_batch_size",
        "per_device_eval_batch_size": "eval_batch_size",
        "gradient_accumulation_steps": "grad_accum grad_accumulation gradient_accumulation"
        " accumulate_grad_batches accumulation_steps",
        "max_input_length": "max_length max_seq_length max_seq_len sequence_len sequence_length seq_len"
        " seq_length block_size cutoff_len context_length model_max_length max_position_embeddings"
        " max_prompt_length",
        "lora_r": "r rank lora_rank lora_dim",
        "lora_alpha": "alpha",
        "lora_dropout": "dropout",
        "target_modules": "lora_target lora_target_modules lora_modules target_module",
        "use_rslora": "rslora",
        "use_dora": "dora",
        "seed": "random_seed random_state data_seed",
        "lr_scheduler_type": "lr_scheduler scheduler lr_schedule",
        "warmup_ratio": "warmup warmup_proportion",
        "warmup_steps": "num_warmup_steps lr_warmup_steps",
        "max_grad_norm": "grad_clip gradient_clipping clip_grad_norm gradient_clip_val",
        "weight_decay": "wd",
        "validation_split_ratio": "val_set_size val_size validation_split validation_ratio eval_ratio"
        " test_size val_split",
        "train_data_split_seed": "split_seed",
        "max_train_samples": "max_samples num_train_samples max_train_examples",
        "max_val_samples": "max_eval_samples max_validation_samples",
        "chat_dataset": "chat_template chat dialog",
        "instruction_tuned": "instruction instruct instruction_tuning",
        "text_column": "text_field dataset_text_field text_col input_column",
        "prompt_column": "prompt_field query_column instruction_column question_column",
        "completion_column": "response_column answer_column output_column completion_field target_column",
        "prompt_truncation": "truncation truncation_mode truncation_side",
        "load_in_4bit": "qlora int4 int4_quantization use_4bit",
        "int8_quantization": "load_in_8bit int8 use_8bit",
        "precision": "bf16 fp16 fp32 tf32 dtype torch_dtype mixed_precision",
        "gradient_checkpointing": "activation_checkpointing use_gradient_checkpointing",
        "enable_fsdp": "fsdp",
        "early_stopping_patience": "early_stopping patience",
        "max_steps": "max_iters num_steps num_training_steps total_steps train_steps iters",
        "save_steps": "save_interval checkpoint_steps",
        "eval_steps": "eval_interval evaluation_steps steps_per_eval",
        "merge_weights": "merge merge_adapter merge_and_unload",
    }.items()
    for other in others.split()
}


def meant(name: str, known: Sequence[str]) -> str:
    """The known name that another name stands for or resembles; "" if there is none."""
    key = name.lower().replace("-", "_")
    close = difflib.get_close_matches(key, known, n=1)
    return ELSEWHERE.get(key) or (close[0] if close else "")
