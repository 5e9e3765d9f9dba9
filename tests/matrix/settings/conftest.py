"""The matrix of settings is that of tests/snapshot, in full."""
