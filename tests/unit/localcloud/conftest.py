"""ministack writes files when it is imported: into a folder of this run, removed at its end."""

import atexit
import os
import shutil
import tempfile

folder = tempfile.mkdtemp(prefix="ministack-unit-")
atexit.register(shutil.rmtree, folder, ignore_errors=True)
os.environ["STATE_DIR"] = folder
