"""The Training stack: the state machine of a fine-tune, its job definition, roles and functions."""
