"""The model: Llama with a LoRA adapter, in PyTorch alone.

Weights, settings and adapters have the names and formats of transformers and PEFT, and tests hold the numbers
to theirs; neither is imported, since that takes longer than all else before the first step
(docs/decisions/model-libraries.md).
"""
