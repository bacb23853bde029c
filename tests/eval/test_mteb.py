"""The adapter speaks mteb's protocol; where mteb is installed, mteb itself evaluates a model through it."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile
from numpy.testing import assert_allclose

from hark.core.errors import DataError, SettingError, SilentSound
from hark.eval.augmented import Augmented
from hark.eval.mteb import Encoder
from hark.text.rewrites.offline import Config

RATE_HZ = 8000
PITCHES_HZ = {"low": 200.0, "middle": 800.0, "high": 3000.0}


class ByPitch:
    """A model that hears which third of the spectrum is loudest, and reads its name."""

    name = "by pitch"
    stamp = "0123456789abcdef"
    dim = 3
    rate_hz = RATE_HZ

    def embed_text(self, texts):
        hits = [[float(name in text) for name in PITCHES_HZ] for text in texts]
        return np.array(hits, dtype=np.float32).reshape(-1, 3)

    def embed_audio(self, sources):
        return np.stack(
            [self._hear(*source) if isinstance(source, tuple) else self._file(source) for source in sources]
        )

    def _file(self, source):
        return self._hear(*soundfile.read(io.BytesIO(source) if isinstance(source, bytes) else source))

    def _hear(self, wave, rate_hz):
        if not np.any(wave):
            raise SilentSound("sound: silent")
        loudest = np.argmax(np.abs(np.fft.rfft(wave))) * rate_hz / len(wave)
        nearest = np.argmin([abs(pitch - loudest) for pitch in PITCHES_HZ.values()])
        return np.eye(3, dtype=np.float32)[nearest]


def tone(name, rate_hz=RATE_HZ, phase=0.0):
    time_s = np.arange(rate_hz // 4) / rate_hz
    return (0.5 * np.sin(2 * np.pi * PITCHES_HZ[name] * time_s + phase)).astype(np.float32)


def wav(name, phase=0.0, rate_hz=RATE_HZ):
    file = io.BytesIO()
    soundfile.write(file, tone(name, rate_hz, phase), rate_hz, format="WAV")
    return file.getvalue()


def heard(*waves, rate_hz=RATE_HZ):
    return [{"audio": [{"array": wave, "sampling_rate": rate_hz} for wave in waves]}]


def test_batches_of_texts_and_of_sounds_give_a_row_each():
    encoder = Encoder(ByPitch())
    texts = encoder.encode([{"text": ["a low tone", "a high tone"]}, {"text": ["middle"]}], task_metadata=None)
    assert_allclose(texts, np.eye(3)[[0, 2, 1]])
    sounds = encoder.encode(heard(tone("high"), tone("low")), hf_split="test", hf_subset="default", prompt_type="query")
    assert_allclose(sounds, np.eye(3)[[2, 0]])
    assert encoder.encode([]).shape == (0, 3)


def test_channels_come_first_and_are_averaged():
    both = np.stack([tone("high"), 0 * tone("high")])
    assert_allclose(Encoder(ByPitch()).encode(heard(both)), np.eye(3)[[2]])


def test_rows_of_both_get_the_unit_vector_of_the_sum():
    batch = heard(tone("low"), tone("high"))[0] | {"text": ["high", "high"]}
    assert_allclose(Encoder(ByPitch()).encode([batch]), [[0.5**0.5, 0, 0.5**0.5], [0, 0, 1]], rtol=1e-6)


def test_silence_has_no_direction():
    encoder = Encoder(ByPitch())
    silent = encoder.encode(heard(np.zeros(800, np.float32), tone("low")))
    assert_allclose(silent, [[0, 0, 0], [1, 0, 0]])
    assert_allclose(encoder.similarity(silent, np.eye(3)), [[0, 0, 0], [1, 0, 0]])


def test_similarity_is_the_cosine():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(4, 3)), rng.normal(size=(5, 3))
    wanted = one @ other.T / np.outer(np.linalg.norm(one, axis=1), np.linalg.norm(other, axis=1))
    encoder = Encoder(ByPitch())
    assert_allclose(encoder.similarity(one, other), wanted)
    assert_allclose(encoder.similarity(one[0], other), wanted[:1])
    assert_allclose(encoder.similarity_pairwise(one, other[:4]), np.diag(wanted))


def test_errors_name_the_row():
    with pytest.raises(DataError, match="rows have image; hark embeds 'audio' and 'text'"):
        Encoder(ByPitch()).encode([{"image": [1]}])
    with pytest.raises(SettingError, match="its stamp is 0123456789abcdef, not the revision main"):
        Encoder(ByPitch(), "main")
    broken = np.full(800, np.nan, np.float32)
    with pytest.raises(DataError, match=r"mteb: the sound of row 1: .*NaN"):
        Encoder("mini").encode(heard(tone("low"), broken))


def test_a_models_name_loads_it_and_any_embedder_will_do():
    encoder = Encoder("hark/mini")
    rows = encoder.encode([{"text": ["a dog barks"]}])
    assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-5)
    helped = Encoder(Augmented(encoder.model, Config().build(), 3)).encode([{"text": ["a dog barks"]}])
    assert 0.3 < float(encoder.similarity(rows, helped)[0, 0]) < 0.9999


@pytest.mark.slow  # importing mteb takes seconds
class TestWithMteb:
    """mteb's own evaluation, of tasks whose sounds lie in its data sets as files."""

    @pytest.fixture
    def mteb(self, monkeypatch, tmp_path):
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        monkeypatch.setenv("MTEB_CACHE", str(tmp_path / "mteb"))
        return pytest.importorskip("mteb")

    @pytest.fixture
    def encoder(self):
        return Encoder(ByPitch())

    def test_it_is_mtebs_encoder(self, mteb, encoder):
        from mteb.models.models_protocols import EncoderProtocol

        assert isinstance(encoder, EncoderProtocol)
        meta = encoder.mteb_model_meta
        assert (meta.name, meta.revision, meta.embed_dim) == ("hark/by_pitch", "0123456789abcdef", 3)
        assert set(meta.modalities) == {"audio", "text"}
        mini = Encoder("mini").mteb_model_meta
        assert mini.n_parameters > 1e6

    def test_the_cosine_is_mtebs(self, mteb, encoder):
        from mteb.similarity_functions import cos_sim

        rng = np.random.default_rng(0)
        one, other = rng.normal(size=(4, 3)), rng.normal(size=(5, 3))
        assert_allclose(encoder.similarity(one, other), cos_sim(one, other), atol=1e-6)

    @pytest.mark.filterwarnings("ignore")
    def test_zeroshot_classification(self, mteb, encoder):
        from datasets import Audio, Dataset, DatasetDict
        from mteb.mocks.mock_tasks import MockAudioZeroshotClassificationTask

        names = [*PITCHES_HZ, *PITCHES_HZ]
        labels = [list(PITCHES_HZ).index(name) for name in names]
        labels[-1] = 0  # one that is wrong

        class Task(MockAudioZeroshotClassificationTask):
            def load_data(self, **_):
                sounds = [{"bytes": wav(name, at), "path": None} for at, name in enumerate(names)]
                rows = Dataset.from_dict({"audio": sounds, "label": labels}).cast_column("audio", Audio())
                self.dataset, self.data_loaded = DatasetDict({"test": rows}), True

            def get_candidate_labels(self):
                return [f"a {name} tone" for name in PITCHES_HZ]

        result = mteb.evaluate(encoder, Task(), cache=None, overwrite_strategy="always")
        assert result.task_results[0].scores["test"][0]["accuracy"] == pytest.approx(5 / 6)
        assert result.model_name == "hark/by_pitch"

    @pytest.mark.filterwarnings("ignore")
    def test_sounds_found_by_texts(self, mteb, encoder):
        from datasets import Audio, Dataset
        from mteb.mocks.mock_tasks import MockAny2AnyRetrievalT2ATask

        class Task(MockAny2AnyRetrievalT2ATask):
            def load_data(self, **_):
                names = list(PITCHES_HZ)
                queries = Dataset.from_dict({"id": [f"q{n}" for n in names], "text": [f"a {n} tone" for n in names]})
                sounds = [{"bytes": wav(name), "path": None} for name in names]
                corpus = {"id": names, "audio": sounds, "modality": ["audio"] * 3}
                found = Dataset.from_dict(corpus).cast_column("audio", Audio())
                right = {"qlow": {"low": 1}, "qmiddle": {"middle": 1}, "qhigh": {"low": 1}}  # the last is wrong
                split = {"queries": queries, "corpus": found, "relevant_docs": right, "top_ranked": None}
                self.dataset, self.data_loaded = {"default": {"test": split}}, True

        scores = (
            mteb.evaluate(encoder, Task(), cache=None, overwrite_strategy="always").task_results[0].scores["test"][0]
        )
        assert scores["recall_at_1"] == pytest.approx(2 / 3, abs=1e-4)

    @pytest.mark.filterwarnings("ignore")
    @pytest.mark.parametrize(
        ("where", "name"),
        [
            ("classification", "MockAudioClassification"),
            ("classification", "MockAudioMultilabelClassificationTask"),
            ("clustering", "MockAudioClusteringTask"),
            ("pair_classification", "MockAudioPairClassification"),
            ("reranking", "MockAudioReranking"),
            ("retrieval", "MockAny2AnyRetrievalA2ATask"),
            ("retrieval", "MockAny2AnyRetrievalA2TTask"),
        ],
    )
    def test_every_kind_of_task_in_maeb_runs(self, mteb, monkeypatch, where, name):
        import importlib

        from datasets import Audio

        def written(self, value):  # datasets itself writes arrays by torchcodec
            file = io.BytesIO()
            soundfile.write(file, value["array"].T, value["sampling_rate"], format="WAV")
            return {"bytes": file.getvalue(), "path": None}

        monkeypatch.setattr(Audio, "encode_example", written)
        tasks = importlib.import_module(f"mteb.mocks.mock_tasks.{where}")
        result = mteb.evaluate(Encoder("mini"), getattr(tasks, name)(), cache=None, overwrite_strategy="always")
        assert not result.exceptions
        (scores,) = result.task_results[0].scores["test"]
        assert np.isfinite(scores["main_score"])

    def test_a_task_that_asks_for_a_rate_hears_nothing_above_it(self, mteb, encoder):
        from datasets import Audio, Dataset
        from torch.utils.data import DataLoader

        sounds = [{"bytes": wav(name), "path": None} for name in PITCHES_HZ]
        rows = Dataset.from_dict({"audio": sounds}).cast_column("audio", Audio(sampling_rate=2000))
        said = []
        encoder.model.embed_audio = lambda sources: said.extend(sources) or np.ones((1, 3), np.float32)
        encoder.encode(DataLoader(rows, batch_size=2))
        assert [rate_hz for _, rate_hz in said] == [2000, 2000, 2000]
        assert np.abs(said[2][0]).max() < 0.05 < np.abs(said[1][0]).max()  # 3 kHz is gone, 800 Hz is not
