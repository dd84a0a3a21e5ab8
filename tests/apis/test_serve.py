import http.client
import io
import json
import re
import socket
import threading
import time
import urllib.error
import urllib.request

import cv2
import numpy as np
import pytest
from PIL import Image

from mmhand.apis import HandInferencer
from mmhand.apis.command import page_runner
from mmhand.apis.serve import HandServer, decode_picture
from mmhand.utils.errors import HandConfigError, HandDataError


def run(image):
    if image[0, 0, 0] > 250:
        raise HandDataError('too bright to see a hand')
    if image[0, 0, 0] < 5:
        raise RuntimeError('secret of the machine')
    return dict(html='<p>é</p>', json={'size': list(image.shape)}, glb=b'glTF')


@pytest.fixture
def server():
    with HandServer(run, port=0, max_bytes=100_000, keep=2) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(5)


def picture(value=100, size=(20, 30)):
    return cv2.imencode('.png', np.full((*size, 3), value, np.uint8))[1].tobytes()


def ask(server, path='/', data=None, **headers):
    """Status, answer and its headers."""
    request = urllib.request.Request(
        server.address.rstrip('/') + path, data, headers={k.title(): v for k, v in headers.items()}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.status, reply.read(), reply.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers


def test_a_picture_goes_in_and_files_come_out(server):
    status, page, headers = ask(server)
    assert status == 200
    assert b'Drop a picture' in page
    assert "default-src 'none'" in headers['Content-Security-Policy']
    assert b'http' not in page, 'the page asks nothing of the network'
    status, answer, _ = ask(server, '/picture', picture())
    assert status == 200
    links = json.loads(answer)
    assert sorted(links) == ['glb', 'html', 'json']
    assert json.loads(ask(server, links['json'])[1]) == {'size': [20, 30, 3]}
    assert ask(server, links['glb'])[1] == b'glTF'
    status, page, headers = ask(server, links['html'])
    assert page.decode() == '<p>é</p>'
    assert headers['Content-Type'].startswith('text/html')


def test_only_this_machine_is_served(server):
    assert server.server_address[0] == '127.0.0.1'
    assert ask(server, host='evil.example')[0] == 403, 'a foreign name that resolves to here'
    assert ask(server, '/picture', picture(), origin='http://evil.example')[0] == 403
    assert ask(server, '/picture', picture(), origin=server.address.rstrip('/'))[0] == 200


def test_old_results_go(server):
    links = [json.loads(ask(server, '/picture', picture())[1])['json'] for _ in range(3)]
    assert [ask(server, link)[0] for link in links] == [404, 200, 200]


@pytest.mark.parametrize(
    'path',
    ['/../setup.py', '/assets/serve.html', '/result/../../hands.json', '/result/x/hands.html',
     '/%2e%2e/%2e%2e/etc/passwd', '//etc/passwd', '/result/x/hands.exe', '/favicon.ico'],
)  # fmt: skip
def test_paths_name_no_file(server, path):
    connection = http.client.HTTPConnection(*server.server_address, timeout=10)
    connection.request('GET', path)
    reply = connection.getresponse()
    assert reply.status == 404
    assert 'error' in json.loads(reply.read())
    connection.close()


@pytest.mark.parametrize(
    ('data', 'status', 'words'),
    [
        (b'not a picture', 422, 'not a picture'),
        (picture()[:40], 422, 'not a picture'),
        (b'', 422, 'not a picture'),
        (bytes(100_001), 413, 'larger than 0.1 MB'),
        (picture(255), 422, 'too bright'),
        (picture(0), 500, 'could not be worked on'),
    ],
)
def test_mistakes_are_said(server, data, status, words):
    got, answer, _ = ask(server, '/picture', data)
    assert got == status
    assert words in json.loads(answer)['error']
    assert b'secret' not in answer
    assert ask(server, '/picture', picture())[0] == 200, 'and the server goes on'


def test_pictures_are_worked_on_one_at_a_time(server):
    busy, most = [], []

    def slow(image):
        busy.append(1)
        most.append(len(busy))
        time.sleep(0.05)
        busy.pop()
        return dict(json={})

    server.run = slow
    threads = [threading.Thread(target=ask, args=(server, '/picture', picture())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert most == [1, 1, 1, 1]


def test_a_taken_port_is_said(server):
    with pytest.raises(HandConfigError, match='--port'):
        HandServer(run, port=server.server_address[1])
    with pytest.raises(HandConfigError, match='--port'):
        HandServer(run, port=70000)


def test_pictures_of_too_many_pixels_are_refused(monkeypatch):
    monkeypatch.setattr('mmhand.apis.serve._MAX_PIXELS', 3000)
    assert decode_picture(picture()).shape == (20, 30, 3)
    with pytest.raises(HandDataError, match='80 x 80 pixels'):
        decode_picture(picture(size=(80, 80)))


@pytest.mark.parametrize(
    ('kind', 'status'),
    [
        ('image/png', 200),
        ('application/octet-stream', 200),
        ('application/x-www-form-urlencoded', 200),
        ('multipart/form-data; boundary=x', 415),
        ('application/json', 415),
        ('text/html', 415),
    ],
)
def test_only_bare_pictures_are_taken(server, kind, status):
    got, answer, _ = ask(server, '/picture', picture(), **{'content-type': kind})
    assert got == status
    if status == 415:
        assert 'send the picture itself' in json.loads(answer)['error']


def encoded(mode, kind, **options):
    file = io.BytesIO()
    Image.new(mode, (30, 20), 100 if mode in ('L', 'I;16') else None).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ('mode', 'kind'),
    [('CMYK', 'JPEG'), ('RGBA', 'WEBP'), ('P', 'GIF'), ('LA', 'PNG'), ('I;16', 'PNG')],
)
def test_whatever_the_command_reads_can_be_dropped(server, mode, kind):
    status, answer, _ = ask(server, '/picture', encoded(mode, kind))
    # Black and white ones are what run() above complains of: they were decoded.
    assert status in (200, 422, 500)
    assert b'not a picture' not in answer
    assert decode_picture(encoded(mode, kind)).shape == (20, 30, 3)


def test_an_upload_that_breaks_off_is_let_go(server):
    with socket.create_connection(server.server_address, timeout=10) as line:
        line.sendall(b'POST /picture HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n'
                     b'Content-Type: image/png\r\n\r\nshort')  # fmt: skip
        line.shutdown(socket.SHUT_WR)
        assert b' 400 ' in line.recv(4096).splitlines()[0]
    connection = http.client.HTTPConnection(*server.server_address, timeout=10)
    connection.putrequest('POST', '/picture')
    connection.putheader('Content-Type', 'image/png')
    connection.endheaders()
    assert connection.getresponse().status == 411
    connection.close()
    assert ask(server, '/picture', picture())[0] == 200


def test_the_command_serves_the_open_method(realdata):
    """What ``mmhand --serve`` puts behind the page, on a picture with a hand and on one without."""
    inferencer = HandInferencer()
    with HandServer(page_runner(inferencer), port=0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            photo = (realdata / 'onehand10k' / '1402.jpg').read_bytes()
            request = urllib.request.Request(
                server.address + 'picture', photo, {'Content-Type': 'image/jpeg'}
            )
            with urllib.request.urlopen(request, timeout=120) as reply:
                links = json.loads(reply.read())
            (hand,) = json.loads(ask(server, links['json'])[1])['hands']
            assert hand['side'] == 'right'
            assert ask(server, links['glb'])[1][:4] == b'glTF'
            page = ask(server, links['html'])[1]
            assert b'<html' in page
            assert re.search(rb'(src|href)="https?://', page) is None
            status, answer, _ = ask(server, '/picture', picture(128, (60, 80)))
            assert status == 200
            assert json.loads(ask(server, json.loads(answer)['json'])[1])['hands'] == []
        finally:
            server.shutdown()
            thread.join(5)
