"""The words of the tables in docs/benchmarks.md, in both languages."""

from collections.abc import Mapping

WORDS: Mapping[str, Mapping[str, str]] = {
    "benchmarks.md": {
        "figures": "| what | escuta | beside it | ratio | target | met |",
        "yes": "yes",
        "no": "no",
        "warm_7s": "one sentence of 7 s, all weights in memory",
        "batch_8": "eight sentences of 7 s; coqui-tts one after another",
        "checkpoint_to_sample": "a new checkpoint to its finished sample of 7 s; coqui-tts in a fresh process",
        "step_over_bandwidth_bound": "one code; reading the 8-bit weights once",
        "memory_over_peer": "peak memory of the process that speaks",
        "stall_over_copy": "training waits while its weights are copied out of the way (p95); a plain copy",
        "throughput_with_background": "steps of training a second while somebody speaks; while nobody does",
        "curve": "Several sentences of 7 s at once, seconds:",
        "sentences": "sentences",
        "per_sentence": "escuta, each",
        "lengths": "One sentence of several lengths, seconds:",
        "speech": "speech",
        "breakdown": "What a new checkpoint's sample spends its time on, seconds:",
        "read": "read weights",
        "pack": "pack",
        "condition": "hear the voice, read the text",
        "decode": "choose codes",
        "vocode": "make sound",
        "rest": "fingerprint, files",
        "details": (
            "Spoken in {precision} (kernel: {kernel}); the loss of these weights, which have learned nothing, changes "
            "by {difference} %. Memory is read at {bandwidth} GB/s at best, {megabytes} MB a code. "
            "Weights are copied out of the way in {put_50} ms (p50) and {put_95} ms (p95); "
            "what the optimizer keeps, which only a checkpoint needs, in {state_95} ms more (p95). "
            "The process that speaks computed for {duty} % of the time that counts; a step of training takes {step} s."
        ),
        "gpu": "On a GPU ({gpu}), seconds:",
        "gpu_details": (
            "Weights are copied out of the way in {put_95} ms (p95); training keeps {throughput} of its speed."
        ),
        "machine": (
            "{sections}: {date}, {cpu}, {cores} cores, {threads} threads, {memory_gb} GB; PyTorch {torch}, coqui-tts "
            "{coqui} with PyTorch {peer_torch}; load average at most {load}."
        ),
    },
    "pt-BR/benchmarks.md": {
        "figures": "| o quê | escuta | ao lado | razão | meta | alcançada |",
        "yes": "sim",
        "no": "não",
        "warm_7s": "uma frase de 7 s, todos os pesos na memória",
        "batch_8": "oito frases de 7 s; coqui-tts uma após a outra",
        "checkpoint_to_sample": "de um novo checkpoint ao seu sample de 7 s pronto; coqui-tts num processo novo",
        "step_over_bandwidth_bound": "um código; ler uma vez os pesos de 8 bits",
        "memory_over_peer": "pico de memória do processo que fala",
        "stall_over_copy": "o treinamento espera enquanto seus pesos são copiados (p95); uma simples cópia",
        "throughput_with_background": "passos de treinamento por segundo enquanto alguém fala; enquanto ninguém fala",
        "curve": "Várias frases de 7 s de uma vez, segundos:",
        "sentences": "frases",
        "per_sentence": "escuta, cada uma",
        "lengths": "Uma frase de várias durações, segundos:",
        "speech": "fala",
        "breakdown": "Em que o sample de um novo checkpoint gasta seu tempo, segundos:",
        "read": "ler os pesos",
        "pack": "compactar",
        "condition": "ouvir a voz, ler o texto",
        "decode": "escolher os códigos",
        "vocode": "fazer o som",
        "rest": "impressão digital, arquivos",
        "details": (
            "Falado em {precision} (kernel: {kernel}); a perda destes pesos, que não aprenderam nada, muda em "
            "{difference} %. A memória é lida a {bandwidth} GB/s no máximo, {megabytes} MB por código. "
            "Os pesos são copiados em {put_50} ms (p50) e {put_95} ms (p95); "
            "o que o otimizador guarda, de que só um checkpoint precisa, em mais {state_95} ms (p95). "
            "O processo que fala calculou durante {duty} % do tempo que conta; um passo de treinamento leva {step} s."
        ),
        "gpu": "Numa GPU ({gpu}), segundos:",
        "gpu_details": (
            "Os pesos são copiados em {put_95} ms (p95); o treinamento mantém {throughput} da sua velocidade."
        ),
        "machine": (
            "{sections}: {date}, {cpu}, {cores} núcleos, {threads} threads, {memory_gb} GB; PyTorch {torch}, coqui-tts "
            "{coqui} com PyTorch {peer_torch}; carga média de no máximo {load}."
        ),
    },
}
"""By page."""
