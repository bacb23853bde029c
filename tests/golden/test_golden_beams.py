"""The beam search of MS-CLAP's captioner against the original: `cap_beam_*` and `cap_stop_id`."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from test_golden_msclap import captioner, decoder, g, mapper

from hark.caption import gpt2
from hark.caption.beam import beam
from hark.caption.captions import Captions

pytestmark = pytest.mark.golden

__all__ = ["captioner", "decoder", "g", "mapper"]  # fixtures

STEPPERS = {"cached": gpt2.Cached, "afresh": gpt2.afresh}


def search(g: Any, stepper: Any, *, stop: int | None) -> Captions:
    """The original's search: what has ended stays, compared by the average of its words' log-probabilities."""
    beams, steps = map(
        int, re.findall(r"beam_size=(\d+), entry_length=(\d+)", g.about["arrays"]["cap_beam_ids"]["what"])[0]
    )
    return beam(stepper, stop=stop, beams=beams, steps=steps, power=1.0, finished="stay")


@pytest.mark.parametrize("name", STEPPERS)
def test_the_beams_are_the_originals(g: Any, mapper: Any, decoder: Any, name: str) -> None:
    stop = int(g["cap_stop_id"])
    wanted = [[[word for word in row if word >= 0] for row in rows] for rows in g["cap_beam_ids"].tolist()]
    prefix = mapper(g.tensor("cap_prefix_in"))
    found = search(g, STEPPERS[name](decoder, prefix), stop=stop)
    assert found.lists() == wanted
    behind = torch.arange(found.tokens.shape[-1]) >= found.lengths[..., None]
    assert not found.tokens[behind].any()  # what has ended goes on with word 0, for nothing
    assert not found.log_probabilities[behind].any()
    for clip in range(len(prefix)):
        alone = search(g, STEPPERS[name](decoder, prefix[clip : clip + 1]), stop=stop)
        assert alone.lists() == wanted[clip : clip + 1]


def test_the_second_beam_where_nothing_stops(g: Any, mapper: Any, decoder: Any) -> None:
    name = next(name for name in g.arrays if name.startswith("cap_beam_free_second_"))
    row = int(re.findall(r"of prefix (\d+)", g.what(name))[0])
    prefix = mapper(g.tensor("cap_prefix_in")[row : row + 1])
    found = search(g, gpt2.Cached(decoder, prefix), stop=None)
    assert found.lists()[0][1] == g[name].tolist()
