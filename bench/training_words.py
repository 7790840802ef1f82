"""The words of the tables of training in docs/benchmarks.md, in both languages."""

from collections.abc import Mapping

WORDS: Mapping[str, Mapping[str, str]] = {
    "benchmarks.md": {
        "figures": "| what | escuta | coqui-tts | ratio | target | met |",
        "yes": "yes",
        "no": "no",
        "step_batch2_7s": "one step with two clips of 7 s",
        "memory_over_peer": "peak memory of the process that takes it",
        "features_paid_epochs": "features of a clip of 7 s, once; after how many epochs the shorter steps have paid it",
        "modes": "The same step in the ways to learn there are:",
        "seconds": "seconds",
        "peak": "peak memory, GB",
        "told": "told before by `--dry-run`, GB",
        "scaling": "An epoch of more and more clips (a small model, clips of 1 s):",
        "clips": "clips",
        "epoch": "seconds",
        "clip": "ms a clip",
        "curves": (
            "Over {steps} steps of a small model on the bundled voice the loss in bf16 is {bf16} % away from fp32's, "
            "on average; fp32 with another draw of dropout is {noise} % away from itself."
        ),
        "machine": (
            "{sections}: {date}, {cpu}, {cores} cores, {threads} threads, {memory_gb} GB; PyTorch {torch}; load "
            "average at most {load}."
        ),
    },
    "pt-BR/benchmarks.md": {
        "figures": "| o quê | escuta | coqui-tts | razão | meta | alcançada |",
        "yes": "sim",
        "no": "não",
        "step_batch2_7s": "um passo com dois clipes de 7 s",
        "memory_over_peer": "pico de memória do processo que o dá",
        "features_paid_epochs": (
            "features de um clipe de 7 s, uma vez; depois de quantas épocas os passos mais curtos as pagaram"
        ),
        "modes": "O mesmo passo nas formas de aprender que há:",
        "seconds": "segundos",
        "bf16, moments too": "bf16, momentos também",
        "bf16, moments too, decoder": "bf16, momentos também, decodificador",
        "peak": "pico de memória, GB",
        "told": "anunciada antes por `--dry-run`, GB",
        "scaling": "Uma época de mais e mais clipes (um modelo pequeno, clipes de 1 s):",
        "clips": "clipes",
        "epoch": "segundos",
        "clip": "ms por clipe",
        "curves": (
            "Em {steps} passos de um modelo pequeno com a voz incluída, a perda em bf16 difere da de fp32 em "
            "{bf16} %, em média; fp32 com outro sorteio do dropout difere de si mesma em {noise} %."
        ),
        "machine": (
            "{sections}: {date}, {cpu}, {cores} núcleos, {threads} threads, {memory_gb} GB; PyTorch {torch}; carga "
            "média no máximo {load}."
        ),
    },
}
