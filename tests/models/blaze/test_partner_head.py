"""The head that guesses a hand's partner."""

import cv2
import numpy as np
import torch

from mmhand.apis.finding.hand_reader import HandReader, HandReadings
from mmhand.apis.finding.partner_search import PartnerSearch
from mmhand.apis.finding.turned_crops import Picture
from mmhand.models.blaze import BlazeHand


def test_guesses_of_a_mirrored_picture_are_mirrored():
    network = BlazeHand().eval()

    def run(batch):
        with torch.no_grad():
            return tuple(each.numpy() for each in network.network_and_maps(torch.from_numpy(batch)))

    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 255, (6, 6, 3)).astype(np.uint8)
    image = cv2.resize(coarse, (240, 240), interpolation=cv2.INTER_CUBIC)
    # Five fingers like a fan above the wrist.
    turns = np.linspace(-0.6, 0.4, 5)[:, None]
    reach = np.array([30.0, 50, 62, 74])
    fan = np.stack((np.sin(turns) * reach, -np.cos(turns) * reach), -1).reshape(20, 2)
    points = np.concatenate((np.zeros((1, 2)), fan))[None] + (125, 160)
    flipped = np.stack((239 - points[..., 0], points[..., 1]), -1)
    search = PartnerSearch(HandReader(run))
    found = [
        search.guess(
            [Picture(np.ascontiguousarray(picture))],
            HandReadings(
                np.zeros(1, int), np.zeros((1, 4)), hand, np.zeros((1, 21, 3)), np.ones(1), right
            ),
        )
        for picture, hand, right in (
            (image, points, np.ones(1)),
            (image[:, ::-1], flipped, np.zeros(1)),
        )
    ]
    (places, chance), (mirrored, same) = found
    # Crops of even size have their middle between pixels.
    np.testing.assert_allclose(239 - mirrored[..., 0], places[..., 0], atol=8)
    np.testing.assert_allclose(mirrored[..., 1], places[..., 1], atol=8)
    np.testing.assert_allclose(same, chance, atol=0.05)
    assert np.ptp(places[0], axis=0).min() > 1
