"""What the miniature trains on, chooses by and is measured on: real sounds, described by their labels.

The folder given with `--data` holds `sounds/metadata.csv` with the columns file, label, set, fold and freesound_id.
ESC-50 fold 4 is measured on and never heard before: no recording of it is trained on, by Freesound id. Weights are
chosen on a tenth of the recordings of the other folds ("rest"), which are not trained on either.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

TABLE = 'name = "folder", table = "metadata.csv"'
SAY = ("{label}", "the sound of {label}")
RATE_HZ = 8000


def _where(**wanted: str) -> str:
    inner = ", ".join(f'{column} = "{value}"' for column, value in wanted.items())
    return f"where = {{ {inner} }}"


def _plain(**wanted: str) -> str:
    return f'{{ {TABLE}, path = "sounds", {_where(**wanted)} }}'


def _split(part: str, **wanted: str) -> str:
    of = f"{{ {TABLE}, {_where(**wanted)} }}"
    return f'{{ name = "resplit", path = "sounds", part = "{part}", share = 0.9, of = {of} }}'


def spec(corpus: str, *, say: Sequence[str] = SAY, more: str = "") -> str:
    """A corpus of a stage, as TOML."""
    return f"{{ say = {json.dumps(list(say))}, corpus = {corpus}{more} }}"


ESC50 = _split("train", set="esc50", fold="!=4")
REST = _split("rest", set="esc50", fold="!=4")
FOLD_4 = _plain(set="esc50", fold="4")
ALL_FOLDS = _plain(set="esc50")
URBAN = _plain(set="urbansound8k", fold="!=2")
KITCHEN = _plain(set="kitchen20")
MUSIC = _plain(set="philharmonia")
URBAN_2 = _plain(set="urbansound8k", fold="2")

TARGET = f"[{spec(ESC50)}]"
"""The corpus that a report fine-tunes and measures on (Clotho there): ESC-50, folds 1 to 3 without the rest."""
OTHER = f"[{spec(URBAN)}, {spec(KITCHEN)}]"
"""What a report trains on first (AudioCaps there)."""
VALID = f"[{spec(REST, say=['{label}'])}]"
HOLD_OUT = f"[{spec(FOLD_4)}]"
