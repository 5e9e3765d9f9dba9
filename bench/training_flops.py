"""Counts the floating-point operations of a training step, for utilisation figures. Pure arithmetic."""

from dataclasses import dataclass

#: Backward of attention per forward: the gradients of query, key and value, and the scores once more, since
#: fused attention keeps none of them (Dao et al. 2022, "FlashAttention").
ATTENTION_BACKWARD = 2.5


@dataclass(frozen=True, slots=True)
class LlamaShape:
    """Sizes of a Llama; ``key_value`` is the width of keys and values (less than ``hidden`` with GQA)."""

    hidden: int
    intermediate: int
    layers: int
    heads: int
    key_value: int
    vocabulary: int
    family: str = "llama"

    @property
    def layer_weights(self) -> int:
        """Numbers in the matrices of all layers."""
        attention = 2 * self.hidden * (self.hidden + self.key_value)
        return self.layers * (attention + 3 * self.hidden * self.intermediate)


LLAMA_2_7B = LlamaShape(4096, 11008, 32, 32, 4096, 32000)
SHAPES_7B = {
    "Llama 2 7B": LLAMA_2_7B,
    "Mistral 7B": LlamaShape(4096, 14336, 32, 32, 1024, 32768, "mistral"),
    "Llama 3 8B": LlamaShape(4096, 14336, 32, 32, 1024, 128256),
}


def model_flops(shape: LlamaShape, row_length: int) -> float:
    """Operations a token needs in LoRA training, averaged over a causal row of ``row_length`` tokens.

    A multiplication and an addition each count. Frozen matrices need no weight gradient, so forward and
    backward are 2 + 2 operations a weight; the adapter's own, below a thousandth, are left out.
    """
    matrices = 4.0 * (shape.layer_weights + shape.hidden * shape.vocabulary)
    return matrices + (1 + ATTENTION_BACKWARD) * _attention(shape, row_length)


def hardware_flops(shape: LlamaShape, row_length: int, recomputed: int) -> float:
    """Operations a token really costs when ``recomputed`` layers run forward a second time."""
    again = (2.0 * shape.layer_weights + _attention(shape, row_length)) * recomputed / shape.layers
    return model_flops(shape, row_length) + again


def _attention(shape: LlamaShape, row_length: int) -> float:
    """Forward: scores and their sum of values, 4 operations a number; on average half the row is seen."""
    return 4.0 * shape.hidden * shape.layers * row_length / 2
