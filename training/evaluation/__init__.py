"""Compares base and tuned model on text that neither was trained on here."""
