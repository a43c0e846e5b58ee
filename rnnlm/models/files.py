"""Reading model files: a model is made again from its constructor keywords, arrays, encoding and log; no pickle."""

from __future__ import annotations

from pathlib import Path

from .. import storage
from ..errors import DataError, UsageError
from ..ngram.arpa_lines import is_arpa
from ..ops.device import Device
from ..own_source import Trust
from ..stored import Stored, reading
from ..text.encoding import Encoding
from ..text.files import Head
from ..text.vocabulary import Vocabulary
from . import kinds
from .classifier import Classifier
from .language_model import LanguageModel
from .model import Model
from .ngram import NgramLM
from .training_log import read_training_log


def unpack(stored: Stored) -> Model:
    """The model that `Model.to_arrays` took apart. DataError where something is missing or not what it must be."""
    classifier = kinds.find(stored.text("kind"), kinds.CLASSIFIERS)
    if classifier is None:
        return language_model(stored)
    model: Classifier = classifier.unpack(stored)
    model.log = read_training_log(stored)
    return model


def language_model(stored: Stored) -> LanguageModel:
    """The language model that `Model.to_arrays` took apart; DataError for a kind that is none. See `unpack`."""
    stored.require_flat()
    name = stored.text("kind")
    kind = kinds.find(name, kinds.NETWORKS, kinds.OTHERS)
    if kind is None:
        raise DataError(
            f"the model is of the kind {name!r}, which this rnnlm does not know. Install a newer rnnlm-kit."
        )
    encoding = Encoding.unpack(stored)
    if stored.trust is not None:
        try:
            encoding.rule  # noqa: B018  so that an own tokenizer that is missing is noticed now, not in the middle of the work
        except UsageError as error:
            raise DataError(str(error)) from error
    model: LanguageModel = kind.unpack(encoding, stored)
    model.log = read_training_log(stored)
    return model


def load(
    path: str | Path | Head,
    vocabulary: Vocabulary | None = None,
    *,
    device: str | Device = "cpu",
    trust: Trust = False,
) -> LanguageModel:
    """The language model in a file: one of ours, or an n-gram model in the ARPA format, plain or compressed.

    `vocabulary` gives the words of an ARPA file their ids; our files have their own. `device` is where the model is to
    compute, as in `Model.to`; a file does not know where it was trained. A model may name a Python file with a
    recurrence or a tokenizer of its own: it is run only with `trust`, and only if it has the SHA-256 that the model
    names. DataError for a file that is missing, damaged, of a newer version, or something else, and for such a model
    without `trust`; UsageError as of `Model.to`.
    """
    model = load_any(path, vocabulary, device=device, trust=trust)
    if not isinstance(model, LanguageModel):
        name = path.path if isinstance(path, Head) else path
        raise DataError(
            f"{name} holds a classifier ({model.kind}), not a language model. Use it with `rnnlm classify`, or load it "
            "with rnnlm.load_classifier."
        )
    return model


def load_classifier(path: str | Path, *, device: str | Device = "cpu") -> Classifier:
    """The classifier in a file, on a device; no file of it runs code. Raises what `load` raises."""
    model = load_any(path, device=device, trust=None)
    if not isinstance(model, Classifier):
        raise DataError(
            f"{path} holds a language model ({model.kind}), not a classifier. Use it with `rnnlm ppl` or `rnnlm "
            "sample`, or load it with rnnlm.load."
        )
    return model


def load_any(
    path: str | Path | Head,
    vocabulary: Vocabulary | None = None,
    *,
    device: str | Device = "cpu",
    trust: Trust = False,
) -> Model:
    """The model in a file, of whatever kind, on a device. Raises what `load` raises.

    With trust=None no code is run: the model says all that `rnnlm info` shows, and one that needs code of its own
    cannot compute.
    """
    return _read(path, vocabulary, trust).to(device)


def _read(file: str | Path | Head, vocabulary: Vocabulary | None, trust: Trust) -> Model:
    """The model in a file, on the host."""
    path = file.path if isinstance(file, Head) else file
    if _is_arpa(file):
        return NgramLM.read_arpa(path, vocabulary)
    stored = Stored(*storage.read(path, "model"), Path(path).parent, trust)
    with reading(path, "model"):
        model = unpack(stored)
        stored.refuse_others()
    return model


def load_member(path: Path, entry: Stored, vocabulary: Vocabulary) -> LanguageModel:
    """The language model in a file of its own that the part `entry` of another file names. Raises what `load` raises.

    `vocabulary` gives the words of an ARPA file their ids.
    DataError also where a chain of such files does not end, or goes on to more than a thousand.
    """
    if is_arpa(path):
        return NgramLM.read_arpa(path, vocabulary)
    stored = entry.of_another_file(*storage.read(path, "model"), path.parent)
    with reading(path, "model"):
        model = language_model(stored)
        stored.refuse_others()
    return model


def _is_arpa(file: str | Path | Head) -> bool:
    """Whether the file exists and is in the ARPA format."""
    return (isinstance(file, Head) or Path(file).is_file()) and is_arpa(file)
