"""FSDP2: the frozen base divided over the processes, gathered layer by layer while it is needed."""

from collections.abc import Sequence

import torch

from training.model.llama.decoder import Llama


def shard_base(base: Llama, adapter: Sequence[torch.nn.Parameter], device: torch.device) -> None:
    """Leave each process its part of every weight of ``base``'s decoder, in place.

    The adapter stays whole everywhere: it is small, and its gradients are exchanged as without sharding. The
    output layer stays whole too, since the loss reads its weight outside of any module's forward pass.
    Weights move to ``device`` layer by layer, so no process ever holds the whole base there.
    """
    from torch.distributed.device_mesh import init_device_mesh  # only here: imports much that others need not
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh(device.type, (torch.distributed.get_world_size(),))
    # With tied embeddings the output's weight is the embedding's.
    whole = {*adapter, *base.lm_head.parameters()}
    for layer in base.model.layers:
        fully_shard(layer, mesh=mesh, ignored_params=whole)
    fully_shard(base.model, mesh=mesh, ignored_params=whole)
    for parameter in whole:
        parameter.data = parameter.data.to(device)
    for module in base.modules():
        for name, buffer in module.named_buffers(recurse=False):
            module._buffers[name] = buffer.to(device)  # rotary frequencies; kept out of the state dict
