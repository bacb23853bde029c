"""Which commands the miniature runs: every recipe of the five reports, and the variants that its claims compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.miniature import corpora
from benchmarks.miniature.narrow import kind_of, narrowed, seeded, shown
from hark import recipe as recipes

REPORTS = ("laion-2022", "ly-2024", "msclap-2023", "irit-2022", "sjtu-2022")
HERE = Path(__file__).parent

# A variant is what a claim compares a recipe with: its changes come last.
VARIANTS: dict[str, tuple[str, ...]] = {
    "as the report": (),
    "plain loss": ('stages.pairs.loss={ name = "infonce" }', "branches=none", "compare=towers"),
    "without masking": ("stages.pairs.mask_tokens=0.0",),
    "without pre-training": ("stages.0=none",),
    "triplet": (
        'stages.audiocaps.loss={ name = "triplet", margin = 0.4 }',
        'stages.clotho.loss={ name = "triplet", margin = 0.4 }',
    ),
    **{f"fold {fold}": (f"stages.esc50.fold.fold={fold}",) for fold in range(1, 5)},
}


@dataclass(frozen=True)
class Run:
    """One command: a recipe, in a variant, with a seed. `system` is a recipe's name, or a file beside this one."""

    system: str
    variant: str = "as the report"
    seed: int = 0

    @property
    def key(self) -> str:
        """The run's name, and the folder's in which it trains."""
        said = "" if self.variant == "as the report" else f"--{self.variant.replace(' ', '-')}"
        return f"{self.system.replace('/', '-')}{said}--{self.seed}"

    def changes(self) -> list[str]:
        """The values for `--set`, with $OUT for the working folder."""
        if self.system in FIRST:
            return [*FIRST[self.system], "stages.labels.seed=0"]
        recipe = recipes.load(self.system)
        return [*narrowed(recipe), *seeded(recipe, self.seed), *VARIANTS[self.variant]]

    def folder(self) -> str:
        """Where it trains, below the working folder."""
        return f"runs/{self.system.replace('/', '-') if self.system in (*FIRST, HTSAT_22) else self.key}"

    def command(self) -> str:
        """The command, as a shell takes it where DATA and OUT are set."""
        name = f"benchmarks/miniature/recipes/{self.system}.toml" if self.system in FIRST else self.system
        said = shown(self.changes()).replace("$OUT", "'\"$OUT\"'")
        return f'hark train {name} --data "$DATA" --out "$OUT/{self.folder()}" --threads 1 {said}'


_SHARES = {corpora.ESC50: 0.6, corpora.URBAN: 0.2, corpora.KITCHEN: 0.2}
_TAGS = ", ".join(kind_of("tags", corpus, weight=share) for corpus, share in _SHARES.items())
_HELD = f"stages.labels.hold_out=[{{ corpus = {corpora.FOLD_4} }}, {{ corpus = {corpora.REST} }}]"

FIRST = {
    "passt": (f"stages.labels.corpora=[{_TAGS}]", _HELD),
    "htsat-1": (f"stages.labels.corpora=[{kind_of('kitchen', corpora.KITCHEN)}]", _HELD),
}
"""Encoders that learn labels before the reports' recipes begin, by the file of the recipe: their changes."""

HTSAT_22, ESC_50 = "msclap-2023/htsat22", "msclap-2023/esc50"
LABELS = (HTSAT_22, ESC_50)
"""The reports' recipes that learn labels; others begin with what the first has learned."""

COMPARED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("irit-2022/passt-mpnet", ("as the report",)),
    ("irit-2022/passt-mpnet-tags", ("as the report",)),
    ("irit-2022/passt-mpnet-tags-ac", ("as the report",)),
    ("laion-2022/htsat", ("as the report", "plain loss")),
    ("sjtu-2022/cnn14-bert", ("as the report", "without pre-training", "triplet")),
    ("msclap-2023/htsat-gpt2", ("as the report",)),
    ("msclap-2023/htsat22-gpt2-119k", ("as the report",)),
    ("msclap-2023/htsat-roberta", ("as the report",)),
    ("msclap-2023/htsat22-roberta", ("as the report",)),
    ("msclap-2023/htsat-clip", ("as the report",)),
    ("msclap-2023/htsat22-clip", ("as the report",)),
    ("ly-2024/b", ("as the report",)),
    ("ly-2024/c", ("as the report", "without masking")),
)
"""Recipes and variants that a claim needs with several seeds, besides the members of GROUPS."""

GROUPS: dict[str, tuple[str, ...]] = {
    "laion-2022: system 1, HTS-AT and PANN": ("laion-2022/htsat", "laion-2022/pann14"),
    "ly-2024: ensemble 1, A to F": tuple(f"ly-2024/{letter}" for letter in "abcdef"),
    "sjtu-2022: all five": tuple(
        f"sjtu-2022/{name}" for name in ("ast-bert", "cnn14-bert", "cnn14-bert-medium", "cnn14-roberta", "wlcnn14-bert")
    ),
}
"""Ensembles as the reports have them, of different systems; here of the same seed."""


def names() -> list[str]:
    """The reports' recipes that learn to find sounds by sentences."""
    mine = [name for name in recipes.names() if name.split("/")[0] in REPORTS]
    return [name for name in mine if _retrieves(recipes.load(name))]


def _retrieves(recipe: recipes.Recipe) -> bool:
    return recipe.text is not None and bool(recipe.stages) and all(s.task == "contrast" for s in recipe.stages)


def plan(seeds: int = 3, only: Sequence[str] = ()) -> list[Run]:
    """All runs in order: labels, then every recipe once, then the claims' variants and further seeds."""
    runs = [*(Run(ESC_50, said) for said in VARIANTS if said.startswith("fold")), *(Run(name) for name in names())]
    for seed in range(seeds):
        runs += [Run(name, variant, seed) for name, variants in COMPARED for variant in variants]
        runs += [Run(name, seed=seed) for systems in GROUPS.values() for name in systems]
    runs = [run for run in dict.fromkeys(runs) if not only or run.system in only]
    return [*(Run(name) for name in (*FIRST, HTSAT_22)), *runs]
