"""Kokoro at three times the pace on one core: `make` writes it anew, `Session` speaks with it.

What can be fetched of it has weights of 8 bits that are unpacked at every step, and sines taken one by one. Here the
weights are floats again, the sines of its activations polynomials, and the graph is cut in three, so that its middle,
where the time goes, may be computed in bf16: the same throughout halves what listeners would give (DistillMOS 2.1
instead of 4.3, for harmonics need their phase).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, helper, numpy_helper

GENERATOR = "/decoder/decoder/generator/"
SHAPES: dict[str, Sequence[int | str]] = {  # of what goes from part to part, in frames of 25 ms, T of them
    "/decoder/Slice_output_0": (1, 128),
    "/decoder/decoder/Unsqueeze_output_0": (1, 1, "2T"),
    "/encoder/MatMul_1_output_0": (1, 512, "T"),
    "/encoder/N_proj/Conv_output_0": (1, 1, "2T"),
    f"{GENERATOR}Concat_3_output_0": (1, 22, "120T"),
    f"{GENERATOR}LeakyRelu_2_output_0": (1, 128, "120T"),
}
PARTS = {  # its last outputs, and the precision it bears
    "prosody": (
        (f"{GENERATOR}Concat_3_output_0", "/encoder/MatMul_1_output_0", "/encoder/N_proj/Conv_output_0"),
        "f32",
    ),
    "sound": ((f"{GENERATOR}LeakyRelu_2_output_0",), "bf16"),
    "wave": (("audio",), "f32"),
}
KERNELS = 500  # kept for lengths seen before; ten times as many take gigabytes
SINE = (9.99997486e-01, -1.66651677e-01, 8.30951228e-03, -1.84470858e-04)
"""Of sin(x) / x in powers of x², by least squares for |x| ≤ π / 2: off by 1.6e-6 at most."""


class Session:
    """Of the three parts what kokoro-onnx asks of one model.

    Args:
        folder: Where `make` wrote.
        described: The model as fetched, which knows its inputs.
    """

    def __init__(self, folder: Path, described: Any) -> None:
        import openvino

        core = openvino.Core()
        core.set_property("CPU", {"INFERENCE_NUM_THREADS": 1, "ENABLE_CPU_PINNING": False})
        core.set_property("CPU", {"CPU_RUNTIME_CACHE_CAPACITY": KERNELS})
        can_halve = "BF16" in core.get_property(
            "CPU", "OPTIMIZATION_CAPABILITIES"
        )  # if not, by a plain loop: half a minute a clip
        self._described = described
        self._parts = []
        for name, (_, precision) in PARTS.items():
            options = {"INFERENCE_PRECISION_HINT": precision if can_halve else "f32"}
            compiled = core.compile_model(str(folder / f"{name}.onnx"), "CPU", options)
            names = [[port.any_name for port in ports] for ports in (compiled.inputs, compiled.outputs)]
            self._parts.append((compiled.create_infer_request(), *names))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._described, name)

    def run(self, _names: None, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        """The audio of one window of phonemes."""
        known = dict(inputs)
        for request, wanted, found in self._parts:
            results = request.infer({name: known[name] for name in wanted}, share_outputs=True)
            known.update({name: results[name] for name in found})
        return [known["audio"].copy()]


def make(folder: Path) -> None:
    """Write the three parts next to the model that was fetched."""
    model = onnx.load(folder / "kokoro.onnx")
    floats(model.graph)
    polynomials(model.graph)
    for name, part in cut(model.graph).items():
        whole = helper.make_model(part, opset_imports=model.opset_import, ir_version=model.ir_version)
        partial = folder / f"{name}.partial.onnx"
        onnx.save(whole, partial)
        partial.replace(folder / f"{name}.onnx")


def floats(graph: Any) -> None:
    """Give what multiplies in 8 bits its weights as floats."""
    made_by, used_by = links(graph.node)
    kept = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    instead: dict[str, NodeProto] = {}  # by the output they now give

    def keep(name: str, array: np.ndarray) -> str:
        if name not in kept:  # as the layers of its text encoder share theirs
            kept[name] = array.astype(np.float32)
            graph.initializer.append(numpy_helper.from_array(kept[name], name))
        return name

    def floating(name: str) -> np.ndarray:
        if name in kept:
            return kept[name]
        quantised, scale, zero = (kept[one] for one in made_by[name].input)  # a DequantizeLinear
        return (quantised.astype(np.float32) - zero) * scale

    for node in graph.node:
        if node.op_type in ("ConvInteger", "MatMulInteger"):
            inputs = [made_by[node.input[0]].input[0]]
            (then,) = used_by[node.output[0]]
            bias = None
            if then.op_type == "Add":
                (other,) = set(then.input) - set(node.output)
                while made_by[other].op_type != "Div":  # by the scales of this step
                    other = made_by[other].input[0]
                bias = floating(made_by[other].input[0])
                (then,) = used_by[then.output[0]]
            (scaled,) = used_by[then.output[0]]  # after a Cast
            (scales,) = set(scaled.input) - set(then.output)
            (scale,) = (kept[name] for name in made_by[scales].input if name in kept)
            weight = (kept[node.input[1]].astype(np.float32) - kept[node.input[3]]) * scale
            inputs.append(keep(f"{node.input[1]}_float", weight))
            if bias is not None:
                inputs.append(keep(f"{node.name}_bias", bias.reshape(-1)))
            kind = node.op_type.removesuffix("Integer")
            instead[scaled.output[0]] = helper.make_node(kind, inputs, [scaled.output[0]])
            instead[scaled.output[0]].attribute.extend(node.attribute)
        elif node.op_type == "DynamicQuantizeLSTM":
            weights = []
            for quantised, scale, zero in (node.input[i : i + 1] + node.input[j : j + 2] for i, j in ((1, 8), (2, 10))):
                steps = kept[quantised].astype(np.float32) - kept[zero].astype(np.float32)[:, None, None]
                weight = (steps * kept[scale][:, None, None]).transpose(0, 2, 1)
                weights.append(keep(f"{quantised}_float", weight))
            inputs = [node.input[0], *weights, *node.input[3:7]]
            plain = helper.make_node("LSTM", inputs, node.output)
            plain.attribute.extend(one for one in node.attribute if one.name in ("direction", "hidden_size"))
            instead[node.output[0]] = plain
    replace(graph, [instead.get(node.output[0], node) for node in graph.node])


def polynomials(graph: Any) -> None:
    """Take squared sines, which are those of the activations, by polynomials."""
    _, used_by = links(graph.node)
    numbers = {"pi": np.pi, "per_pi": 1 / np.pi, **{f"sine_{2 * i + 1}": factor for i, factor in enumerate(SINE)}}
    graph.initializer.extend(numpy_helper.from_array(np.float32(value), name) for name, value in numbers.items())
    nodes: list[NodeProto] = []
    for node in graph.node:
        if node.op_type != "Sin" or any(then.op_type != "Pow" for then in used_by[node.output[0]]):
            nodes.append(node)
            continue

        def take(kind: str, *inputs: str, place: str = node.output[0]) -> str:
            nodes.append(helper.make_node(kind, inputs, [f"{place}_{len(nodes)}"]))
            return str(nodes[-1].output[0])

        # Whole turns of π change no more than the sign.
        turns = take("Mul", take("Round", take("Mul", node.input[0], "per_pi")), "pi")
        rest = take("Sub", node.input[0], turns)
        square = take("Mul", rest, rest)
        value = "sine_7"
        for factor in ("sine_5", "sine_3", "sine_1"):
            value = take("Add", take("Mul", value, square), factor)
        nodes.append(helper.make_node("Mul", [value, rest], node.output))
    replace(graph, nodes)


def cut(graph: Any) -> dict[str, Any]:
    """The three parts: each what its outputs need and no part before it has."""
    part_of: dict[str, str] = {}  # by the output of a node
    parts: dict[str, list[NodeProto]] = {}
    for name, (outputs, _) in PARTS.items():
        parts[name] = [node for node in needed(graph.node, outputs) if node.output[0] not in part_of]
        part_of.update({output: name for node in parts[name] for output in node.output})

    weights = {tensor.name for tensor in graph.initializer}
    given = {one.name: one for one in graph.input}
    read = {name: {one for node in nodes for one in node.input if one} for name, nodes in parts.items()}
    cuts = {}
    for name, nodes in parts.items():
        inputs = sorted(one for one in read[name] - weights if part_of.get(one) != name)
        others = set().union(*(read[other] for other in parts if other != name), {"audio"})
        outputs = sorted(one for one in others if part_of.get(one) == name)
        cuts[name] = helper.make_graph(
            nodes,
            name,
            [given.get(one) or floats_of(one) for one in inputs],
            [floats_of(one) for one in outputs],
            [tensor for tensor in graph.initializer if tensor.name in read[name]],
        )
    return cuts


def floats_of(name: str) -> Any:
    """What a tensor between parts, or the audio, is."""
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, SHAPES.get(name))


def links(nodes: Iterable[NodeProto]) -> tuple[dict[str, NodeProto], dict[str, list[NodeProto]]]:
    """Who makes each tensor, and who uses it."""
    used_by = defaultdict(list)
    for node in nodes:
        for name in node.input:
            used_by[name].append(node)
    return {name: node for node in nodes for name in node.output}, used_by


def needed(nodes: Sequence[NodeProto], outputs: Iterable[str]) -> list[NodeProto]:
    """The nodes that some tensors come from, in their order."""
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted.intersection(filter(None, node.output)):
            kept.append(node)
            wanted.update(node.input)
    return kept[::-1]


def replace(graph: Any, nodes: Sequence[NodeProto]) -> None:
    """Give a graph other nodes, those of them that its outputs need."""
    kept = needed(nodes, [one.name for one in graph.output])
    del graph.node[:]
    graph.node.extend(kept)
