"""What hark itself knows of a system, as the metadata asks for it: rate, networks, training, size, results."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from hark.core.errors import SettingError
from hark.eval.dcase.score import ScoreReport
from hark.eval.systems import Scored

_AUTHOR = re.compile(r"\s*(?P<first>\S.*?)\s+(?P<last>\S+)\s*(?:<(?P<email>[^<>\s]+@[^<>\s]+)>)?\s*")


def authors(written: Sequence[str], institute: str) -> list[dict[str, Any]]:
    """The authors, from "Firstname Lastname <email>"; the first one is the corresponding author.

    Raises SettingError.
    """
    found = []
    for number, one in enumerate(written):
        match = _AUTHOR.fullmatch(one)
        if match is None or (number == 0 and match["email"] is None):
            remedy = 'give "Firstname Lastname <name@example.org>"' + (
                "" if number else ", as the corresponding author"
            )
            raise SettingError(f"--author '{one}': {remedy}")
        found.append({
            "lastname": match["last"],
            "firstname": match["first"],
            "email": match["email"],
            "corresponding": number == 0,
            "affiliation": {"abbreviation": institute, "institute": None, "department": None, "location": None},
        })  # fmt: skip
    return found


def of_system(scored: Scored, report: ScoreReport | None) -> dict[str, Any]:
    """Fields of the metadata, by their places; where a system does not tell, nothing."""
    model: Any = scored.model
    told: dict[str, Any] = {
        "submission.name": scored.name,
        "submission.abbreviation": scored.name.rsplit("/", 1)[-1][:10],
        "system.description.method_scheme": "two towers with one space of embeddings",
        "system.description.learning_scheme": "supervised",
        "system.description.ensemble": scored.members > 1,
    }
    if hasattr(model, "recipe"):
        recipe = model.recipe
        told |= {
            "system.description.input_sampling_rate": f"{recipe.audio.rate_hz / 1000:g}kHz",
            "system.description.acoustic_features": str(recipe.audio.features["name"]),
            "system.description.audio_modelling": str(recipe.audio.encoder["name"]),
            "system.complexity.total_parameters": sum(one.numel() for one in model.towers.parameters()),
        }
        if recipe.text is not None:
            words = str(recipe.text.encoder.get("model", recipe.text.encoder["name"]))
            told |= {"system.description.word_embeddings": words, "system.description.word_modelling": words}
        if recipe.stages:
            stage = recipe.stages[-1]
            told |= {
                "system.description.loss_function": str(stage.loss["name"]),
                "system.description.optimizer": str(stage.optimiser["name"]),
                "system.description.learning_rate": stage.lr,
                "system.description.metric_monitored": stage.metric,
            }
    if report is not None:
        keys = {"R@1": "R1", "R@5": "R5", "R@10": "R10"}
        told["results.development_evaluation"] = {
            keys.get(name, name.replace("@", "")): round(estimate.value, 4) for name, estimate in report.metrics.items()
        }
    return {at: value for at, value in told.items() if value is not None}
