"""The Storage stack: data that the user brings, artifacts that the runs make."""
