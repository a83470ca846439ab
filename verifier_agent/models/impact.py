"""How much energy hosted models take, by the model of EcoLogits (extra `impact`)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from verifier_agent.budget import Footprint

if TYPE_CHECKING:
    from ecologits.model_repository import Model
    from ecologits.utils.range_value import ValueOrRange

_JOULES = 3.6e6
"""Per kilowatt-hour."""


def known_footprint(model_name: str, provider: str | None) -> Footprint | None:
    """Return the energy of each token that `model_name` generates, as a range; None if unknown.

    An estimate, never a measurement: EcoLogits' regression of measured energy on active
    parameters, for servers of eight GPUs that answer 64 requests at once, with the power of the
    server and the overhead of the provider's data centre (https://ecologits.ai, "LLM inference").
    The range is that of the guessed size and of the overhead; where both are stated, its ends
    meet. EcoLogits warns of low precision for models whose architecture is not published and for
    those that read images: most hosted ones. Prompts count as nothing, and so does the wait for
    the first token: 10 generated ones' worth per request in the median where EcoLogits 0.11 knows
    it, 90 at most. The electricity mix does not matter.

    `parameters` is filled in where the size is published. Unknown is a model without a sure
    provider (see `provider_of`), one whose exact name EcoLogits does not list, and any while it is
    not installed. Nothing is fetched.
    """
    kind = logging.getLoggerClass()
    try:
        from ecologits.impacts.llm import compute_llm_impacts
        from ecologits.model_repository import models
        from ecologits.tracers.utils import PROVIDER_CONFIG_MAP
    except ImportError:
        return None
    finally:
        logging.setLoggerClass(kind)  # importing it sets its own for the whole process
    model = None if provider is None else models.find_model(provider, model_name)
    if provider is None or model is None:
        return None
    total, active = _billions(model)
    # without `ttft`, the wait, energy is linear in the tokens; the zeros are not part of it
    energy = compute_llm_impacts(
        model_active_parameter_count=active,
        model_total_parameter_count=total,
        output_token_count=1,
        tps=model.deployment.tps if model.deployment else None,
        datacenter_pue=PROVIDER_CONFIG_MAP[provider].datacenter_pue,
        datacenter_wue=0.0,
        if_electricity_mix_adpe=0.0,
        if_electricity_mix_pe=0.0,
        if_electricity_mix_gwp=0.0,
        if_electricity_mix_wue=0.0,
    ).energy.value
    low, high = _ends(energy)
    return Footprint(
        parameters=round(active * 1e9) if isinstance(active, int | float) else None,
        joules_per_token=(low * _JOULES, high * _JOULES),
    )


def _billions(model: Model) -> tuple[ValueOrRange, ValueOrRange]:
    """Return all parameters of `model`, and those used per token, in billions."""
    sizes: Any = model.architecture.parameters  # a mixture of experts has two of them
    return getattr(sizes, "total", sizes), getattr(sizes, "active", sizes)


def _ends(value: ValueOrRange) -> tuple[float, float]:
    return (value, value) if isinstance(value, int | float) else (value.min, value.max)
