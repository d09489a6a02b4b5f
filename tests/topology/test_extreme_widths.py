"""The least and the most channels that betas from a set can give a block."""

import dataclasses

import numpy as np

from keras_effspine.topology.eff_spinenet import SPEC


def test_they_are_those_of_the_betas_that_favour_a_block_most_and_least():
    choices = (1, 5, 10, 15, 20)
    least, most = SPEC.extreme_widths(choices, 0.4)
    for block in (0, 4, 10, 17):
        for own, others, found in ((20, 1, most), (1, 20, least)):
            betas = tuple(own if other == block else others for other in range(18))
            assert dataclasses.replace(SPEC, betas=betas).widths(0.4)[block] == found[block]


def test_no_betas_of_the_set_go_beyond_them():
    random = np.random.default_rng(0)
    least, most = SPEC.extreme_widths((1, 20))
    for _ in range(300):
        betas = tuple(random.choice([1, 20], 18).tolist())
        widths = np.array(dataclasses.replace(SPEC, betas=betas).widths())
        assert (widths >= least).all() and (widths <= most).all()
