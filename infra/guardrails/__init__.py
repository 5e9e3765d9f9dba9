"""The Guardrails stack: what watches money and idleness, and what watches the watchers."""
