"""Synthesised sounds: laws that hold for all, and facts of physics for some."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.random import default_rng

from hark.audio.synth import scene, signals, weather
from hark.audio.synth.catalogue import KINDS
from hark.audio.synth.craft import band, colour, hump, modes, noise, tone
from hark.audio.synth.kind import PEAK, RMS

RATE_HZ = 16000


def draw(label, seed=0, duration_s=3.0, rate_hz=RATE_HZ):
    return KINDS[label].render(default_rng(seed), rate_hz, duration_s=duration_s)


def power(wave):
    """Frequencies in Hz and the power at them."""
    return np.fft.rfftfreq(wave.size, 1 / RATE_HZ), np.abs(np.fft.rfft(wave)) ** 2


def share(label, low_hz, high_hz, seed=0):
    """The part of a sound's energy between two frequencies."""
    hz, energy = power(draw(label, seed))
    return energy[(hz >= low_hz) & (hz < high_hz)].sum() / energy.sum()


def centroid_hz(label, seed=0):
    hz, energy = power(draw(label, seed))
    return (hz * energy).sum() / energy.sum()


def flatness(label, seed=0):
    """Geometric over arithmetic mean of the power in 100 to 7,000 Hz: 1 is white, 0 a sine."""
    hz, energy = power(draw(label, seed))
    energy = energy[(hz > 100) & (hz < 7000)] + 1e-12
    return np.exp(np.log(energy).mean()) / energy.mean()


def loudness(wave, frame=160):
    """The RMS of each 10 ms."""
    return np.sqrt((wave[: wave.size // frame * frame].reshape(-1, frame) ** 2).mean(1))


def period_s(curve, rate_hz, low_s, high_s):
    """The lag of the largest autocorrelation between two lags."""
    curve = curve - curve.mean()
    lags = np.correlate(curve, curve, "full")[curve.size - 1 :]
    low, high = int(low_s * rate_hz), int(high_s * rate_hz)
    return (low + np.argmax(lags[low:high])) / rate_hz


@pytest.mark.parametrize("label", KINDS)
def test_every_kind_is_a_clean_sound_of_the_length_asked_for(label):
    for seed, duration_s, rate_hz in ((0, 3.0, 16000), (1, 0.3, 16000), (2, 1.37, 44100)):
        wave = draw(label, seed, duration_s, rate_hz)
        assert wave.dtype == np.float32
        assert wave.shape == (round(duration_s * rate_hz),)
        assert np.isfinite(wave).all()
        assert wave[0] == wave[-1] == 0
        edge = rate_hz // 1000
        assert max(np.abs(wave[:edge]).max(), np.abs(wave[-edge:]).max()) < 0.1 * PEAK  # the ends do not click
        rms, peak = np.sqrt((wave.astype(np.float64) ** 2).mean()), np.abs(wave).max()
        assert peak <= PEAK + 1e-6
        assert rms == pytest.approx(RMS, rel=1e-3) or (rms < RMS and peak == pytest.approx(PEAK, rel=1e-3))


@pytest.mark.parametrize("label", KINDS)
def test_the_generator_decides_the_sound(label):
    np.testing.assert_array_equal(draw(label, 5), draw(label, 5))
    assert not np.array_equal(draw(label, 5), draw(label, 6))


def test_what_is_said_of_the_kinds():
    assert len(KINDS) >= 22
    said = [text for kind in KINDS.values() for text in kind.captions]
    assert len(said) == len(set(said)), "two kinds share a caption"
    for label, kind in KINDS.items():
        assert kind.label == label
        assert len(kind.sentences) >= 2
        assert len(kind.nouns) >= 2
        assert len(kind.captions) >= 4
        for text in kind.captions:
            assert text == text.strip()
            assert text[-1] != "."
            assert text[0].islower()


@pytest.mark.parametrize(
    ("label", "low_hz", "high_hz"),
    [
        ("crickets", 3800, 5400),
        ("chirping birds", 1800, 6000),
        ("alarm beep", 1800, 7200),
        ("heartbeat", 20, 200),
        ("thunder", 20, 400),
        ("owl hoot", 250, 1500),
        ("whistling", 700, 3000),
        ("cow moo", 80, 1500),
    ],
)
def test_the_energy_lies_where_it_does_in_nature(label, low_hz, high_hz):
    assert min(share(label, low_hz, high_hz, seed) for seed in range(5)) > 0.9


def test_tonal_sounds_are_tonal_and_noises_flat():
    tonal, flat = ("church bell", "doorbell", "owl hoot", "siren"), ("rain", "vacuum cleaner", "hand saw")
    for seed in range(3):
        assert max(flatness(label, seed) for label in tonal) < 0.2 * min(flatness(label, seed) for label in flat)


def test_the_pitch_of_a_siren_moves_and_that_of_an_alarm_does_not():
    def pitches(label, seed):
        wave = draw(label, seed)
        frames = wave[: wave.size // 800 * 800].reshape(-1, 800)
        loud = frames[np.abs(frames).max(1) > 0.5 * np.abs(wave).max()] * np.hanning(800)
        found = np.argmax(np.abs(np.fft.rfft(loud, 4096)), axis=1) * RATE_HZ / 4096
        return np.percentile(found, 90) / np.percentile(found, 10)

    for seed in range(5):
        assert pitches("siren", seed) > 1.25
        assert pitches("alarm beep", seed) < 1.05


@pytest.mark.parametrize("asked_s", [0.31, 0.5, 0.93])
def test_a_clock_ticks_with_its_period(asked_s):
    wave = signals.clock(default_rng(3), RATE_HZ, duration_s=8.0, period_s=asked_s)
    assert period_s(loudness(wave, 80), 200, 0.2, 1.2) == pytest.approx(asked_s, abs=0.01)


@pytest.mark.parametrize("asked_s", [0.4, 0.7])
def test_a_siren_sweeps_with_its_period(asked_s):
    wave = signals.siren(default_rng(1), RATE_HZ, duration_s=6.0, period_s=asked_s)
    frames = wave[: wave.size // 320 * 320].reshape(-1, 320) * np.hanning(320)
    pitch = np.argmax(np.abs(np.fft.rfft(frames, 2048)), axis=1).astype(float)
    assert period_s(pitch, 50, 0.2, 1.0) == pytest.approx(asked_s, abs=0.03)


def test_steady_sounds_are_steady_and_struck_ones_are_not():
    def evenness(label):
        levels = loudness(draw(label))
        return np.median(levels) / levels.max()

    assert min(evenness(label) for label in ("rain", "vacuum cleaner", "stream")) > 0.25
    assert max(evenness(label) for label in ("door knock", "clock tick", "footsteps")) < 0.1


def test_an_explosion_dies_away_and_an_airplane_comes_and_goes():
    blast, plane = loudness(draw("explosion")), loudness(draw("airplane"))
    third = blast.size // 3
    assert blast[:third].mean() > 3 * blast[-third:].mean()
    assert plane[third:-third].mean() > 1.5 * max(plane[:third].mean(), plane[-third:].mean())


def test_bands_tell_the_kinds_apart():
    """A nearest-centroid classifier on 24 band energies and their swing knows unheard clips far beyond chance."""

    def statistics(wave):
        frames = wave[: wave.size // 512 * 512].reshape(-1, 512) * np.hanning(512)
        energy = np.abs(np.fft.rfft(frames)) ** 2
        edges = np.unique(np.geomspace(1, 257, 25).astype(int))
        bands = np.add.reduceat(energy, edges[:-1], axis=1)
        levels = np.log(bands.mean(0) / bands.mean() + 1e-4)
        swing = np.log(bands.std(0) / (bands.mean(0) + 1e-9) + 0.1)
        return np.concatenate((levels, swing))

    heard = np.array([[statistics(draw(k, s, 2.0)) for s in range(6)] for k in KINDS])  # (kinds, clips, statistics)
    fresh = np.array([[statistics(draw(k, s, 2.0)) for s in range(6, 9)] for k in KINDS])
    spread = heard.std(axis=(0, 1))
    centroids = heard.mean(1) / spread
    distances = np.linalg.norm(fresh[:, :, None] / spread - centroids, axis=-1)
    right = (distances.argmin(-1) == np.arange(len(KINDS))[:, None]).mean()
    assert right > 0.8, f"{right:.2f}; chance is {1 / len(KINDS):.3f}"


def test_a_tone_is_the_sum_of_its_sines():
    time = np.arange(1, 4001) / RATE_HZ
    expected = sum(a * np.sin(2 * np.pi * 440 * k * time) for k, a in enumerate((1, 0.5, 0.25), start=1))
    found = tone(np.full(4000, 440.0), rate_hz=RATE_HZ, partials=(1, 0.5, 0.25))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_partials_beyond_the_rate_are_left_out():
    found = tone(np.full(RATE_HZ, 3000.0), rate_hz=RATE_HZ, partials=(1, 1, 1, 1))
    hz, energy = power(found)
    heard = hz[energy > energy.max() * 1e-3]
    assert set(heard) == {3000.0, 6000.0}


def test_shaped_noise_has_the_spectrum_asked_for():
    hz, energy = power(noise(default_rng(0), RATE_HZ * 4, rate_hz=RATE_HZ, gain=band(500, 1000, order=4)))
    inside = energy[(hz > 600) & (hz < 900)].mean()
    octave_up = energy[(hz > 1990) & (hz < 2010)].mean()
    assert 10 * np.log10(inside / octave_up) == pytest.approx(24, abs=2.5)  # 6 dB an octave and order


def test_filtering_does_not_delay():
    pulse = np.zeros(4000)
    pulse[1000] = 1
    assert np.argmax(colour(pulse, rate_hz=RATE_HZ, gain=band(200, 2000))) == 1000


def test_a_mode_falls_to_1_over_e_in_its_time():
    sound = modes(RATE_HZ, rate_hz=RATE_HZ, partials=[(1000.0, 0.1, 1.0)])
    levels = loudness(sound)
    assert levels[20] / levels[10] == pytest.approx(np.exp(-1), rel=1e-3)


def test_a_hump_starts_and_ends_near_nothing():
    shape = hump(1000)
    assert shape.max() == pytest.approx(1)
    assert max(shape[0], shape[-1]) < 1e-4


@pytest.mark.parametrize("layout", scene.LAYOUTS)
def test_a_scene_tells_its_events_in_their_places(layout):
    for seed in range(4):
        made = scene.compose(default_rng(seed), RATE_HZ, duration_s=4.0, kinds=list(KINDS.values()), layout=layout)
        spans = [(event.start_s, event.end_s) for event in made.events]
        assert made.wave.shape == (4 * RATE_HZ,)
        assert np.isfinite(made.wave).all()
        assert np.abs(made.wave).max() <= PEAK + 1e-6
        assert all(0 <= start < end <= 4 for start, end in spans)
        assert len({event.label for event in made.events}) == len(spans) == len(scene.LAYOUTS[layout])
        if layout == "overlap":
            assert spans[0][0] < spans[1][1]
        else:
            assert all(before[1] < after[0] for before, after in pairwise(spans))
        for caption in made.captions:
            assert "{" not in caption
            places = [  # each event is named in every caption, in one of its own wordings
                next(
                    (caption.index(t) for t in sorted(KINDS[e.label].captions, key=len, reverse=True) if t in caption),
                    -1,
                )
                for e in made.events
            ]
            assert min(places) >= 0, caption
            if layout in ("sequence", "three"):
                assert places == sorted(places), caption


def test_a_scene_is_loud_within_its_events_and_faint_outside():
    for seed in range(6):
        made = scene.compose(default_rng(seed), RATE_HZ, duration_s=5.0, kinds=[KINDS["rain"], KINDS["siren"]])
        levels = loudness(made.wave)
        at_s = (np.arange(levels.size) + 0.5) / 100
        inside = [(at_s > event.start_s) & (at_s < event.end_s) for event in made.events]
        outside = np.all([(at_s < e.start_s - 0.02) | (at_s > e.end_s + 0.02) for e in made.events], axis=0)
        for within in inside:
            assert 20 * np.log10(np.median(levels[within]) / np.median(levels[outside])) > 20


def test_a_scene_of_one_kind_has_one_event():
    made = scene.compose(default_rng(0), RATE_HZ, duration_s=2.0, kinds=[KINDS["rain"]])
    assert [event.label for event in made.events] == ["rain"]


def test_kinds_are_pure_functions_of_the_generator():
    """Drawing one sound does not change the next of another generator."""
    first = weather.drops(default_rng(1), RATE_HZ, duration_s=1.0)
    weather.drops(default_rng(2), RATE_HZ, duration_s=1.0)
    np.testing.assert_array_equal(weather.drops(default_rng(1), RATE_HZ, duration_s=1.0), first)
