"""Make a language model of 0.4 M random weights with a tokenizer of its own: what a real server needs to answer at all.

    python -m perf.tiny_model FOLDER

Needs torch, transformers and tokenizers, which a server's environment has.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

TEXT = 'What should the patient do? A B C D yes no maybe {"score": 1, "explanation": "it says so"}'
POSITIONS = 16384
"""The longest context that it can be served with."""


def make(folder: Path) -> None:
    """Write the model and its tokenizer into a folder."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    pieces: Any = Tokenizer(models.BPE())
    pieces.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pieces.decoder = decoders.ByteLevel()
    marks = ["<s>", "</s>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    pieces.train_from_iterator(
        [TEXT] * 50, trainers.BpeTrainer(vocab_size=600, special_tokens=marks, initial_alphabet=alphabet)
    )
    tokenizer: Any = PreTrainedTokenizerFast(tokenizer_object=pieces, bos_token=marks[0], eos_token=marks[1])
    tokenizer.chat_template = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant:"
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=128, intermediate_size=256, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=4, max_position_embeddings=POSITIONS, bos_token_id=0, eos_token_id=1,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
