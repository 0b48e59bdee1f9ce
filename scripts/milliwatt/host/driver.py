"""The C between a model's functions and this process: loops over rows of samples."""

from __future__ import annotations

from milliwatt.dtypes import FEATURE_TYPES
from milliwatt.emit.signal_functions import MOST_ARGUMENTS
from milliwatt.ir import AnyModel, Network
from milliwatt.ir.signals import INT16, Signals

# A negative answer is a mw_status and ends the loop.
_HEAD = """
#include "{name}.h"
#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif
"""
_LOOP = """
EXPORT int host_{function}(const {type} *x, long rows, {out} *out)
{{
    int status = MW_OK;
{begin}    for (long i = 0; status >= 0 && i < rows; ++i) {{
        status = {name}_{function}(x + i * {n}L, {n}{arguments});
{keep}    }}
{end}    return status;
}}
"""
_KEEP = "        out[i] = status;\n"
# A whole recording, cut into blocks; of 0 frames: one frame at a time by the function for that.
_PUSH = """
EXPORT int host_push(const {type} *frames, long n, long block, int32_t *answers, {kind} *features, long room)
{{
    {name}_state *const state = ({name}_state *) malloc(sizeof *state);
    long at = 0, made = 0;
    int status = MW_NOT_YET;
    if (state == NULL) {{
        return MW_ERROR_ARGUMENT;
    }}
    {name}_reset(state);
    while (at < n) {{
        int taken = 1;
        if (block == 0) {{
            status = {one};
        }} else {{
            status = {name}_push_block(state, frames, (int) (n - at < block ? n - at : block), &taken);
        }}
        at += taken;
        frames += (long) taken * {channels};
        if (status == MW_NOT_YET) {{
            continue;
        }}
        if (status < 0 || made == room) {{
            free(state);
            return status < 0 ? status : MW_ERROR_LENGTH;
        }}
        memcpy(features + made * {n}L, {name}_features(state), {n} * sizeof *features);
        answers[made++] = status;
    }}
    free(state);
    return made == room ? MW_OK : MW_ERROR_LENGTH;
}}
"""
_ARENA = """    void *const arena = malloc({upper}_ARENA_SIZE);
    if (arena == NULL) {{
        return MW_ERROR_ARGUMENT;
    }}
"""


def driver(model: AnyModel) -> str:
    """``host_predict``, ``host_score``, …: the functions that the model has, for many rows at once.

    A network's arena is to be the caller's.
    """
    kind = FEATURE_TYPES[model.dtype].c_type
    needs_memory = isinstance(model, Network) or model.signals is not None
    parts = ["#include <stdlib.h>\n" if needs_memory else "", _HEAD.format(name=model.name)]
    for function, width in _vectors(model).items():
        out = "uint8_t" if function == "predict_labels" else "float"
        parts.append(_loop(model, function, kind, out, f", out + i * {width}L, {width}"))
    if model.is_classifier and not _is_multilabel(model):
        parts.append(_loop(model, "predict", kind, "int32_t", "", keep=_KEEP))
    if model.scale:
        parts.append(_loop(model, "quantize", "float", kind, f", out + i * {model.n_features}L", runs=False))
    if model.signals is not None:
        parts.append(_push(model, model.signals, kind))
    return "".join(parts)


def _push(model: AnyModel, signals: Signals, kind: str) -> str:
    """``host_push``: a recording, from which the windows' answers and features come."""
    channels = signals.channels
    frame = ", ".join(f"frames[{index}]" for index in range(channels))
    one = f"{model.name}_push(state, {frame})" if channels <= MOST_ARGUMENTS else "MW_ERROR_ARGUMENT"
    return _PUSH.format(
        type="int16_t" if signals.dtype == INT16 else "float",
        kind=kind,
        name=model.name,
        one=one,
        channels=channels,
        n=model.n_features,
    )


def _is_multilabel(model: AnyModel) -> bool:
    return isinstance(model, Network) and model.is_multilabel


def _vectors(model: AnyModel) -> dict[str, int]:
    """Functions that answer several numbers, and how many."""
    if not model.is_classifier:
        return {"regress": model.n_outputs}
    found = {"predict_labels": model.n_answers} if _is_multilabel(model) else {}
    if model.has_probabilities:
        found["predict_proba"] = model.n_answers
    if model.has_scores:
        found["score"] = model.n_outputs
    return found


def _loop(
    model: AnyModel, function: str, kind: str, out: str, arguments: str, *, keep: str = "", runs: bool = True
) -> str:
    """One function.

    Args:
        runs: it runs the model, for which a network needs its arena.
    """
    arena = runs and isinstance(model, Network)
    upper = model.name.upper()
    return _LOOP.format(
        function=function,
        type=kind,
        out=out,
        name=model.name,
        n=model.n_features,
        arguments=arguments + (f", arena, {upper}_ARENA_SIZE" if arena else ""),
        keep=keep,
        begin=_ARENA.format(upper=upper) if arena else "",
        end="    free(arena);\n" if arena else "",
    )
