"""Programs that run while a benchmark needs them."""
import contextlib
import os
import signal
import subprocess


@contextlib.contextmanager
def running(*command, **more):
    """The program while the block lasts, its output to nowhere; then it is asked to end, and after 20 s made to."""
    with open(os.devnull, "w") as nowhere:
        process = subprocess.Popen([str(each) for each in command], stdout=nowhere, stderr=nowhere, **more)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
