"""A small local page: drop a picture on it, see the hands and download them."""

import json
import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files

import numpy as np
from mmengine.logging import print_log

from mmhand.utils.errors import HandConfigError, HandDataError, HandFileError, MMHandError

from .picture_reading import picture_from_bytes

#: A picture (H, W, 3) uint8 BGR to ``html`` (a page), ``json`` and ``glb``; the latter may be missing.
Run = Callable[[np.ndarray], Mapping[str, object]]

_TYPES = {
    'html': 'text/html; charset=utf-8',
    'json': 'application/json',
    'glb': 'model/gltf-binary',
}
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
    "connect-src 'self'; frame-src 'self'; form-action 'none'; base-uri 'none'"
)
#: Types of uploads that may hold a picture, besides image/*.
_BARE = ('application/octet-stream', 'application/x-www-form-urlencoded', 'text/plain')
#: More pixels are refused: the decoder's memory, not the size of the file, is what counts.
_MAX_PIXELS = 80_000_000


class HandServer(ThreadingHTTPServer):
    """Serves one page, and the results of the pictures that were dropped on it.

    Pictures are worked on one at a time, whatever number of readers waits; uploads and the last ``keep``
    results are held in memory. Paths are looked up in a table and never name a
    file.

    Args:
        run: what finds hands in a picture; see :data:`Run`. An :class:`MMHandError` of it is shown to
            the reader, another exception is logged and shown as such without its text.
        host: the address that is listened on; by default this machine only can reach it.
        port: 0 takes a free one.
        max_bytes: larger uploads are refused.
        keep: results held.

    Raises:
        HandConfigError: the port cannot be listened on.
    """

    daemon_threads = True

    def __init__(
        self,
        run: Run,
        host: str = '127.0.0.1',
        port: int = 8000,
        max_bytes: int = 25_000_000,
        keep: int = 16,
    ) -> None:
        self.run, self.max_bytes, self.keep = run, max_bytes, keep
        self.results: OrderedDict[str, dict[str, bytes]] = OrderedDict()
        self._worker = threading.Lock()
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as error:
            raise HandConfigError(
                f'cannot listen on {host}:{port} ({getattr(error, "strerror", None) or error}); '
                'choose another --port'
            ) from error

    @property
    def address(self) -> str:
        """The page's address."""
        host, port = self.server_address[:2]
        return f'http://{f"[{host}]" if ":" in str(host) else host}:{port}/'

    def work(self, data: bytes) -> tuple[str, dict[str, bytes]]:
        """Find hands in an uploaded picture.

        Args:
            data: the file.

        Returns:
            The result's name, which cannot be guessed, and its files.

        Raises:
            HandDataError: not a picture, or one of too many pixels.
        """
        with self._worker:
            made = self.run(decode_picture(data))
            files = {kind: _as_bytes(made[kind]) for kind in _TYPES if made.get(kind) is not None}
            name = secrets.token_urlsafe(12)
            self.results[name] = files
            while len(self.results) > self.keep:
                self.results.popitem(last=False)
        return name, files


def serve(run: Run, host: str = '127.0.0.1', port: int = 8000, **options: int) -> None:
    """Serve until interrupted.

    Args:
        run: see :class:`HandServer`.
        host: see :class:`HandServer`.
        port: see :class:`HandServer`.
        options: further arguments of :class:`HandServer`.
    """
    with HandServer(run, host, port, **options) as server:
        print_log(f'Drop pictures on {server.address} (Ctrl-C ends)', 'current')
        try:
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            print_log('The page is closed.', 'current')


def decode_picture(data: bytes) -> np.ndarray:
    """An uploaded file as a picture (H, W, 3) uint8 BGR, of any kind that the command reads.

    Raises:
        HandDataError: not a picture, or one of too many pixels.
    """
    try:
        return picture_from_bytes(data, 'the file', _MAX_PIXELS)
    except HandFileError as error:
        raise HandDataError(f'not a picture that can be worked on: {error}') from None


class _Handler(BaseHTTPRequestHandler):
    server: HandServer
    server_version, sys_version = 'mmhand', ''
    #: Seconds after which a reader that sends nothing is let go.
    timeout = 60

    def do_GET(self) -> None:
        if not self._is_ours():
            return
        if self.path == '/':
            page = (files('mmhand.apis') / 'assets' / 'serve.html').read_bytes()
            self._send(HTTPStatus.OK, page, _TYPES['html'], policy=_POLICY)
            return
        parts = self.path.split('?')[0].split('/')
        if len(parts) == 4 and parts[:2] == ['', 'result'] and parts[3].startswith('hands.'):
            kind = parts[3].removeprefix('hands.')
            content = self.server.results.get(parts[2], {}).get(kind)
            if content is not None:
                self._send(HTTPStatus.OK, content, _TYPES[kind])
                return
        self._fail(HTTPStatus.NOT_FOUND, 'there is no such page; results are kept for a while only')

    def do_POST(self) -> None:
        if not self._is_ours():
            return
        if self.path != '/picture':
            self._fail(HTTPStatus.NOT_FOUND, 'there is no such page')
            return
        kind = self.headers.get_content_type()
        # What is said of a bare file; curl calls everything a form that it does not know.
        if not (kind.startswith('image/') or kind in _BARE):
            self._fail(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                f'send the picture itself as the body, not {kind}: curl --data-binary @photo.jpg',
            )
            return
        length = self.headers.get('Content-Length', '')
        if not length.isascii() or not length.isdigit():
            self._fail(HTTPStatus.LENGTH_REQUIRED, 'the size of the picture is not stated')
            return
        if int(length) > self.server.max_bytes:
            limit = self.server.max_bytes / 1e6
            self._fail(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f'the file is larger than {limit:g} MB')
            return
        data = self.rfile.read(int(length))
        if len(data) < int(length):
            self._fail(HTTPStatus.BAD_REQUEST, 'the upload broke off')
            return
        try:
            name, made = self.server.work(data)
        except MMHandError as error:
            self._fail(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
            return
        except Exception as error:
            print_log(f'a picture could not be worked on: {error!r}', 'current', logging.ERROR)
            self._fail(HTTPStatus.INTERNAL_SERVER_ERROR, 'the picture could not be worked on')
            return
        answer = {kind: f'/result/{name}/hands.{kind}' for kind in made}
        self._send(HTTPStatus.OK, json.dumps(answer).encode(), _TYPES['json'])

    def _is_ours(self) -> bool:
        """Whether the request comes from our own page, not from a foreign one open in the browser."""
        host = self.headers.get('Host', '')
        name = host.rsplit(':', 1)[0].strip('[]').lower()
        bound = str(self.server.server_address[0])
        local = bound in ('127.0.0.1', '::1')
        origin = self.headers.get('Origin')
        if (local and name not in ('127.0.0.1', 'localhost', '::1')) or (
            origin is not None and origin != f'http://{host}'
        ):
            self._fail(HTTPStatus.FORBIDDEN, 'the request comes from another page')
            return False
        return True

    def _fail(self, status: HTTPStatus, message: str) -> None:
        self.close_connection = True
        self._send(status, json.dumps({'error': message}).encode(), _TYPES['json'])

    def _send(
        self, status: HTTPStatus, content: bytes, kind: str, policy: str | None = None
    ) -> None:
        self.send_response(status)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(content)))
        self.send_header('Cache-Control', 'no-store')
        self.send_header('X-Content-Type-Options', 'nosniff')
        self.send_header('Referrer-Policy', 'no-referrer')
        if policy:
            self.send_header('Content-Security-Policy', policy)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing of single requests."""


def _as_bytes(content: object) -> bytes:
    """What a run made as the bytes of a file."""
    if isinstance(content, bytes | bytearray | memoryview):
        return bytes(content)
    if isinstance(content, str):
        return content.encode()
    return json.dumps(content).encode()
