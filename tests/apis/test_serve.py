import http.client
import json
import threading
import time
import urllib.error
import urllib.request

import cv2
import numpy as np
import pytest

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
    with pytest.raises(HandDataError, match='pixels'):
        decode_picture(picture(size=(80, 80)))
