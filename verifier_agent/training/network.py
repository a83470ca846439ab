"""The transformer of the embedded models in torch, for training.

Pre-norm blocks without gains or biases: RMS normalisation, attention with normalised queries and
keys (QK-norm), rotary positions on half of each head's width, a squared-ReLU MLP; output
projections start at zero. The question is read both ways, the solution causally (a prefix language
model), so that the runtime can cache keys and values of everything before the next token.
"""

from __future__ import annotations

from dataclasses import dataclass

from verifier_agent.embedded.transformer import QUERY_SCALE, ROTARY_BASE
from verifier_agent.errors import MissingExtra

try:
    import torch
    import torch.nn.functional as F
    from torch import Tensor, nn
except ImportError as error:
    raise MissingExtra("training the embedded models", "train") from error


@dataclass(frozen=True, slots=True)
class Size:
    """The shape of one stack of blocks."""

    layers: int
    width: int
    heads: int


def rotary(length: int, head: int) -> tuple[Tensor, Tensor]:
    """Return cosines and sines, each (length, head / 4): half of a head does not turn."""
    pairs = head // 4
    frequency = ROTARY_BASE ** (-torch.arange(pairs, dtype=torch.float32) / pairs)
    angle = torch.arange(length, dtype=torch.float32)[:, None] * frequency
    return angle.cos(), angle.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn the first half of each head by its position; x is (batch, heads, time, head)."""
    pairs = cos.shape[-1]
    a, b, rest = x[..., :pairs], x[..., pairs : 2 * pairs], x[..., 2 * pairs :]
    return torch.cat([a * cos - b * sin, a * sin + b * cos, rest], dim=-1)


def visible(length: int, question: Tensor) -> Tensor:
    """Return who may look at whom, (batch, 1, time, time): causal, but both ways in the question.

    `question` is (batch,): how many tokens the question has, its closing <solve> included.
    """
    time = torch.arange(length)
    causal = time[:, None] >= time[None, :]
    return (causal | (time < question[:, None])[:, None, :])[:, None]


class Block(nn.Module):  # type: ignore[misc]
    """Attention and MLP, each added to the stream."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.down = nn.Linear(4 * width, width, bias=False)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.down.weight)

    def forward(self, x: Tensor, mask: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
        """Map (batch, time, width) to the same shape."""
        batch, time, width = x.shape
        head = width // self.heads
        qkv = self.qkv(F.rms_norm(x, (width,))).view(batch, time, 3, self.heads, head)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (batch, heads, time, head)
        q = QUERY_SCALE * rotate(F.rms_norm(q, (head,)), *turn)
        k = rotate(F.rms_norm(k, (head,)), *turn)
        # written out: for short sequences twice as fast on a CPU in 16 bits as the fused kernel
        scores = (q @ k.transpose(-1, -2) / head**0.5).masked_fill(~mask, -1e4)
        y = torch.softmax(scores, dim=-1) @ v
        x = x + self.out(y.transpose(1, 2).reshape(batch, time, width))
        hidden: Tensor = x + self.down(F.relu(self.up(F.rms_norm(x, (width,)))).square())
        return hidden


class LanguageModel(nn.Module):  # type: ignore[misc]
    """Reads tokens and predicts the next one: the generator, and the reward model's reader."""

    def __init__(self, vocabulary: int, size: Size) -> None:
        super().__init__()
        self.size = size
        self.embedding = nn.Embedding(vocabulary, size.width)
        self.blocks = nn.ModuleList(Block(size.width, size.heads) for _ in range(size.layers))
        self.head = nn.Linear(size.width, vocabulary, bias=False)
        nn.init.normal_(self.embedding.weight, std=0.5)
        nn.init.zeros_(self.head.weight)

    def states(self, tokens: Tensor, question: Tensor) -> Tensor:
        """Return the normalised top states, (batch, time, width)."""
        length, width = tokens.shape[1], self.size.width
        mask, turn = visible(length, question), rotary(length, width // self.size.heads)
        x = F.rms_norm(self.embedding(tokens), (width,))
        for block in self.blocks:
            x = block(x, mask, turn)
        return F.rms_norm(x, (width,))

    def forward(self, tokens: Tensor, question: Tensor) -> Tensor:
        """Return logits of the next token, (batch, time, vocabulary)."""
        logits: Tensor = self.head(self.states(tokens, question))
        return logits
