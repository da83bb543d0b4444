"""Carries connections from a port inside a sandbox to the proxy outside, over the one socket that leads there.

`python -I -S forward.py SOCKET PORT COMMAND...` runs a command beside it and ends with it.
"""

from __future__ import annotations

import _thread
import os
import signal
import socket
import sys

__all__ = ["listen", "serve"]

CHUNK = 65536


def listen(port: int) -> socket.socket:
    """Open the port on loopback."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(64)
    return listener


def serve(listener: socket.socket, path: str) -> None:
    """Carry connections for ever."""
    while True:
        near, _ = listener.accept()
        far = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            far.connect(path)
        except OSError:
            near.close()
            far.close()
            continue
        for source, target in ((near, far), (far, near)):
            _thread.start_new_thread(_carry, (source, target))


def _carry(source: socket.socket, target: socket.socket) -> None:
    try:
        while piece := source.recv(CHUNK):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


def _main(path: str, port: int, command: list[str]) -> int:
    listener = listen(port)
    child = os.fork()
    if child == 0:
        listener.close()
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and so would the command
            signal.signal(number, signal.SIG_DFL)
        try:
            os.execvp(command[0], command)
        except OSError as error:
            os.write(2, f"{command[0]}: {error.strerror}\n".encode())
            os._exit(127 if isinstance(error, FileNotFoundError) else 126)
    _thread.start_new_thread(serve, (listener, path))
    _, status = os.waitpid(child, 0)
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    os._exit(_main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
