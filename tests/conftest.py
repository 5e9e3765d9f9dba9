"""For all tests: examples are the same everywhere, and none fails because the machine is busy."""

from hypothesis import settings

settings.register_profile("project", deadline=None, derandomize=True)
settings.load_profile("project")
