"""How the reports' recipes are narrowed: the `--set` values that make towers small and stages short.

Sound is 8 kHz in 32 mel bins, 40 ms apart; patches reach over all bins; towers are 64 wide and of one or two layers. A
text tower is a fresh network of one layer with a vocabulary of 1,000, of the kind that the recipe has, or, where the
report keeps it frozen, all-MiniLM-L6-v2. `$OUT` is the folder that the miniature works in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.miniature import corpora
from hark.recipe import Recipe

BATCH = 48
STEPS = {"laion-2022": 200, "ly-2024": 600, "msclap-2023": 400, "irit-2022": 600, "sjtu-2022": 300}
VALID_EVERY = {"laion-2022": 40, "ly-2024": 40, "msclap-2023": 80, "irit-2022": 60, "sjtu-2022": 75}
FEWER_STEPS, FEWER_VALID_EVERY = 400, 16  # of LY's models with PaSST, which knows labels already
# Fresh encoders that nothing is learned with first, behind heads or by losses that learn slowly.
MORE = {
    "msclap-2023/cnn14-bert": 800, "ly-2024/g": 1000, "sjtu-2022/ast-bert": 700, "sjtu-2022/captioning-ears": 600
}  # fmt: skip
LABEL_STEPS = 300
LR = 2e-3

_SIZE = "hidden_size = 64, num_hidden_layers = 1, num_attention_heads = 2, intermediate_size = 128"
# Numbers of a network so narrow must be larger at the start, or all sentences look the same to it.
_BERT = f"vocab_size = 1000, {_SIZE}, max_position_embeddings = 40, initializer_range = 0.125"
_NETWORKS = {
    "bert": f'{{ model_type = "bert", {_BERT}, type_vocab_size = 2, pad_token_id = 0 }}',
    "roberta": f'{{ model_type = "roberta", {_BERT}, type_vocab_size = 1, pad_token_id = 1, bos_token_id = 0, '
    "eos_token_id = 2 }",
    "gpt2": '{ model_type = "gpt2", vocab_size = 1000, n_positions = 40, n_embd = 64, n_layer = 1, n_head = 2, '
    "initializer_range = 0.125, bos_token_id = 999, eos_token_id = 999 }",
    "clip_text_model": f'{{ model_type = "clip_text_model", vocab_size = 1000, {_SIZE}, max_position_embeddings = 40, '
    'projection_dim = 64, hidden_act = "quick_gelu", bos_token_id = 998, eos_token_id = 999, pad_token_id = 997 }',
}

_VIT = {"patch": "32", "width": "64", "heads": "4"}
_STRIDES = {"frame_stride": "32", "mel_stride": "32"}
_BEATS = {
    "layers": "2", "width": "64", "heads": "4", "hidden": "128", "patch": "32", "patch_dim": "64", "conv": "8",
    "conv_groups": "4", "buckets": "16", "max_distance": "16",
}  # fmt: skip
_CNN14 = {"channels": "[8, 16, 32, 64]", "dim": "64", "dropout": "0.0", "last_dropout": "0.2"}
_LOGMEL = {"n_fft": "512", "hop": "320", "mels": "32", "f_max_hz": "4000.0"}
_KALDI = {"mels": "32", "hop_ms": "40.0", "frame_ms": "50.0"}


def _inline(table: dict[str, str]) -> str:
    return "{ " + ", ".join(f"{key} = {value}" for key, value in table.items()) + " }"


_ENCODERS = {
    "htsat": {
        "width": "32", "depths": "[1, 1]", "heads": "[2, 4]", "size": "64", "patch": "8", "window": "4",
        "drop_path": "0.0",
    },
    "cnn14": _CNN14,
    "wavegram_cnn14": {
        **_CNN14, "wave_channels": "[4, 4, 8, 16, 4]", "rate_hz": "8000",
        "logmel": _inline({**_LOGMEL, "f_min_hz": "50.0"}),
    },
    "passt": {**_VIT, **_STRIDES, "width": "96", "depth": "3", "frames": "125"},
    "ast": {**_VIT, **_STRIDES, "depth": "2", "frames": "126"},
    "cav_mae": {**_VIT, "depth": "1", "frames": "124"},
    "beats": _BEATS,
    "vast": {"beats": _inline(_BEATS)},
}  # fmt: skip
_FEATURES = {
    "logmel": _LOGMEL,
    "passt_mel": {
        "n_fft": "512", "window": "512", "hop": "320", "mels": "32", "f_max_hz": "3700.0", "f_max_jitter_hz": "500",
    },
    "kaldi_fbank": _KALDI,
    "vast_slices": {
        "frames": "124", "fbank": _inline({**_KALDI, "gain": "32768.0", "mean": "12.0", "scale": "4.0"}),
    },
    "waveform": {},
}  # fmt: skip


def narrowed(recipe: Recipe) -> list[str]:
    """The changes that make a published recipe the miniature's, in the order in which they are made."""
    changes = _heard(recipe)
    if recipe.text is None:
        return _said(changes | _labelled(recipe))
    changes |= _first_weights(recipe) | _text(recipe)
    report = recipe.name.split("/")[0]
    for stage in recipe.stages:
        changes |= {f"stages.{stage.name}.{key}": value for key, value in _stage(recipe, stage.name, report).items()}
    return _said(changes)


def _said(changes: Mapping[str, str]) -> list[str]:
    return [f"{key}={value}" for key, value in changes.items()]


def _heard(recipe: Recipe) -> dict[str, str]:
    encoder, features = str(recipe.audio.encoder["name"]), str(recipe.audio.features["name"])
    changes = {"audio.rate_hz": str(corpora.RATE_HZ), "audio.window_s": "5.0", "audio.hop_s": "5.0"}
    changes |= {f"audio.features.{key}": value for key, value in _FEATURES[features].items()}
    changes |= {f"audio.encoder.{key}": value for key, value in _ENCODERS[encoder].items()}
    if "bank_rate_hz" in recipe.audio.features:
        changes["audio.features.bank_rate_hz"] = "none"
    if encoder == "cnn14":
        changes["audio.features.hop"] = "640"
    if encoder == "ast":  # it has no norm of its own for the image
        changes |= {"audio.features.mean_db": "-30.0", "audio.features.scale_db": "20.0"}
    if encoder == "cav_mae":
        changes["audio.features.frames"] = "124"
    if encoder == "beats":
        changes |= {"audio.features.mean": "12.0", "audio.features.scale": "4.0"}
    return changes


def _first_weights(recipe: Recipe) -> dict[str, str]:
    """Where parts start from: published weights do not fit narrow towers."""
    if recipe.name.startswith("irit"):
        changes = {
            "init.audio_encoder": '"$OUT/towers/passt.safetensors"', "audio.encoder.classes": "78",
            "init.text_encoder": "none",
        }  # fmt: skip
        if "audio_head.tags" in recipe.init:
            changes |= {'init."audio_head.tags"': '"$OUT/towers/tags.csv"', "audio.head.classes": "78"}
        return changes
    if recipe.name.startswith("msclap") and recipe.audio.encoder["name"] == "htsat":
        which = "msclap-2023-htsat22" if "htsat22" in recipe.name else "htsat-1"
        return {"init.audio_encoder": f'"$OUT/runs/{which}/model.safetensors"', "init.text_encoder": "none"}
    if recipe.audio.encoder["name"] == "passt":
        return {"init.audio_encoder": '"$OUT/runs/passt/model.safetensors"', "init.text_encoder": "none"}
    return {"init": "none"}


def _text(recipe: Recipe) -> dict[str, str]:
    assert recipe.text is not None
    if "text_encoder" in recipe.stages[0].freeze:
        told = {"model": '"$OUT/towers/minilm"', "network": "none", "pooling": '"mean"'}
        if recipe.text.encoder.get("projection"):
            told["projection"] = "false"
        size = "384"
    else:
        kind = str(recipe.text.encoder["network"]["model_type"])
        told = {"model": f'"$OUT/towers/{kind}"', "network": _NETWORKS[kind]}
        size = "128"
    return {"dim": size} | {f"text.encoder.{key}": value for key, value in told.items()}


def _stage(recipe: Recipe, name: str, report: str) -> dict[str, str]:
    stage = next(stage for stage in recipe.stages if stage.name == name)
    changes = {
        "corpora": corpora.OTHER if len(recipe.stages) == 2 and stage is recipe.stages[0] else corpora.TARGET,
        "valid": corpora.VALID,
        "hold_out": corpora.HOLD_OUT,
        "batch": "128" if report == "irit-2022" else str(BATCH),
        "steps": str(STEPS[report]),
        "lr": repr(LR),
        "valid_every": str(VALID_EVERY[report]),
        "clip": "1.0",
        "positives": '"labels"',  # a sentence here tells nothing but the label
    }
    if report == "ly-2024" and recipe.audio.encoder["name"] == "passt":
        changes |= {"steps": str(FEWER_STEPS), "valid_every": str(FEWER_VALID_EVERY)}
    if recipe.name in MORE:
        changes["steps"] = str(MORE[recipe.name])
    for key in ("epochs", "valid_epochs", "warmup_epochs"):
        if getattr(stage, key) is not None:
            changes[key] = "none"
    if report in ("laion-2022", "ly-2024", "sjtu-2022"):
        changes["warmup"] = "20"
    if stage.mask_frames:
        changes |= {"mask_frames": "16", "mask_mels": "4"}
    if stage.schedule.get("name") == "plateau":
        changes |= {"schedule.patience": "1"} if report == "irit-2022" else {"schedule": '{ name = "cosine" }'}
    if stage.corpora and stage.corpora[0].also is not None:  # LY's model G: other wordings of the same sounds
        changes["corpora"] = _reworded(stage.corpora[0].also_chance)
    return changes


def _labelled(recipe: Recipe) -> dict[str, str]:
    """The changes of a recipe of labels: three tasks in the place of Microsoft's 22, or ESC-50 by its folds."""
    (stage,) = recipe.stages
    changes = {"batch": str(BATCH), "lr": repr(LR), "warmup": "20", "epochs": "none", "warmup_epochs": "none"}
    changes |= {"steps": str(LABEL_STEPS), "valid_epochs": "none", "valid_every": str(LABEL_STEPS), "clip": "1.0"}
    if stage.fold:
        changes |= {"corpora": f"[{{ corpus = {corpora.ALL_FOLDS} }}]", "mask_frames": "16", "mask_mels": "4"}
        first = {"init.audio_encoder": '"$OUT/runs/msclap-2023-htsat22/model.safetensors"'}
    else:
        tasks = {"kitchen": corpora.KITCHEN, "urban": corpora.URBAN, "instruments": corpora.MUSIC}
        changes["corpora"] = f"[{', '.join(kind_of(name, corpus) for name, corpus in tasks.items())}]"
        changes["valid"] = f"[{kind_of('urban', corpora.URBAN_2)}]"
        changes["hold_out"] = f"[{{ corpus = {corpora.ALL_FOLDS} }}]"  # each is tested on by the recipe after it
        first = {"init": "none"}
    return {"dim": "64"} | first | {f"stages.{stage.name}.{key}": value for key, value in changes.items()}


def kind_of(name: str, corpus: str, *, weight: float | None = None) -> str:
    """A corpus of labels, as TOML, and which task it is of."""
    share = "" if weight is None else f", weight = {weight}"
    return f'{{ corpus = {corpus}, kind = "{name}"{share} }}'


def _reworded(chance: float) -> str:
    of = corpora.ESC50.removeprefix("{ ").removesuffix(" }").replace('path = "sounds", ', "")
    other = f'{{ name = "from_labels", path = "sounds", of = {{ {of} }} }}'
    more = f", also = {other}, also_chance = {chance}"
    return f"[{corpora.spec(corpora.ESC50, say=['{label}', '{caption}'], more=more)}]"


def seeded(recipe: Recipe, seed: int) -> list[str]:
    """The changes that give every stage the seed."""
    return [f"stages.{stage.name}.seed={seed}" for stage in recipe.stages]


def shown(changes: Sequence[str]) -> str:
    """The changes as a shell takes them."""
    return " ".join(f"--set '{change}'" for change in changes)
