"""The contracts of models and tokenizers, as checks that a user can run on her own.

    from rnnlm.testing import check_language_model
    check_language_model(MyModel(...))

`LANGUAGE_MODEL_CHECKS` holds the same checks one by one, for `pytest.mark.parametrize`.
"""

from ..text.tokenizer_check import check_tokenizer
from .language_model import LANGUAGE_MODEL_CHECKS, check_language_model

__all__ = ["LANGUAGE_MODEL_CHECKS", "check_language_model", "check_tokenizer"]
