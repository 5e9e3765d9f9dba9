"""Builds base_model/, the tiny Llama that local runs tune: `python -m training.base_model`."""
