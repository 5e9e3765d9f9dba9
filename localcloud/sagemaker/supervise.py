"""Runs one container program and dies with the cloud: `python supervise.py CLOUD_PID PROGRAM ARGUMENT…`.

A cloud that is killed cannot stop its children, so this small parent of the program does: it holds the
program's process group and ends all of it when the cloud's process is gone. SIGTERM goes on to the program
alone, as `docker stop` sends it to a container's first process; what the program leaves behind is killed
when it ends. Imports nothing of ours and little else, so that it starts in milliseconds and works on every
POSIX system.
"""

import os
import signal
import subprocess
import sys
import threading
import time

LOOK_SECONDS = 0.5
NOT_FOUND, NOT_RUNNABLE = 127, 126  # a shell's exit statuses, which container runtimes use too


def main(arguments: list[str]) -> int:
    """Run the program; returns its exit status, 128 + n if signal n ended it."""
    cloud, program = int(arguments[0]), arguments[1:]
    stopping = threading.Event()
    child: list[subprocess.Popen[bytes]] = []

    def stop(_signal: int, _frame: object) -> None:
        stopping.set()
        for process in child:
            process.terminate()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with, args=(cloud,), daemon=True).start()
    try:
        child.append(subprocess.Popen(program, stdin=subprocess.DEVNULL))
    except OSError as error:
        print(f'exec: "{program[0]}": {error.strerror}', flush=True)
        return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_RUNNABLE
    if stopping.is_set():  # the signal came while the program was being started
        child[0].terminate()
    code = child[0].wait()
    return 128 - code if code < 0 else code


def _die_with(cloud: int) -> None:
    while os.getppid() == cloud:
        time.sleep(LOOK_SECONDS)
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
