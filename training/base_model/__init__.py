"""Builds the tiny Llama that local runs tune (`python -m training.base_model`); its result lies in base_model/."""
