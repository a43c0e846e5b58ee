"""The classic analyses of a simple recurrent network: what it expects, what it groups, what it remembers.

    python tools/examples/elman_1990.py --folder pictures

Three small networks learn three artificial languages to predict the next word, and nothing else. Then we look inside.

    letters.png   ba, dii, guuu: the error rises where a syllable begins and falls where it is certain how it goes on
    words.png     hidden states, averaged for each word, form a tree of nouns and verbs, of animates and inanimates
    clause.png    behind "boy who boys chase" one direction of the hidden space still knows that the boy was one

The first two are of J. L. Elman (1990), Finding structure in time, Cognitive Science 14, 179-211; the third is of
J. L. Elman (1991), Distributed representations, simple recurrent networks, and grammatical structure, Machine Learning
7, 195-225. Half a minute on two free cores, and 20 seconds more on the first use, for compiling. Needs matplotlib:
pip install ".[plot]".
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import rnnlm
from rnnlm.catalogue.grammar import Grammar
from rnnlm.errors import RnnlmError
from rnnlm.text import Corpus

BLUE, RED, GREEN, GREY = "#2166ac", "#b2182b", "#1b7837", "#777777"
ANIMATE = {"man", "woman", "boy", "girl", "cat", "mouse", "dog", "dragon", "monster", "lion"}
INANIMATE = {"book", "rock", "car", "glass", "plate", "cookie", "bread", "sandwich"}
BOY, BOYS = ["boy", "girl", "cat", "dog"], ["boys", "girls", "cats", "dogs"]
CHASES = ["chases", "feeds", "sees", "hears", "walks", "lives"]  # all but the last two can have an object
CHASE = ["chase", "feed", "see", "hear", "walk", "live"]
COLORS = {"verbs": GREEN, "animates": RED, "inanimates": BLUE}
DISC = {"boxstyle": "circle,pad=0.15", "facecolor": "white", "edgecolor": "none"}
PLAIN: dict[str, Any] = {"model": "elman", "dropout": 0.0, "l2": 0.0}  # a source without end needs no regularization


def letters(seed: int, picture: Path) -> None:
    """Consonants come at random, and each names the vowels behind it: so the error shows where a unit begins.

    Elman drew the root mean squared error of the output. Ours is the surprisal, -log2 P(letter), since theory gives
    its mean: log2 3 = 1.585 bits for one of three consonants, 0 for a vowel.
    """
    model = rnnlm.train("elman-letters", hidden=40, streams=8, block=20, epochs=10, seed=seed, **PLAIN)
    ids = words_of(model, "elman-letters:test")
    text = np.array(model.vocabulary.words)[ids[1:]]
    logp, _ = model.score(ids[:-1, None], ids[1:, None], model.start())
    bits = -logp[:, 0] / np.log(2)
    consonant = np.isin(text, list("bdg"))
    print("1. Letters, mean surprisal in bits")
    print(f"   consonants {bits[consonant].mean():.3f}   theory {np.log2(3):.3f}: any of three")
    print(f"   vowels     {bits[~consonant].mean():.3f}   theory 0.000: the consonant told")

    shown = slice(100, 150)
    figure, axes = new_figure(11, 4)
    axes.plot(bits[shown], color=GREY, linewidth=1, zorder=1)
    for place, (letter, height) in enumerate(zip(text[shown], bits[shown], strict=True)):
        color = RED if letter in "bdg" else BLUE
        axes.text(place, height, letter, color=color, weight="bold", ha="center", va="center", bbox=DISC)
    axes.axhline(np.log2(3), color=RED, linewidth=1, linestyle=":", zorder=0)
    axes.text(50, np.log2(3), "log2 3", color=RED, va="center")
    axes.set(xlim=(-1, 49.8), ylim=(-0.2, 2.2), xlabel="position in the text", ylabel="surprisal (bits)")
    axes.set_title("A consonant surprises, its vowels do not: the error marks where a syllable begins", loc="left")
    figure.savefig(picture, dpi=150)


def words(seed: int, picture: Path) -> None:
    """The mean hidden state of a word is what the network expects after it: words of a kind end up together.

    Units are logistic, as Elman's. The mean vectors are compared by their direction from the mean of all: with length,
    some seeds put one group of verbs or nouns apart from all the rest. We look twice. After one pass the network
    predicts as well as a table of word pairs (perplexity 9.94), and nouns and verbs are the first to part. Three passes
    later it also knows where in a sentence it is. Then the inanimates, which mostly end one, stand with the verbs, of
    which some do too: the smaller groups largely stay, but the top of the tree is another.
    """
    figure, panels = new_figure(11, 7.5, columns=2)
    print("2. Words")
    for passes, axes in zip((1, 4), panels, strict=True):
        model = rnnlm.train(
            "elman-1990", hidden=70, activation="logistic", optimizer="sgd", lr=1.0, schedule="constant", warmup=0,
            streams=8, block=5, epochs=passes, seed=seed, **PLAIN,
        )  # fmt: skip
        ids = words_of(model, "elman-1990:test")
        states = model.hidden(ids[:, None], model.start())[0][:, 0]  # (n, H)
        names = model.vocabulary.words[1:]  # 0 is </s>, which ends the whole text
        means = np.array([states[ids == model.vocabulary.index[name]].mean(0) for name in names])
        means -= means.mean(0)
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        merges = average_linkage(means)
        kinds = {"nouns": ANIMATE | INANIMATE, "verbs": set(names) - ANIMATE - INANIMATE}
        kinds |= {"animates": ANIMATE, "inanimates": INANIMATE}
        ppl = model.perplexity("elman-1990:test").ppl
        print(f"   passes over the text: {passes}, perplexity {ppl:.2f} (word pairs 9.94, the grammar's own 7.02)")
        report_tree(merges, names, kinds)
        draw_tree(axes, merges, names, kinds)
        axes.set_title(f"after {'one pass' if passes == 1 else f'{passes} passes'}, perplexity {ppl:.2f}")
    figure.suptitle("What a word makes the network expect: animate (red) and inanimate nouns (blue), verbs (green)")
    figure.savefig(picture, dpi=150)


def clause(seed: int, picture: Path) -> None:
    """The verb behind a relative clause agrees with a noun that the clause has pushed out of sight.

    So something in the hidden state must keep that noun's number. The network reads every "N who N V" with singular and
    with plural first nouns. Of the principal components of its states at "who", N and V we take the one that holds the
    two apart all the way: where they are closest, they are further apart than in any other, in their own standard
    deviations. Then we follow it through two sentences that differ in the first noun and its verb only.
    """
    grammar = Grammar.load("elman-1991")
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "train.txt"
        text.write_text(grammar.text(40_000, seed=1), encoding="utf-8")  # four times the named text: clauses are rare
        model = rnnlm.train(text, valid="elman-1991:valid", hidden=70, block=20, epochs=6, seed=seed, **PLAIN)
    found = model.perplexity("elman-1991:test").ppl
    print(f"3. Relative clauses, perplexity {found:.2f} (the grammar's own is {grammar.perplexity():.2f})")

    def read(sentences: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Behind each word: hidden states (T, B, H), P(a singular verb) (T, B), P(a plural verb) (T, B)."""
        index = model.vocabulary.index
        x = np.array([[index[word] for word in sentence.split()] for sentence in sentences]).T
        p = np.exp(model.distributions(x, model.start(len(sentences)))[0])
        number = [p[..., [index[verb] for verb in verbs]].sum(-1) for verbs in (CHASES, CHASE)]
        return model.hidden(x, model.start(len(sentences)))[0], number[0], number[1]

    clauses = [f"who {noun} {verb}" for noun in [*BOY, "John", "Mary"] for verb in CHASES[:4]]
    clauses += [f"who {noun} {verb}" for noun in BOYS for verb in CHASE[:4]]
    one = read([f". {noun} {clause}" for noun in BOY for clause in clauses])
    many = read([f". {noun} {clause}" for noun in BOYS for clause in clauses])
    right = np.count_nonzero(one[1][-1] > one[2][-1]) + np.count_nonzero(many[2][-1] > many[1][-1])
    print(f"   the right number is the likelier one behind {right} of {8 * len(clauses)} clauses")

    inside = np.concatenate([one[0], many[0]], axis=1)[2:]  # the states at "who", N and V of every clause
    mean, components, share = principal_components(inside.reshape(-1, inside.shape[-1]))
    a, b = ((states[2:] - mean) @ components.T for states in (one[0], many[0]))  # (3, B, H): at "who", N and V
    apart = (a.mean(1) - b.mean(1)) / np.sqrt((a.var(1) + b.var(1)) / 2)  # (3, H)
    apart *= np.sign(apart[0])  # a component that changes sides in the clause is of no use
    best = int(apart.min(0).argmax())
    print(f"   component {best + 1} ({100 * share[best]:.1f} % of the variance) holds the number best;")
    print("   singular and plural differ at who, N, V by", *apart[:, best].round(1), "standard deviations")

    pair = [". boy who boys chase chases boy", ". boys who boys chase chase boy"]
    states, singular, plural = read(pair)
    for n, sentence in enumerate(pair):
        print(f"   {sentence[2:]:31} before the last verb: ", end="")
        print(f"P(singular) {singular[4, n]:.3f}, P(plural) {plural[4, n]:.3f}")
    track = (states - mean) @ components[best]
    track *= np.sign(track[4, 0] - track[4, 1])  # singular upwards
    figure, panels = new_figure(10, 7, rows=2)
    for axes, values in zip(panels, (track, singular - plural), strict=True):
        axes.axvspan(0.5, 3.5, color="#f0f0f0", zorder=0)  # the relative clause
        axes.axhline(0, color=GREY, linewidth=0.8)
        for n, (sentence, color) in enumerate(zip(pair, (RED, BLUE), strict=True)):
            axes.plot(values[1:, n], color=color, marker="o")
            for place, word in enumerate(sentence.split()[1:]):
                write(axes, place, values[place + 1, n], word, color, upwards=n == 0)
        axes.margins(0.05, 0.25)
        axes.set_xticks([])
    panels[0].set_ylabel(f"component {best + 1}")
    panels[0].set_title("One direction of the hidden space keeps the subject's number through the clause", loc="left")
    panels[1].set_ylabel("P(singular verb) - P(plural verb)")
    panels[1].set_title(
        'The verb expected next: behind "boys" plural for both, behind the clause each subject\'s own', loc="left"
    )
    figure.savefig(picture, dpi=150)


def words_of(model: Any, text: str) -> np.ndarray:
    """The ids (n,) of a text in the model's own numbers, without the sentence end behind its one long line."""
    return np.array(Corpus.encode(text, vocabulary=model.vocabulary).ids[:-1])


def average_linkage(points: np.ndarray) -> list[tuple[int, int, float]]:
    """Merge the two closest clusters until one is left; their distance is the mean over all pairs of their points.

    points (n, H) -> the merges (left, right, distance) in order. The points are clusters 0 … n-1, merge m makes cluster
    n + m. The distance to a merged cluster is the mean of those to its parts, weighted by their sizes, so no pair of
    points is looked at twice (Sokal & Michener 1958, "UPGMA").
    """
    n = len(points)
    distance = np.linalg.norm(points[:, None] - points[None], axis=2).astype(np.float64)
    np.fill_diagonal(distance, np.inf)
    cluster, size = list(range(n)), np.ones(n)  # of each row of the table: which cluster, and how many points
    merges = []
    while len(cluster) > 1:
        i, j = sorted(int(k) for k in np.unravel_index(distance.argmin(), distance.shape))
        merges.append((cluster[i], cluster[j], float(distance[i, j])))
        row = (size[i] * distance[i] + size[j] * distance[j]) / (size[i] + size[j])
        distance[i] = distance[:, i] = row  # infinite at i and j, as it should be
        size[i] += size[j]
        cluster[i] = n + len(merges) - 1
        del cluster[j]
        size = np.delete(size, j)
        distance = np.delete(np.delete(distance, j, 0), j, 1)
    return merges


def principal_components(states: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """states (n, H) -> their mean (H,), the directions (H, H) of most variance, a row each, and the share (H,) of each.

    They are the eigenvectors of the covariance, the first one that of the largest eigenvalue.
    """
    variance, directions = np.linalg.eigh(np.cov(states.T, dtype=np.float64))  # columns, rising
    return states.mean(0, dtype=np.float64), directions.T[::-1], variance[::-1] / variance.sum()


def members(merges: list[tuple[int, int, float]], names: list[str]) -> list[set[str]]:
    """The words of each cluster, in the numbers of `average_linkage`."""
    clusters = [{name} for name in names]
    for left, right, _ in merges:
        clusters.append(clusters[left] | clusters[right])
    return clusters


def report_tree(merges: list[tuple[int, int, float]], names: list[str], kinds: dict[str, set[str]]) -> None:
    """Print how well the tree's highest split, and each kind's best cluster, agree with the kinds of words."""
    clusters = members(merges, names)
    halves = [clusters[part] for part in merges[-1][:2]]
    right = len(names) - min(len(half ^ kinds["nouns"]) for half in halves)
    print(f"   highest split: {right} of {len(names)} words on the right side of nouns | verbs")
    for kind, wanted in kinds.items():
        best = min(clusters, key=lambda cluster: len(cluster ^ wanted))
        print(f"   {kind:10} best cluster: {len(best & wanted)} of {len(wanted)}, and {len(best - wanted)} others")


def draw_tree(axes: Any, merges: list[tuple[int, int, float]], names: list[str], kinds: dict[str, set[str]]) -> None:
    """The dendrogram: a word a line, a bracket a merge, as far to the left as the two clusters are apart."""
    n, clusters = len(names), members(merges, names)
    lines = iter(range(n))

    def draw(cluster: int) -> tuple[float, float]:
        if cluster < n:
            color = next(c for kind, c in COLORS.items() if names[cluster] in kinds[kind])
            line = next(lines)
            axes.text(-0.02, line, names[cluster], color=color, va="center")
            return 0.0, line
        left, right, height = merges[cluster - n]
        (x1, y1), (x2, y2) = draw(left), draw(right)
        color = next((c for kind, c in COLORS.items() if clusters[cluster] <= kinds[kind]), GREY)
        axes.plot([x1, height, height, x2], [y1, y1, y2, y2], color=color, linewidth=1.5)
        return height, (y1 + y2) / 2

    draw(2 * n - 2)
    axes.set(xlim=(1.85, -0.3), xticks=[0, 0.5, 1, 1.5], yticks=[], xlabel="mean distance of the two clusters")
    axes.spines["left"].set_visible(False)


def write(axes: Any, x: float, y: float, word: str, color: str, upwards: bool) -> None:
    """A word right above or right below a point, its edge white where it crosses a line."""
    from matplotlib.patheffects import withStroke

    side = (9, "bottom") if upwards else (-9, "top")
    label = axes.annotate(word, (x, y), (0, side[0]), textcoords="offset points", color=color, ha="center", va=side[1])
    label.set_path_effects([withStroke(linewidth=3, foreground="white")])


def new_figure(width: float, height: float, rows: int = 1, columns: int = 1) -> tuple[Any, Any]:
    """A figure and its axes, without a frame around them."""
    from matplotlib.figure import Figure  # no pyplot: no window, no global state

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(rows, columns)
    for one in np.ravel(axes):
        one.spines[["top", "right"]].set_visible(False)
    return figure, axes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path(), help="where the pictures go (default: here)")
    parser.add_argument("--seed", type=int, default=1, help="of the networks (default 1); same seed, same figures")
    options = parser.parse_args()
    try:
        import matplotlib  # noqa: F401

        options.folder.mkdir(parents=True, exist_ok=True)
        letters(options.seed, options.folder / "letters.png")
        words(options.seed, options.folder / "words.png")
        clause(options.seed, options.folder / "clause.png")
    except ImportError:
        parser.error('the pictures need matplotlib, which is not installed: pip install ".[plot]".')
    except (OSError, RnnlmError) as error:
        parser.error(str(error))
    print(f"letters.png, words.png, clause.png are in {options.folder.resolve()}", file=sys.stderr)


if __name__ == "__main__":
    main()
