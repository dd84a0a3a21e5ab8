"""What is told of picture files before anything large is imported."""

import pytest

from mmhand.apis.picture_reading import picture_from_bytes
from mmhand.utils.errors import HandFileError
from mmhand.utils.picture_names import check_inputs, foreign_kind, pictures_in

FILES = {
    'a.pdf': (b'%PDF-1.7 and more', 'a PDF; save the page as PNG or JPEG'),
    'b.heic': (b'\0\0\0\x24ftypheic\0\0\0\0mif1heic', 'HEIC, which is not read; save it as JPEG'),
    'c.jpg': (b'<!DOCTYPE html>', 'a web page; download the picture itself'),
    'd.png': (b'', 'empty; copy or download it again'),
    'e.jpg': (b'version https://git-lfs.github.com/spec/v1', 'a pointer of Git LFS'),
}


@pytest.mark.parametrize('name', FILES)
def test_what_is_no_picture_is_called_by_its_name(name, tmp_path):
    content, words = FILES[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(HandFileError, match=f'{name} cannot be read as a picture: it is {words}'):
        check_inputs([str(tmp_path / name)])
    # The reader of pictures says the same of one among others.
    with pytest.raises(HandFileError, match=f'{name} cannot be read as a picture: it is {words}'):
        picture_from_bytes(content, name)


def test_pictures_are_not_refused(realdata):
    for path in [*realdata.rglob('*.jpg')][:20]:
        assert foreign_kind(path.read_bytes()[:64]) is None


def test_one_among_others_is_left_for_later(tmp_path):
    for name, (content, _) in FILES.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / 'good.jpg').write_bytes(b'\xff\xd8\xff\xe0')
    (tmp_path / 'film.mp4').write_bytes(b'')
    names = [str(tmp_path / name) for name in FILES]
    check_inputs([*names, str(tmp_path / 'good.jpg')])
    check_inputs([str(tmp_path / 'film.mp4')])
    with pytest.raises(HandFileError, match=r'a PDF; .* \(and 4 more like it'):
        check_inputs(names)


def test_a_folder_says_what_it_holds_instead(tmp_path):
    for name in ('a.HEIC', 'b.heic', 'notes'):
        (tmp_path / name).write_bytes(b'')
    with pytest.raises(
        HandFileError, match=r'holds no picture \(\.bmp, .*; there are \.heic, notes$'
    ):
        pictures_in(tmp_path)
    (tmp_path / 'c.JPG').write_bytes(b'')
    assert [path.name for path in pictures_in(tmp_path)] == ['c.JPG']


def test_a_folder_that_may_not_be_read(tmp_path):
    (tmp_path / 'file').write_bytes(b'')
    with pytest.raises(HandFileError, match='cannot be looked into: Not a directory'):
        pictures_in(tmp_path / 'file')
