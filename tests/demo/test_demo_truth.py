import numpy as np
import pytest

from hark.audio.synth.scene import Event
from hark.demo.page import rows_of
from hark.demo.truth import heard_s


def random_events(rng):
    starts = rng.integers(0, 100, rng.integers(0, 6)) / 10
    return [Event(str(rng.choice(["dog", "cat"])), s, s + rng.integers(1, 60) / 10) for s in starts]


def test_heard_seconds_equal_a_count_of_tenths():
    rng = np.random.default_rng(0)
    tenths = (np.arange(200) + 0.5) / 10  # the middle of each tenth of a second; all times are whole tenths
    for _ in range(300):
        events, start_s = random_events(rng), rng.integers(0, 120) / 10
        end_s = start_s + rng.integers(1, 50) / 10
        kinds = {"dog", "cat"} if rng.random() < 0.3 else {"dog"}
        inside = (tenths > start_s) & (tenths < end_s)
        sounds = np.zeros(200, bool)
        for event in events:
            if event.label in kinds:
                sounds |= (tenths > event.start_s) & (tenths < event.end_s)
        assert heard_s(start_s, end_s, events=events, kinds=kinds) == pytest.approx((inside & sounds).sum() / 10)


def test_rows_hold_no_two_events_at_once_and_are_as_few_as_can_be():
    rng = np.random.default_rng(1)
    tenths = (np.arange(200) + 0.5) / 10
    for _ in range(200):
        events = random_events(rng)
        rows = rows_of(events)
        heard = np.zeros((max(rows, default=0) + 1, 200), int)
        for event, row in zip(events, rows, strict=True):
            heard[row] += (tenths > event.start_s) & (tenths < event.end_s)
        assert heard.max() <= 1
        if events:
            assert len(heard) == heard.sum(axis=0).max()  # an interval graph is perfect
