"""Builds base_model/, the tiny Llama that local runs tune: `python -m tools.base_model`."""
