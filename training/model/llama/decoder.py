"""Llama (Touvron et al. 2023) as modules, with the names that Hugging Face's weights have."""

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from training.model.llama.attention import Attend
from training.model.llama.config import LlamaConfig
from training.model.llama.kernels import Kernels
from training.model.llama.rotary import inverse_frequencies


class _Linear(nn.Linear):
    def reset_parameters(self) -> None:
        """Nothing: the numbers come from files."""


class _Embedding(nn.Embedding):
    def reset_parameters(self) -> None:
        """Nothing: the numbers come from files."""


class Norm(nn.Module):
    """RMSNorm over the last dimension."""

    def __init__(self, config: LlamaConfig, kernels: Kernels) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(config.hidden_size))
        self._eps, self._kernels = config.rms_norm_eps, kernels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[..., D] → [..., D]."""
        return self._kernels.rms_norm(x, self.weight, self._eps)


class Attention(nn.Module):
    """Projections and rotation; what attends to what is the caller's to say."""

    def __init__(self, config: LlamaConfig, kernels: Kernels, number: int) -> None:
        super().__init__()
        self._number, self._head_dim, self._kernels = number, config.head_dim, kernels
        query = config.num_attention_heads * config.head_dim
        key_value = config.num_key_value_heads * config.head_dim
        self.q_proj = _Linear(config.hidden_size, query, config.attention_bias)
        self.k_proj = _Linear(config.hidden_size, key_value, config.attention_bias)
        self.v_proj = _Linear(config.hidden_size, key_value, config.attention_bias)
        self.o_proj = _Linear(query, config.hidden_size, config.attention_bias)

    def forward(self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, attend: Attend) -> torch.Tensor:
        """[B, T, hidden] → [B, T, hidden]; ``cos`` and ``sin`` [B, T, head_dim]."""
        heads = (*x.shape[:2], -1, self._head_dim)
        query, key, value = (
            projection(x).view(heads).transpose(1, 2)
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        query, key = self._kernels.rotate(query, key, cos, sin)
        projected: torch.Tensor = self.o_proj(attend(self._number, query, key, value).flatten(2))
        return projected


class FeedForward(nn.Module):
    """SwiGLU between two projections up and one down."""

    def __init__(self, config: LlamaConfig, kernels: Kernels) -> None:
        super().__init__()
        self._kernels = kernels
        self.gate_proj = _Linear(config.hidden_size, config.intermediate_size, config.mlp_bias)
        self.up_proj = _Linear(config.hidden_size, config.intermediate_size, config.mlp_bias)
        self.down_proj = _Linear(config.intermediate_size, config.hidden_size, config.mlp_bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[..., hidden] → [..., hidden]."""
        projected: torch.Tensor = self.down_proj(self._kernels.swiglu(self.gate_proj(x), self.up_proj(x)))
        return projected


class Layer(nn.Module):
    """Attention and feed-forward, each behind a norm and added to what came in."""

    def __init__(self, config: LlamaConfig, kernels: Kernels, number: int) -> None:
        super().__init__()
        self.self_attn = Attention(config, kernels, number)
        self.mlp = FeedForward(config, kernels)
        self.input_layernorm = Norm(config, kernels)
        self.post_attention_layernorm = Norm(config, kernels)

    def forward(self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, attend: Attend) -> torch.Tensor:
        """[B, T, hidden] → [B, T, hidden]."""
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, attend)
        result: torch.Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return result


class Decoder(nn.Module):
    """Embedding, layers and the last norm.

    ``recomputed``: so many layers, the first ones, keep only their input for the backward pass.
    """

    def __init__(self, config: LlamaConfig, kernels: Kernels) -> None:
        super().__init__()
        self.recomputed = 0
        self.embed_tokens = _Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Layer(config, kernels, n) for n in range(config.num_hidden_layers))
        self.norm = Norm(config, kernels)
        frequencies = inverse_frequencies(config.rope, config.head_dim)
        self.inverse_frequencies: torch.Tensor
        self.register_buffer("inverse_frequencies", frequencies, persistent=False)

    def forward(self, input_ids: torch.Tensor, position_ids: torch.Tensor, attend: Attend) -> torch.Tensor:
        """int64 [B, T] both → hidden states [B, T, hidden]."""
        hidden: torch.Tensor = self.embed_tokens(input_ids)
        angles = position_ids[..., None].float() * self.inverse_frequencies
        angles = torch.cat((angles, angles), dim=-1)
        cos, sin = angles.cos().to(hidden.dtype), angles.sin().to(hidden.dtype)
        for number, layer in enumerate(self.layers):
            if number < self.recomputed and torch.is_grad_enabled():
                hidden = checkpoint(layer, hidden, cos, sin, attend, use_reentrant=False)
            else:
                hidden = layer(hidden, cos, sin, attend)
        normed: torch.Tensor = self.norm(hidden)
        return normed


class Llama(nn.Module):
    """The decoder and the output layer, which is a matrix that the loss multiplies with by itself."""

    def __init__(self, config: LlamaConfig, kernels: Kernels) -> None:
        super().__init__()
        self.config = config
        self.model = Decoder(config, kernels)
        self.lm_head = _Linear(config.hidden_size, config.vocab_size, bias=False)
        self.tie()

    def tie(self) -> None:
        """Let the output layer be the embedding where config.json says so."""
        if self.config.tie_word_embeddings:
            self.lm_head.weight = self.model.embed_tokens.weight
