"""A page about a calibrated hand that the person whose hand it is understands."""

from collections.abc import Sequence

import cv2
import numpy as np

from mmhand.renderers import render_views
from mmhand.visualization import HtmlReport
from mmhand.visualization.draw import SIDE_COLOURS, SIDE_NAMES
from mmhand.visualization.shape_plots import plot_shape_curves

from .personalize import PersonalHand, Sighting

#: Pictures that the page shows.
_SHOWN = 12

#: Height of the pictures, pixels.
_HEIGHT = 240


def person_report(
    hand: PersonalHand,
    pictures: Sequence[str],
    drawn: Sequence[np.ndarray],
    weights: str,
    title: str = 'Your hand',
) -> HtmlReport:
    """Make the page.

    Args:
        hand: the result.
        pictures: names of all pictures.
        drawn: what was found in each, (H, W, 3) uint8 RGB.
        weights: where the network's weights are from.
        title: of the page.
    """
    count = len(hand.used)
    seen = len({hand.sightings[row].picture for row in hand.used})
    report = HtmlReport(title, f'Measured in {seen} of {len(pictures)} pictures.')
    report.section('The result')
    report.text(_size_sentence(hand))
    report.text(_sure_sentence(hand))
    if weights == 'untrained':
        report.text('The network is untrained: none of these numbers means anything.')
    report.facts(
        {
            'hand length, wrist to tip of the middle finger': _length(*hand.length),
            'breadth across the knuckles': _length(*hand.breadth),
            'how much the hand would change with other pictures of the kind': (
                f'{hand.uncertainty[0]:.1f} mm, in one case of twenty over '
                f'{hand.uncertainty[1]:.1f} mm'
            ),
            'pictures with a hand': len({s.picture for s in hand.sightings}),
            'hands used': f'{count} of {len(hand.sightings)} ({_STRATEGY_WORDS[hand.strategy]})',
            'hand model': type(hand.hand_model).__name__,
            'weights of the network': weights,
        }
    )
    report.pictures(
        {'The hand at rest: from the front, from the side and from above': _views(hand)}
    )
    report.section('Did more pictures help?')
    report.text(
        'How far a hand made of fewer of these pictures is from the result, on average over random '
        'choices. Where the line is flat, more pictures of the kind will change little.'
    )
    figure = plot_shape_curves({'': hand.curve}, ylabel='mean distance from the result, mm')
    report.plots({'Distance from the result by number of pictures': figure})
    report.section('Which pictures were used')
    used = set(hand.used.tolist())
    order = sorted(range(len(hand.sightings)), key=lambda row: hand.distances[row])
    report.table(
        ('picture', 'hand', 'used', 'distance from the result, mm', 'confidence', 'note'),
        [_row(hand, row, pictures, row in used) for row in order],
    )
    odd = [pictures[hand.sightings[row].picture] for row in np.flatnonzero(hand.odd)]
    if odd:
        report.text(
            f'{len(odd)} hand(s) look unlike the others and were left out: {", ".join(odd[:5])}. They '
            'may be of another person, or badly seen.'
        )
    empty = sorted(set(range(len(pictures))) - {s.picture for s in hand.sightings})
    if empty:
        names = ', '.join(pictures[index] for index in empty[:5])
        report.text(f'No hand was found in {len(empty)} picture(s), such as {names}.')
    shown = list(dict.fromkeys(hand.sightings[row].picture for row in hand.used))[:_SHOWN]
    report.pictures({pictures[index]: shrunk(drawn[index]) for index in shown})
    return report


_STRATEGY_WORDS = {
    'all': 'all alike',
    'first': 'the first ones',
    'random': 'chosen at random',
    'top': 'the most confident ones',
    'softmax': 'all, the more confident ones weigh more',
}


def _length(person: float, mean: float) -> str:
    return f'{person / 10:.1f} cm (the average hand of this model: {mean / 10:.1f} cm)'


def _size_sentence(hand: PersonalHand) -> str:
    share = hand.length[0] / hand.length[1] - 1
    size = 'about as long as' if abs(share) < 0.01 else f'{abs(share):.0%} '
    size += '' if abs(share) < 0.01 else ('longer than' if share > 0 else 'shorter than')
    return (
        f'The hand is {hand.length[0] / 10:.1f} cm long, {size} the average hand of the model. '
        'Pictures alone do not tell how large a thing is: sizes are what the network takes for likely, '
        'and what sets a hand apart from the average one comes out smaller than it is.'
    )


def _sure_sentence(hand: PersonalHand) -> str:
    middle, high = hand.uncertainty
    if len(hand.used) < 3:
        return (
            f'Only {len(hand.used)} hand(s) could be used, too few to tell how sure this is. '
            'Ten to twenty pictures in different poses are a good number.'
        )
    return (
        f'With other pictures of the same kind the surface would move by about {middle:.1f} mm '
        f'(seldom over {high:.1f} mm). A mistake that the network makes in all pictures alike does not '
        'show in this number.'
    )


def _row(hand: PersonalHand, row: int, pictures: Sequence[str], used: bool) -> list[object]:
    sighting: Sighting = hand.sightings[row]
    confidence = float(sighting.confidence)
    return [
        pictures[sighting.picture],
        SIDE_NAMES[sighting.side],
        'yes' if used else 'no',
        round(float(hand.distances[row]), 1),
        round(confidence, 3) if np.isfinite(confidence) else None,
        'left out: unlike the others' if hand.odd[row] else '',
    ]


def _views(hand: PersonalHand) -> np.ndarray:
    """The rest mesh from three sides, RGB; fingers up."""
    vertices = hand.rest_vertices()
    faces = hand.hand_model.faces.cpu().numpy()
    # Rest frame: fingers along -x, back of the hand along y. Turned so that fingers point up.
    turned = np.stack([vertices[:, 2], vertices[:, 0], vertices[:, 1]], axis=1)
    colour = tuple(SIDE_COLOURS[0][::-1])
    return render_views([turned], [faces], size=_HEIGHT + 80, colors=[colour])[..., ::-1].copy()


def shrunk(picture: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) no higher than the page shows it, so that many fit into memory."""
    height, width = picture.shape[:2]
    if height <= 2 * _HEIGHT:
        return picture
    size = (round(width * 2 * _HEIGHT / height), 2 * _HEIGHT)
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
