"""The part of a loss that is of some rows, against all: what one process computes with negatives = "local".

Each is `size` times its rows' share of the loss, so that the mean over the processes is the whole loss. The table of
scores has a process's rows instead of everybody's (LAION-CLAP and OpenCLIP: `local_loss` with `gather_with_grad`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from hark.core.errors import SettingError
from hark.train.needs import Loss

Given = Mapping[str, Any]


def local(loss_of: Loss, given: Given, rows: slice, size: int, *, texts: slice | None = None) -> Tensor:
    """The share of `rows` in a loss, times `size`, the number of processes; `given` is what the whole loss is given.

    `texts` are the rows of the sentences, where these are more than the sounds.

    Raises SettingError for a loss that has no such form.
    """
    if any(given.get(name) is None for name in loss_of.needs):
        return loss_of(given)  # which says what is missing
    settings = getattr(loss_of.function, "keywords", {})
    form = _FORMS.get(loss_of.name)
    if form is None or settings.get("kappa"):
        raise SettingError(
            f"{loss_of.where} '{loss_of.name}': cannot be computed row by row; give negatives = \"global\""
        )
    return form({**given, "texts": texts or rows}, rows, size, settings)


def _side(of: Tensor, against: Tensor, positives: Tensor, scale: Tensor, rows: slice, size: int) -> Tensor:
    """One direction of `hark.losses.infonce`."""
    mass = positives.sum(dim=1, keepdim=True)
    share = positives / mass.clamp(min=1e-12)
    scores = scale * of[rows] @ against.T
    return -(share[rows] * scores.log_softmax(dim=1)).sum() * size / (mass > 0).sum()


def _infonce(given: Given, rows: slice, size: int, settings: Given) -> Tensor:
    audio, text, positives, scale = (given[name] for name in ("audio", "text", "positives", "scale"))
    directions = settings.get("directions", "both")
    if directions == "sound-to-text":
        return _side(audio, text, positives, scale, rows, size)
    if directions == "text-to-sound":
        return _side(text, audio, positives.T, scale, given["texts"], size)
    one = _side(audio, text, positives, scale, rows, size)
    return (one + _side(text, audio, positives.T, scale, given["texts"], size)) / 2


def _dual_clip(given: Given, rows: slice, size: int, settings: Given) -> Tensor:
    del settings  # a kappa is not for here
    one = _infonce({**given, "text": given["text_branch"]}, rows, size, {})
    other = {**given, "audio": given["audio_branch"], "scale": given["branch_scale"]}
    return (one + _infonce(other, rows, size, {})) / 2


def _mixco(given: Given, rows: slice, size: int, settings: Given) -> Tensor:
    mixed, text, positives, partner = (given[name] for name in ("mixed", "text", "positives", "partner"))
    own = given["share"].expand(len(mixed))[:, None]
    loss = _infonce(given, rows, size, {})
    for dim in (1, 0):  # mixture to text, text to mixture
        targets = positives / positives.sum(dim=dim, keepdim=True).clamp(min=1e-12)
        targets = own * targets + (1.0 - own) * targets[partner]
        total = targets.sum()
        ours = targets[rows] if dim == 1 else targets[:, given["texts"]]
        scores = given["scale"] * (mixed[rows] @ text.T if dim == 1 else mixed @ text[given["texts"]].T)
        part = -(ours * scores.log_softmax(dim=dim)).sum() * size / total
        loss = loss + settings.get("weight", 1.0) * part / 2
    return loss


def _sigmoid(given: Given, rows: slice, size: int, settings: Given) -> Tensor:
    from hark.losses.sigmoid import sigmoid

    del size, settings  # its mean over rows is that of any rows already
    return sigmoid(given["audio"][rows], given["text"], given["positives"][rows], given["scale"], given["bias"])


_FORMS: dict[str, Callable[[Given, slice, int, Given], Tensor]] = {
    "infonce": _infonce,
    "dual_clip": _dual_clip,
    "mixco": _mixco,
    "sigmoid": _sigmoid,
}
