class Explained(Exception):
    """An error whose message says what is wrong, where, and what to do: it can be shown as it is."""
