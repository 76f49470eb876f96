"""An HTTP server of a test, for many clients at once."""

from http.server import ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    """The standard library lets five connections wait to be taken. On a busy machine more come, and Linux forgets some of them:
    their clients are told "Connection was closed before we received a valid response"."""

    daemon_threads = True
    request_queue_size = 1024
