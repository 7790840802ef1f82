"""The words of the tables of nano in docs/benchmarks.md, in both languages."""

from collections.abc import Mapping

WORDS: Mapping[str, Mapping[str, str]] = {
    "benchmarks.md": {
        "figures": "| what | nano | target | met |",
        "yes": "yes",
        "no": "no",
        "cer_en": "character error rate, English, in a voice of training",
        "cer_pt": "character error rate, Portuguese, in a voice of training",
        "similarity_best": "speaker similarity of the fine-tuned voice to held-out clips of the human demo voice",
        "similarity_gain": "the same, above what it was before fine-tuning",
        "cer_gain": "character error rate after fine-tuning, above the base's in a voice of training (points)",
        "naturalness": "naturalness of the base (DistillMOS, 1 to 5)",
        "real_time_factor": "seconds to speak one second, a sentence at a time",
        "voices": "All that was measured of what it said:",
        "en": "English, a voice of training",
        "pt": "Portuguese, a voice of training",
        "epoch_0": "the human demo voice, before fine-tuning",
        "frozen": "the human demo voice, best checkpoint of a training that leaves the decoder as it is",
        "best": "the human demo voice, best checkpoint",
        "cer": "character error rate",
        "similarity": "speaker similarity",
        "mos": "naturalness",
        "ceiling": "Held-out clips of the demo voice are alike to each other to {ceiling}.",
        "epochs": "`make demo`, {minutes} min in all:",
        "epoch": "epoch",
        "stall": "training waited, ms",
        "machine": (
            "{sections}: {date}, {cpu}, {cores} cores, {threads} threads, {memory_gb} GB; PyTorch {torch}; load "
            "average at most {load}."
        ),
    },
    "pt-BR/benchmarks.md": {
        "figures": "| o quê | nano | meta | alcançada |",
        "yes": "sim",
        "no": "não",
        "cer_en": "taxa de erro de caracteres, inglês, numa voz do treinamento",
        "cer_pt": "taxa de erro de caracteres, português, numa voz do treinamento",
        "similarity_best": "semelhança da voz após o fine-tuning com clipes separados da voz humana da demo",
        "similarity_gain": "a mesma, acima do que era antes do fine-tuning",
        "cer_gain": (
            "taxa de erro de caracteres após o fine-tuning, acima da do modelo base numa voz do treinamento (pontos)"
        ),
        "naturalness": "naturalidade do modelo base (DistillMOS, 1 a 5)",
        "real_time_factor": "segundos para falar um segundo, uma frase por vez",
        "voices": "Tudo o que se mediu do que ele disse:",
        "en": "inglês, uma voz do treinamento",
        "pt": "português, uma voz do treinamento",
        "epoch_0": "a voz humana da demo, antes do fine-tuning",
        "frozen": "a voz humana da demo, melhor checkpoint de um treinamento que deixa o decodificador como está",
        "best": "a voz humana da demo, melhor checkpoint",
        "cer": "taxa de erro de caracteres",
        "similarity": "semelhança da voz",
        "mos": "naturalidade",
        "ceiling": "Clipes separados da voz da demo são semelhantes entre si em {ceiling}.",
        "epochs": "`make demo`, {minutes} min ao todo:",
        "epoch": "época",
        "stall": "o treinamento esperou, ms",
        "machine": (
            "{sections}: {date}, {cpu}, {cores} núcleos, {threads} threads, {memory_gb} GB; PyTorch {torch}; carga "
            "média no máximo {load}."
        ),
    },
}
"""By page."""
