class Explained(Exception):
    """An error whose message can be shown to a user: it says what is wrong, where, and what to do."""
