"""A few spoilt files of every kind; ``make fuzz`` goes on for ten minutes."""

import sys
from pathlib import Path

import pytest

#: Cases a reader.
CASES = 4


@pytest.fixture(scope='module')
def tools():
    sys.path.insert(0, str(Path(__file__).parent))
    import fuzz_corpus
    import fuzz_run

    yield fuzz_corpus, fuzz_run
    sys.path.remove(str(Path(__file__).parent))


def test_spoilt_files_are_read_or_refused_in_one_line(tools, tmp_path):
    corpus, run = tools
    seeds = corpus.make_corpus(tmp_path / 'corpus')
    assert len(seeds) == 16
    counts, wrong = run.fuzz(seeds, range(CASES), tmp_path / 'scratch')
    assert not wrong, '\n\n'.join(wrong)
    assert counts['refused'] > CASES * len(seeds) / 3
    assert counts['read'] > 0


def test_what_goes_wrong_is_seen(tools, tmp_path):
    """The runner itself: crashes, tracebacks, memory, endless work."""
    corpus, run = tools
    (tmp_path / 'a.txt').write_text('1 2 3')

    def outcome(read):
        seed = corpus.Seed('x', tmp_path, [tmp_path / 'a.txt'], read)
        return run.run_case(seed, 0, tmp_path / 'scratch')[0]

    import os

    assert outcome(lambda scratch: None) == 'read'
    assert outcome(lambda scratch: os.abort()) == 'died of signal 6'
    assert 'ZeroDivisionError' in outcome(lambda scratch: 1 / 0)
    assert outcome(lambda scratch: bytearray(3 << 30)).startswith('memory')
    assert (tmp_path / 'a.txt').read_text() == '1 2 3'
