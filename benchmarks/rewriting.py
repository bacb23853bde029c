"""What the offline rewriter does to retrieval: paired differences on ESC-50's labels, and on a sentence for each label.

    python -m benchmarks.rewriting MODEL MANIFEST [--where COLUMN=VALUE ...]

The sentences were written before any was measured, as people caption recordings; no clip was listened to for them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from hark.core.provenance import made_by
from hark.data import manifest
from hark.data.records import Clip
from hark.eval.augmented import Augmented
from hark.eval.embed import Embedder, embed_clips, embed_texts, similarities
from hark.eval.provenance import data_hash
from hark.eval.questions import questions
from hark.metrics import confidence
from hark.metrics.retrieval import average_precision_at, first_rank, ranks, recall_at
from hark.runtime.load import load
from hark.text.rewrites.offline import Config

SENTENCES = """
airplane: An airplane flies overhead and fades into the distance.
breathing: A person breathes in and out close to the microphone.
brushing teeth: Someone is brushing their teeth with a toothbrush.
can opening: A can is opened with a click and a hiss.
car horn: A car honks its horn several times.
cat: A cat meows loudly.
chainsaw: A chainsaw starts and then cuts through wood.
chirping birds: Birds are chirping to each other in the trees.
church bells: Church bells ring repeatedly in the distance.
clapping: A crowd claps their hands in applause.
clock alarm: An alarm clock beeps continuously.
clock tick: A clock ticks steadily in a quiet room.
coughing: A man coughs several times.
cow: A cow moos on a farm.
crackling fire: A fire crackles and pops as wood burns.
crickets: Crickets chirp constantly at night.
crow: A crow caws loudly outdoors.
crying baby: A baby cries and then stops briefly.
dog: A dog barks twice.
door wood creaks: A wooden door creaks slowly as it is opened.
door wood knock: Someone knocks on a wooden door.
drinking sipping: A person sips a drink and swallows.
engine: The engine of a car is idling.
fireworks: Fireworks explode and crackle while people cheer.
footsteps: A person walks over a hard surface with heavy footsteps.
frog: A frog croaks repeatedly by the water.
glass breaking: A glass falls and shatters on the floor.
hand saw: Someone cuts wood with a saw, back and forth.
helicopter: A helicopter passes by overhead.
hen: A hen clucks on a farm.
insects: Insects buzz around nearby.
keyboard typing: A person is typing quickly on a computer keyboard.
laughing: A woman laughs out loud.
mouse click: Someone clicks a computer mouse.
pig: A pig grunts and oinks.
pouring water: Water is poured into a glass.
rain: Rain falls steadily on a roof.
rooster: A rooster crows in the morning.
sea waves: Waves crash on the shore of the ocean.
sheep: Sheep bleat in a field.
siren: The siren of an ambulance wails as it passes by.
sneezing: A man sneezes loudly.
snoring: Someone snores while sleeping.
thunderstorm: Thunder rumbles while heavy rain falls.
toilet flush: A toilet is flushed and water drains away.
train: A train passes by on its tracks.
vacuum cleaner: A vacuum cleaner hums continuously.
washing machine: A washing machine spins at a steady pace.
water drops: Water drips slowly into a sink.
wind: Strong wind is blowing.
"""
WAYS = {
    "offline, 1": (Config(), 1),
    "offline, 3": (Config(), 3),
    "offline, 5": (Config(), 5),
    "offline, 10": (Config(), 10),
    "only other words, 5": (Config(kinds=("words",)), 5),
    "only frames, 5": (Config(kinds=("frame",)), 5),
    "only order, 5": (Config(kinds=("order",)), 5),
}


def main() -> None:
    """Embeds the clips once, asks in every way and prints one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--where", action="append", default=[])
    given = parser.parse_args()
    model: Embedder = load(given.model)
    clips = manifest.read(given.manifest, where=manifest.parse_where(given.where))
    sounds = embed_clips(model, clips)
    asked = questions([_without_captions(clip) for clip in clips])
    sentence = dict(line.split(": ", 1) for line in SENTENCES.strip().splitlines())
    sets = {"labels": list(asked.texts), "sentences": [sentence[label] for label in asked.texts]}

    def measured(by: Embedder, texts: list[str]) -> dict[str, np.ndarray]:
        ranked = ranks(similarities(embed_texts(by, texts), sounds), asked.relevant)
        found = {
            "mAP@10": average_precision_at(ranked, 10, divisor="reachable"),
            "R@1": recall_at(ranked, 1),
            "R@10": recall_at(ranked, 10),
        }
        return found | {"first rank": first_rank(ranked).astype(np.float64)}

    report = {"model": model.name, "stamp": model.stamp, "data": data_hash(clips), "clips": len(clips), **made_by()}
    for kind, texts in sets.items():
        plain = measured(model, texts)
        report[kind] = {"queries": len(texts), "plain": {name: float(v.mean()) for name, v in plain.items()}}
        for way, (settings, n) in WAYS.items():
            rewriter = settings.build()
            helped = measured(Augmented(model, rewriter, n), texts)
            rng = np.random.default_rng(0)
            gain = {m: confidence.mean(helped[m] - plain[m], rng=rng, resamples=10_000) for m in plain}
            said = float(np.mean([len(r) for r in rewriter.rewrite(texts, n)]))
            report[kind][way] = {"paraphrases": said} | {
                name: [round(value, 4) for value in (one.value, one.low, one.high)] for name, one in gain.items()
            }
    print(json.dumps(report, indent=2))


def _without_captions(clip: Clip) -> Clip:
    return Clip(id=clip.id, path=clip.path, labels=clip.labels)


if __name__ == "__main__":
    main()
